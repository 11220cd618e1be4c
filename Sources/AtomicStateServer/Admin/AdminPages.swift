internal import AtomicStateStorage
internal import Foundation
internal import NIOHTTP1

/// What the admin port answers.
struct AdminPages: Sendable {
    struct Page {
        var status = HTTPResponseStatus.ok
        var contentType = "text/plain; charset=utf-8"
        var text: String
    }

    let statistics: Statistics
    let health: HealthReporter
    let connections: ConnectionTable
    let configuration: Configuration
    let schema: SchemaVersion
    let refusal: SchemaRefusal?

    func page(at path: String) -> Page {
        switch path {
        case "/livez": Page(text: "ok\n")
        case "/startupz": probe(health.hasStarted, otherwise: "starting")
        case "/readyz": probe(health.isReady, otherwise: health.status)
        case "/metrics": metrics()
        case "/statusz": status()
        default:
            Page(
                status: .notFound,
                text: "expected /livez, /readyz, /startupz, /metrics or /statusz\n")
        }
    }

    private func probe(_ isFine: Bool, otherwise reason: String) -> Page {
        isFine ? Page(text: "ok\n") : Page(status: .serviceUnavailable, text: reason + "\n")
    }

    private func metrics() -> Page {
        do throws(StorageError) {
            let text = try MetricsText(statistics, health, connections).text
            // https://prometheus.io/docs/instrumenting/exposition_formats/
            return Page(contentType: "text/plain; version=0.0.4; charset=utf-8", text: text)
        } catch {
            return Page(status: .internalServerError, text: error.description + "\n")
        }
    }

    private func status() -> Page {
        do {
            let report = try StatusReport(self)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let json = String(decoding: try encoder.encode(report), as: UTF8.self)
            return Page(contentType: "application/json", text: json + "\n")
        } catch {
            return Page(status: .internalServerError, text: "\(error)\n")
        }
    }
}
