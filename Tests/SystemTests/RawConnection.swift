import AtomicStateProtocol
import Foundation
import Glibc

/// A socket without a client's manners: sends any bytes, and reads whatever comes.
final class RawConnection: Sendable {
    private let descriptor: CInt

    /// - Parameter receiveBufferByteCount: what the system takes from the peer before it is read.
    init(port: Int, receiveBufferByteCount: CInt? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var byteCount = receiveBufferByteCount {
            setsockopt(
                descriptor, SOL_SOCKET, SO_RCVBUF, &byteCount, socklen_t(MemoryLayout<CInt>.size))
        }
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let result = withLoopbackAddress(port: port) { Glibc.connect(descriptor, $0, $1) }
        guard result == 0 else {
            throw ServerProcess.Failure(description: String(cString: strerror(errno)))
        }
    }

    deinit { close(descriptor) }

    /// Waits until the peer has room for all bytes. False if it ended the connection before that.
    @discardableResult func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// What the system takes of the bytes at once: their count, 0 if it takes none, or nil if the peer
    /// has ended the connection.
    func offer(_ bytes: ArraySlice<UInt8>) -> Int? {
        let count = bytes.withUnsafeBytes {
            Glibc.send(
                descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        if count >= 0 { return count }
        return errno == EAGAIN ? 0 : nil
    }

    /// Everything until the peer ends the connection; nil if it does not for 10 s.
    func receiveRest() -> [UInt8]? {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(descriptor, &part, part.count, 0)
            if count > 0 {
                bytes += part.prefix(count)
            } else {
                return count == 0 || errno != EAGAIN ? bytes : nil
            }
        }
    }

    var localPort: Int {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &length)
            }
        }
        return Int(UInt16(bigEndian: address.sin_port))
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

/// Calls the body with the address of a port of this machine, as the system's calls take it.
func withLoopbackAddress<Result>(
    port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    address.sin_port = in_port_t(port).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}
