/// The five bytes before each message, as gRPC frames them
/// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message"):
///
///     0   1   0: the message is not compressed; other values are refused
///     1   4   the message's bytes, big-endian
package struct FrameHeader: Sendable, Equatable {
    package static let byteCount = 5

    package let messageByteCount: Int

    /// - Parameter bytes: the header's five bytes.
    /// - Parameter limit: the most bytes that a message may have.
    package init(
        flag: UInt8, length: UInt32, limit: Int = ProtocolLimits.frameByteCountMax
    ) throws(Status) {
        guard flag == 0 else {
            throw Status(
                .unimplemented,
                "frame flag \(flag): expected 0, as messages are not compressed")
        }
        guard length <= limit else {
            throw Status(
                .resourceExhausted,
                "a message of \(length) bytes: expected at most \(limit)")
        }
        messageByteCount = Int(length)
    }
}
