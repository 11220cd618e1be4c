/// Puts a `SubmitReply` into bytes, rejection by rejection, whose texts need not be Strings.
package struct SubmitReplyEncoder: ~Copyable {
    /// UTF-8 that lies anywhere; it is copied.
    package typealias Text = UnsafeRawBufferPointer

    private let reply: SubmitReply
    private var rejections: [(index: Int, message: EncodedMessage)] = []

    /// - Parameter reply: its rejections are the first ones.
    package init(_ reply: SubmitReply) {
        self.reply = reply
        for rejection in reply.rejections { append(rejection) }
    }

    package mutating func append(_ rejection: Rejection) {
        rejections.append((rejection.index, EncodedMessage(rejection)))
    }

    /// See `Rejection`.
    package mutating func append(
        index: Int, code: UInt32, retryCanHelp: Bool, rule: Text, entityType: Text,
        entityKey: Text, message: Text,
        observations: [(name: Text, value: Text, before: Text)], value: Text, limit: Text
    ) {
        let rejection = RejectionMessage(
            index: index, code: code, rule: rule, entityType: entityType, entityKey: entityKey,
            message: message, observations: observations.map(ObservationMessage.init),
            retryCanHelp: retryCanHelp, value: value, limit: limit)
        rejections.append((index, EncodedMessage(rejection)))
    }

    /// The message alone, its rejections in the batch's order, as it is kept for a repetition of its batch.
    package consuming func bytes() -> [UInt8] {
        rejections.sort { $0.index < $1.index }
        return EncodedMessage(
            SubmitReplyMessage(reply: reply, rejections: rejections.map(\.message))
        ).bytes
    }
}

extension SubmitReply: WireMessage {
    /// The message alone, as it is kept for a repetition of its batch.
    package var encoded: [UInt8] { SubmitReplyEncoder(self).bytes() }

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

private struct RejectionMessage<Text: Collection<UInt8>>: WireMessage {
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

private struct ObservationMessage<Text: Collection<UInt8>>: WireMessage {
    let name: Text
    let value: Text
    let before: Text

    func encode(into sink: inout some WireSink) {
        sink.bytes(1, name)
        sink.bytes(2, value)
        sink.bytes(3, before)
    }
}
