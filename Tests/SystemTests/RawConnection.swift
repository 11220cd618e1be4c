import AtomicStateProtocol
import Foundation
import Glibc

/// A socket without a client's manners: sends any bytes, and reads whatever comes.
final class RawConnection {
    private let descriptor: CInt

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            throw ServerProcess.Failure(description: String(cString: strerror(errno)))
        }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    func send(_ request: RequestBody, id: UInt64 = 1) {
        send(Self.frame(request, id: id))
    }

    static func frame(_ request: RequestBody, id: UInt64 = 1) -> [UInt8] {
        var frame: [UInt8] = []
        request.encodeFrame(id: id) { byteCount, fill in
            frame = [UInt8](repeating: 0, count: byteCount)
            frame.withUnsafeMutableBytes { fill($0) }
        }
        return frame
    }

    /// The next response; nil if the server closed the connection.
    func receive() throws -> DecodedResponse? {
        guard let header = read(FrameHeader.byteCount) else { return nil }
        let length = header[1...].reduce(0) { $0 << 8 | Int($1) }
        guard let message = read(length) else { return nil }
        return try message.withUnsafeBytes { try DecodedResponse($0) }
    }

    func greet() throws {
        _ = try greeting()
    }

    func greeting() throws -> ServerGreeting {
        send(.hello(client: "raw", schemaFingerprint: ""), id: 0)
        guard case .hello(let greeting)? = try receive()?.body else {
            throw ServerProcess.Failure(description: "no greeting")
        }
        return greeting
    }

    private func read(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var received = 0
        while received < count {
            let part = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress?.advanced(by: received), count - received, 0)
            }
            guard part > 0 else { return nil }
            received += part
        }
        return bytes
    }
}
