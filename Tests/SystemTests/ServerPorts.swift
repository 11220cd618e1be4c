import Glibc
import Synchronization

/// Ports for servers: below those that the system gives to outgoing connections, so that a server which is started
/// again finds its port free, and none twice.
enum ServerPorts {
    private static let ports = 10_000..<32_768
    private static let nextPort = Mutex(Int.random(in: ports))

    static func next() throws -> Int {
        for _ in ports {
            let port = nextPort.withLock { next in
                defer { next = next + 1 < ports.upperBound ? next + 1 : ports.lowerBound }
                return next
            }
            if isFree(port) { return port }
        }
        throw ServerProcess.Failure(description: "no port in \(ports) is free")
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return withLoopbackAddress(port: port) { bind(descriptor, $0, $1) == 0 }
    }
}
