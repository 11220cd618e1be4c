internal import CProtocol

/// Puts a `SubmitReply` into bytes, rejection by rejection, whose texts need not be Strings.
package struct SubmitReplyEncoder: ~Copyable {
    /// UTF-8 that lies anywhere; it is copied.
    package typealias Text = UnsafeRawBufferPointer

    private let arena = Arena()
    private let reply: SubmitReply
    private var rejections: [UnsafeMutablePointer<Atomicstate__V1__Rejection>] = []

    /// - Parameter reply: its rejections are the first ones.
    package init(_ reply: SubmitReply) {
        self.reply = reply
        for rejection in reply.rejections { append(rejection) }
    }

    package mutating func append(_ rejection: Rejection) {
        rejections.append(arena.rejection(rejection))
    }

    /// See `Rejection`.
    package mutating func append(
        index: Int, code: UInt32, retryCanHelp: Bool, rule: Text, entityType: Text,
        entityKey: Text, message: Text,
        observations: [(name: Text, value: Text, before: Text)], value: Text, limit: Text
    ) {
        rejections.append(
            arena.rejection(
                index: index, code: code, retryCanHelp: retryCanHelp, rule: rule,
                entityType: entityType, entityKey: entityKey, message: message,
                observations: observations, value: value, limit: limit))
    }

    /// The message alone, its rejections in the batch's order, as it is kept for a repetition of its batch.
    package consuming func bytes() -> [UInt8] {
        rejections.sort { $0.pointee.index < $1.pointee.index }
        let message = arena.submitReply(reply, rejections)
        let byteCount = atomicstate__v1__submit_reply__get_packed_size(message)
        return [UInt8](unsafeUninitializedCapacity: byteCount) { bytes, count in
            count = atomicstate__v1__submit_reply__pack(message, bytes.baseAddress)
            withExtendedLifetime(arena) {}
        }
    }
}

extension SubmitReply {
    /// The message alone, as it is kept for a repetition of its batch.
    package var encoded: [UInt8] { SubmitReplyEncoder(self).bytes() }
}

extension Arena {
    func submitReply(_ reply: SubmitReply) -> UnsafeMutablePointer<Atomicstate__V1__SubmitReply> {
        submitReply(reply, reply.rejections.map { rejection($0) })
    }

    fileprivate func submitReply(
        _ reply: SubmitReply, _ rejections: [UnsafeMutablePointer<Atomicstate__V1__Rejection>]
    ) -> UnsafeMutablePointer<Atomicstate__V1__SubmitReply> {
        message(atomicstate__v1__submit_reply__init) {
            $0.first_sequence = reply.firstSequence
            $0.accepted = UInt32(reply.acceptedCount)
            $0.n_rejections = rejections.count
            $0.rejections = pointers(rejections)
            $0.n_duplicates = reply.duplicates.count
            $0.duplicates = copy(reply.duplicates.map { UInt32($0.index) })
            $0.n_duplicate_sequences = reply.duplicates.count
            $0.duplicate_sequences = copy(reply.duplicates.map(\.sequence))
        }
    }

    fileprivate func rejection(
        _ rejection: Rejection
    ) -> UnsafeMutablePointer<Atomicstate__V1__Rejection> {
        self.rejection(
            index: rejection.index, code: rejection.code, retryCanHelp: rejection.retryCanHelp,
            rule: rejection.rule.utf8, entityType: rejection.entityType.utf8,
            entityKey: rejection.entityKey.utf8, message: rejection.message.utf8,
            observations: rejection.observations.map {
                ($0.name.utf8, $0.value.utf8, $0.before.utf8)
            }, value: rejection.value.utf8, limit: rejection.limit.utf8)
    }

    fileprivate func rejection<Text: Collection<UInt8>>(
        index: Int, code: UInt32, retryCanHelp: Bool, rule: Text, entityType: Text,
        entityKey: Text, message: Text,
        observations: [(name: Text, value: Text, before: Text)], value: Text, limit: Text
    ) -> UnsafeMutablePointer<Atomicstate__V1__Rejection> {
        self.message(atomicstate__v1__rejection__init) {
            $0.index = UInt32(index)
            $0.code = code
            $0.rule = string(rule)
            $0.entity_type = string(entityType)
            $0.entity_key = string(entityKey)
            $0.message = string(message)
            $0.n_observations = observations.count
            $0.observations = array(
                of: UnsafeMutablePointer<Atomicstate__V1__Observation>?.self,
                count: observations.count)
            for (place, observation) in observations.enumerated() {
                $0.observations[place] = self.message(atomicstate__v1__observation__init) {
                    $0.name = string(observation.name)
                    $0.value = string(observation.value)
                    $0.before = string(observation.before)
                }
            }
            $0.retry_can_help = retryCanHelp ? 1 : 0
            $0.value = string(value)
            $0.limit = string(limit)
        }
    }
}
