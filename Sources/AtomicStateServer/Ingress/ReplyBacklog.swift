internal import AtomicStateProtocol
internal import NIOCore

/// The answers of one connection that have not left. One part of them at a time is with the channel, so
/// that many small answers take no more memory than their bytes, and what is left is known.
struct ReplyBacklog {
    private var waiting = ByteBuffer()
    private var sendingByteCount = 0
    /// Of all answers so far, whether they left or not.
    private(set) var totalByteCount = 0

    var waitingByteCount: Int { waiting.readableBytes }
    var byteCount: Int { waitingByteCount + sendingByteCount }
    var isEmpty: Bool { byteCount == 0 }

    mutating func append(_ response: ResponseBody, requestID: UInt64) {
        response.encodeFrame(id: requestID) { byteCount, fill in
            if waiting.readableBytes == 0 { waiting.reserveCapacity(byteCount) }
            waiting.writeWithUnsafeMutableBytes(minimumWritableBytes: byteCount) { memory in
                fill(UnsafeMutableRawBufferPointer(rebasing: memory[..<byteCount]))
                return byteCount
            }
            totalByteCount += byteCount
        }
    }

    mutating func append(_ bytes: [UInt8]) {
        waiting.writeBytes(bytes)
        totalByteCount += bytes.count
    }

    /// What the channel is to send next; nil while it has not sent the part before, or nothing waits.
    mutating func nextPart() -> ByteBuffer? {
        guard sendingByteCount == 0, waiting.readableBytes > 0 else { return nil }
        defer { waiting = ByteBuffer() }
        sendingByteCount = waiting.readableBytes
        return waiting
    }

    mutating func partWasSent() {
        sendingByteCount = 0
    }
}
