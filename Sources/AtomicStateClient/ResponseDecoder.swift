internal import AtomicStateProtocol
internal import NIOCore

/// Cuts the server's bytes into responses.
struct ResponseDecoder: NIOSingleStepByteToMessageDecoder {
    typealias InboundOut = DecodedResponse

    /// The limit is checked as soon as a header is complete, before its payload is awaited.
    mutating func decode(buffer: inout ByteBuffer) throws -> DecodedResponse? {
        guard
            let (flag, length) = buffer.peekMultipleIntegers(
                endianness: .big, as: (UInt8, UInt32).self)
        else { return nil }
        let header = try FrameHeader(flag: flag, length: length)
        let frameByteCount = FrameHeader.byteCount + header.messageByteCount
        guard buffer.readableBytes >= frameByteCount else { return nil }
        let response = try buffer.withUnsafeReadableBytes { bytes in
            try DecodedResponse(
                UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.byteCount..<frameByteCount]))
        }
        buffer.moveReaderIndex(forwardBy: frameByteCount)
        return response
    }

    /// What is left at the end of a connection is a part of a frame, of no use.
    mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> DecodedResponse? {
        try decode(buffer: &buffer)
    }
}
