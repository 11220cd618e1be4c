/// What clients of other protocols send first, and an answer that they can read.
enum ForeignProtocol {
    case http
    case tls

    /// - Parameter bytes: the first bytes of a connection.
    init?(_ bytes: some Collection<UInt8>) {
        let methods = ["GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "PRI * "]
        if methods.contains(where: { bytes.starts(with: $0.utf8.prefix(5)) }) {
            self = .http
        } else if bytes.starts(with: [0x16, 0x03]) {
            // A handshake record of TLS 1.0 or later: RFC 8446, section 5.1.
            self = .tls
        } else {
            return nil
        }
    }

    var name: String {
        switch self {
        case .http: "an HTTP request"
        case .tls: "a TLS handshake"
        }
    }

    var answer: [UInt8] {
        switch self {
        case .http:
            let text =
                "this port speaks Atomic State's protocol, not HTTP; probes and metrics are on the admin "
                + "port\n"
            let head =
                "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\n"
                + "content-length: \(text.utf8.count)\r\nconnection: close\r\n\r\n"
            return Array((head + text).utf8)
        case .tls:
            // An alert record: fatal, handshake_failure (RFC 8446, section 6.2).
            return [0x15, 0x03, 0x01, 0, 2, 2, 40]
        }
    }
}
