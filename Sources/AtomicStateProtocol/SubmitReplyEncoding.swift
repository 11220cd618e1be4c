/// Puts a `SubmitReply` into bytes, rejection by rejection, whose texts need not be Strings.
package struct SubmitReplyEncoder: ~Copyable {
    private let reply: SubmitReply
    /// The rejections so far, one after the other.
    private var bytes: [UInt8] = []
    private var rejections: [(index: Int, bytes: Range<Int>)] = []

    /// - Parameter reply: without rejections.
    package init(_ reply: SubmitReply) {
        self.reply = reply
    }

    /// What the rejections so far take.
    package var rejectionByteCount: Int { bytes.count }

    package mutating func append(_ rejection: Rejection) {
        append(rejection, at: rejection.index)
    }

    package mutating func append(_ rejection: RejectionMessage<UnsafeRawBufferPointer>) {
        append(rejection, at: rejection.index)
    }

    package mutating func removeLast() {
        bytes.removeLast(rejections.removeLast().bytes.count)
    }

    private mutating func append(_ rejection: some WireMessage, at index: Int) {
        let start = bytes.count
        rejection.append(to: &bytes)
        rejections.append((index, start..<bytes.count))
    }

    /// The message alone, its rejections in the batch's order, as it is kept for a repetition of its batch.
    package consuming func encoded() -> [UInt8] {
        rejections.sort { $0.index < $1.index }
        return bytes.withUnsafeBytes { bytes in
            SubmitReplyMessage(
                reply: reply,
                rejections: rejections.map {
                    EncodedMessage(bytes: UnsafeRawBufferPointer(rebasing: bytes[$0.bytes]))
                }
            ).encoded
        }
    }
}

extension SubmitReply: WireMessage {
    func encode(into sink: inout some WireSink) {
        SubmitReplyMessage(reply: self, rejections: rejections).encode(into: &sink)
    }
}

private struct SubmitReplyMessage<Rejection: WireMessage>: WireMessage {
    let reply: SubmitReply
    /// In place of the reply's.
    let rejections: [Rejection]

    func encode(into sink: inout some WireSink) {
        sink.varint(1, reply.firstSequence)
        sink.varint(2, reply.acceptedCount)
        sink.messages(3, rejections)
        sink.packedVarints(4, reply.duplicates.map(\.index))
        sink.packedFixed(5, reply.duplicates.map(\.sequence))
    }
}

extension Rejection: WireMessage {
    func encode(into sink: inout some WireSink) {
        RejectionMessage(
            index: index, code: code, rule: rule.utf8, entityType: entityType.utf8,
            entityKey: entityKey.utf8, message: message.utf8,
            observations: observations.map {
                ObservationMessage(
                    name: $0.name.utf8, value: $0.value.utf8, before: $0.before.utf8)
            }, retryCanHelp: retryCanHelp, value: value.utf8, limit: limit.utf8
        ).encode(into: &sink)
    }
}

/// A `Rejection` whose texts, in UTF-8, lie anywhere.
package struct RejectionMessage<Text: Collection<UInt8>>: WireMessage {
    let index: Int
    let code: UInt32
    let rule: Text
    let entityType: Text
    let entityKey: Text
    let message: Text
    let observations: [ObservationMessage<Text>]
    let retryCanHelp: Bool
    let value: Text
    let limit: Text

    package init(
        index: Int, code: UInt32, rule: Text, entityType: Text, entityKey: Text, message: Text,
        observations: [ObservationMessage<Text>], retryCanHelp: Bool, value: Text, limit: Text
    ) {
        self.index = index
        self.code = code
        self.rule = rule
        self.entityType = entityType
        self.entityKey = entityKey
        self.message = message
        self.observations = observations
        self.retryCanHelp = retryCanHelp
        self.value = value
        self.limit = limit
    }

    func encode(into sink: inout some WireSink) {
        sink.varint(1, index)
        sink.varint(2, code)
        sink.bytes(3, rule)
        sink.bytes(4, entityType)
        sink.bytes(5, entityKey)
        sink.bytes(6, message)
        sink.messages(7, observations)
        sink.bool(8, retryCanHelp)
        sink.bytes(9, value)
        sink.bytes(10, limit)
    }
}

package struct ObservationMessage<Text: Collection<UInt8>>: WireMessage {
    let name: Text
    let value: Text
    let before: Text

    package init(name: Text, value: Text, before: Text) {
        self.name = name
        self.value = value
        self.before = before
    }

    func encode(into sink: inout some WireSink) {
        sink.bytes(1, name)
        sink.bytes(2, value)
        sink.bytes(3, before)
    }
}
