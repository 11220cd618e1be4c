import Testing

@testable import AtomicStateProtocol

@Suite struct FrameHeaderTests {
    @Test(arguments: [0, 1, 255, 256, ProtocolLimits.frameByteCountMax])
    func acceptsLengthsUpToTheLimit(byteCount: Int) throws {
        let header = try FrameHeader(flag: 0, length: UInt32(byteCount))
        #expect(header.messageByteCount == byteCount)
    }

    @Test(arguments: [UInt32(ProtocolLimits.frameByteCountMax) + 1, 1 << 31, .max])
    func refusesLengthsBeyondTheLimit(length: UInt32) {
        let status = #expect(throws: Status.self) { try FrameHeader(flag: 0, length: length) }
        #expect(status?.code == .resourceExhausted)
        #expect(
            status?.message
                == "a message of \(length) bytes: expected at most "
                + "\(ProtocolLimits.frameByteCountMax)")
    }

    @Test func obeysALowerLimit() throws {
        #expect(try FrameHeader(flag: 0, length: 10, limit: 10).messageByteCount == 10)
        #expect(throws: Status.self) { try FrameHeader(flag: 0, length: 11, limit: 10) }
    }

    @Test(arguments: [1, 2, 72, 255] as [UInt8])
    func refusesOtherFlags(flag: UInt8) {
        let status = #expect(throws: Status.self) { try FrameHeader(flag: flag, length: 0) }
        #expect(status?.code == .unimplemented)
    }

    @Test func framesAreAHeaderAndAMessage() {
        let frame = Samples.frame { RequestBody.ping.encodeFrame(id: 300, write: $0) }
        // Field 1, a varint of 300; field 7, a message of no bytes.
        let message: [UInt8] = [0x08, 0xAC, 0x02, 0x3A, 0x00]
        #expect(frame == [0, 0, 0, 0, UInt8(message.count)] + message)
    }

    @Test func lengthsAreBigEndian() {
        let keys = Column(words: Array(repeating: 1, count: 1_000))
        let frame = Samples.frame {
            RequestBody.get(entity: 0, keys: keys).encodeFrame(id: 1, write: $0)
        }
        let length = frame[1..<5].reduce(0) { $0 << 8 | Int($1) }
        #expect(length > 8_000)
        #expect(frame.count == FrameHeader.byteCount + length)
    }

    @Test func limitsFitEachOther() {
        #expect(ProtocolLimits.frameByteCountMax < Int(UInt32.max))
        #expect(ProtocolLimits.decodedByteCountMax >= ProtocolLimits.frameByteCountMax)
        // A full batch of three columns has to fit into a frame.
        #expect(
            ProtocolLimits.batchTransactionCountMax * 3 * 8 < ProtocolLimits.frameByteCountMax)
        #expect(ProtocolLimits.requestsInFlightMax >= 1)
        // A step that gives a key, a version and as many fields as it may has to fit into a run.
        #expect(ProtocolLimits.stepFieldCountMax + 2 <= ProtocolLimits.runColumnCountMax)
    }
}
