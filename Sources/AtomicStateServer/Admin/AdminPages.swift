internal import AtomicStateStorage
internal import Foundation
internal import NIOHTTP1
internal import Synchronization

/// What the admin port answers, from before the state is recovered on: a server that recovers lives, and is not
/// ready.
final class AdminSite: Sendable {
    private let pages = Mutex<AdminPages?>(nil)

    /// The state is there.
    func open(_ pages: AdminPages) {
        self.pages.withLock { $0 = pages }
    }

    /// The state is not to be looked at any more.
    func close() {
        pages.withLock { $0 = nil }
    }

    func page(at path: String) -> AdminPage {
        // Under the lock, so that nobody looks at what `close` was called for.
        if let page = pages.withLock({ $0?.page(at: path) }) { return page }
        return path == "/livez"
            ? AdminPage(text: "ok\n")
            : AdminPage(status: .serviceUnavailable, text: "starting\n")
    }
}

struct AdminPage {
    var status = HTTPResponseStatus.ok
    var contentType = "text/plain; charset=utf-8"
    var text: String
}

/// What the admin port answers once the state is there.
struct AdminPages: Sendable {
    let statistics: Statistics
    let health: HealthReporter
    let connections: ConnectionTable
    let configuration: Configuration
    let schema: SchemaVersion
    let refusal: SchemaRefusal?

    func page(at path: String) -> AdminPage {
        switch path {
        case "/livez": AdminPage(text: "ok\n")
        case "/startupz": probe(health.hasStarted, otherwise: "starting")
        case "/readyz": probe(health.isReady, otherwise: health.status)
        case "/metrics": metrics()
        case "/statusz": status()
        default:
            AdminPage(
                status: .notFound,
                text: "expected /livez, /readyz, /startupz, /metrics or /statusz\n")
        }
    }

    private func probe(_ isFine: Bool, otherwise reason: String) -> AdminPage {
        isFine
            ? AdminPage(text: "ok\n") : AdminPage(status: .serviceUnavailable, text: reason + "\n")
    }

    private func metrics() -> AdminPage {
        do throws(StorageError) {
            let text = try MetricsText(statistics, health, connections).text
            // https://prometheus.io/docs/instrumenting/exposition_formats/
            return AdminPage(contentType: "text/plain; version=0.0.4; charset=utf-8", text: text)
        } catch {
            return AdminPage(status: .internalServerError, text: error.description + "\n")
        }
    }

    private func status() -> AdminPage {
        do {
            let report = try StatusReport(self)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let json = String(decoding: try encoder.encode(report), as: UTF8.self)
            return AdminPage(contentType: "application/json", text: json + "\n")
        } catch {
            return AdminPage(status: .internalServerError, text: "\(error)\n")
        }
    }
}
