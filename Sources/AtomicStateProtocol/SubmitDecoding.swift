internal import AtomicStateValues

/// The request that is to be fast: a batch of calls, and what a client is told of it. In another form than the
/// encoders here write, or with steps, it is protobuf-c's to read.
extension DecodedRequest {
    /// - Returns: the request's id, and what it asks for, which is yet to be checked.
    static func readSubmit(
        _ bytes: UnsafeRawBufferPointer, in arena: inout Arena
    ) throws(UnusualForm) -> (id: UInt64, submit: Submit) {
        let (id, body) = try WireReader.envelope(bytes, bodyTag: WireType.bytes.tag(3))
        return (id, try Submit(body, in: &arena))
    }
}

extension DecodedRequest.Submit {
    fileprivate init(_ message: WireReader, in arena: inout Arena) throws(UnusualForm) {
        var reader = message
        while let tag = reader.nextTag() {
            switch tag {
            // A run without transactions takes less on the wire than in memory.
            case WireType.bytes.tag(1)
            where runs.count < ProtocolLimits.batchTransactionCountMax:
                runs.append(try RunView(try reader.message(), in: &arena))
            case WireType.varint.tag(2): timeoutMilliseconds = try reader.uint32()
            case WireType.varint.tag(3): isAtomic = try reader.bool()
            case WireType.bytes.tag(4) where name == nil:
                name = try BatchName(try reader.message())
            default: throw UnusualForm()
            }
        }
    }
}

extension BatchName {
    fileprivate init(_ message: WireReader) throws(UnusualForm) {
        var reader = message
        var (producer, number, sentMilliseconds) = (0, 0, 0) as (UInt64, UInt64, UInt64)
        while let tag = reader.nextTag() {
            switch tag {
            case WireType.fixed64.tag(1): producer = try reader.fixed64()
            case WireType.varint.tag(2): number = try reader.varint()
            case WireType.varint.tag(3): sentMilliseconds = try reader.varint()
            default: throw UnusualForm()
            }
        }
        self.init(producer: producer, number: number, sentMilliseconds: sentMilliseconds)
    }
}

extension RunView {
    fileprivate init(_ message: WireReader, in arena: inout Arena) throws(UnusualForm) {
        let tagOfColumns = WireType.bytes.tag(3)
        let columns = try arena.array(
            of: ColumnView.self, count: try message.count(of: tagOfColumns))
        var columnCount = 0
        var reader = message
        while let tag = reader.nextTag() {
            switch tag {
            case WireType.varint.tag(1): operation = try reader.uint32()
            case WireType.varint.tag(2): transactionCount = Int(try reader.uint32())
            case tagOfColumns:
                columns.initializeElement(
                    at: columnCount, to: try ColumnView(try reader.message(), in: &arena))
                columnCount += 1
            case WireType.bytes.tag(5):
                idempotencyKeys = UnsafeRawBufferPointer(
                    try reader.packedFixed(UInt8.self, in: &arena))
            default: throw UnusualForm()
            }
        }
        guard columnCount <= ProtocolLimits.runColumnCountMax else { throw UnusualForm() }
        self.columns = UnsafeBufferPointer(columns)
    }
}

extension ColumnView {
    fileprivate init(_ message: WireReader, in arena: inout Arena) throws(UnusualForm) {
        var reader = message
        while let tag = reader.nextTag() {
            switch tag {
            case WireType.bytes.tag(1) where words.isEmpty:
                words = try reader.packedFixed(UInt64.self, in: &arena)
            case WireType.bytes.tag(2):
                text = UnsafeRawBufferPointer(try reader.packedFixed(UInt8.self, in: &arena))
            case WireType.bytes.tag(3) where lengths.isEmpty:
                lengths = try reader.packedVarints(in: &arena)
            case WireType.bytes.tag(4) where nanoseconds.isEmpty:
                nanoseconds = try reader.packedFixed(UInt32.self, in: &arena)
            default: throw UnusualForm()
            }
        }
    }
}

// MARK: The reply

extension DecodedResponse {
    /// - Returns: the response's id, and a reply to a submit.
    static func readSubmitReply(
        _ bytes: UnsafeRawBufferPointer
    ) throws(UnusualForm) -> (id: UInt64, reply: SubmitReply) {
        let (id, body) = try WireReader.envelope(bytes, bodyTag: WireType.bytes.tag(4))
        return (id, try SubmitReply(body))
    }
}

extension SubmitReply {
    init(_ message: WireReader) throws(UnusualForm) {
        self.init(firstSequence: 0, acceptedCount: 0, rejections: [])
        var reader = message
        var rejectionReader = RejectionReader()
        var duplicateIndices: [UInt32] = []
        var duplicateSequences: [UInt64] = []
        while let tag = reader.nextTag() {
            switch tag {
            case WireType.varint.tag(1): firstSequence = try reader.varint()
            case WireType.varint.tag(2): acceptedCount = Int(try reader.uint32())
            case RejectionReader.tag:
                let rejection = try rejectionReader.rejection(reader.message())
                if rejections.isEmpty {
                    let others = try reader.count(of: RejectionReader.tag)
                    rejections.reserveCapacity(1 + others)
                }
                rejections.append(rejection)
            case WireType.bytes.tag(4) where duplicateIndices.isEmpty:
                duplicateIndices = try reader.packed { (reader) throws(UnusualForm) in
                    try reader.uint32()
                }
            case WireType.bytes.tag(5) where duplicateSequences.isEmpty:
                duplicateSequences = try reader.packed { (reader) throws(UnusualForm) in
                    try reader.fixed64()
                }
            default: throw UnusualForm()
            }
        }
        guard duplicateIndices.count == duplicateSequences.count else { throw UnusualForm() }
        duplicates = zip(duplicateIndices, duplicateSequences).map {
            Duplicate(index: Int($0), sequence: $1)
        }
    }
}
