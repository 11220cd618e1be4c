/// Where a server listens: a host name or IP address, and a TCP port.
public struct ServerAddress: Sendable, Hashable, LosslessStringConvertible {
    public var host: String
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port`; an IPv6 address stands in brackets, as in `[::1]:7400`. Nil if the text
    /// is no such address. Port 0 is for a listener, and means one that is free.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        let host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            self.host = String(host.dropFirst().dropLast())
        } else {
            // Without brackets it can't be told where an IPv6 address ends.
            guard !host.contains(":") else { return nil }
            self.host = String(host)
        }
        guard !self.host.isEmpty else { return nil }
        self.port = Int(port)
    }

    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
