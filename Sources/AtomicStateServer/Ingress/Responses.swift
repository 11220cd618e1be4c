package import AtomicStateEngine
package import AtomicStateProtocol
package import AtomicStateSchema
internal import AtomicStateValues

extension BatchOutcome {
    /// What a client is told of it.
    package func response(_ schema: Schema) -> ResponseBody {
        guard rejections.isEmpty, repeatedRejections.isEmpty else {
            return .encodedSubmit(reply(schema))
        }
        return .submit(replyWithoutRejections)
    }

    private var replyWithoutRejections: SubmitReply {
        SubmitReply(
            firstSequence: firstSequence, acceptedCount: acceptedCount, rejections: [],
            duplicates: duplicates.map { .init(index: $0.index, sequence: $0.sequence) })
    }

    /// The same as a `SubmitReply` in bytes. Rejections are told with what their rules read while there is room,
    /// those of this batch first, and the rest in brief.
    func reply(_ schema: Schema) -> [UInt8] {
        var encoder = SubmitReplyEncoder(replyWithoutRejections)
        var room = DescriptionRoom()
        var texts = RejectionTexts(self, schema)
        var observations: [ObservationMessage<UnsafeRawBufferPointer>] = []
        for record in rejections {
            room.tell(in: &encoder) { encoder in
                encoder.append(texts.describe(record), texts, &observations)
            } inBrief: {
                Rejection(
                    inBrief: record.index, record.code.rawValue, rule: rules[record.rule].id,
                    retryCanHelp: record.code.retryCanHelp)
            }
        }
        forEachRejectionOfBefore { rejection in
            room.tell(in: &encoder) { encoder in
                encoder.append(rejection)
            } inBrief: {
                Rejection(
                    inBrief: rejection.index, rejection.code, rule: rejection.rule,
                    retryCanHelp: rejection.retryCanHelp)
            }
        }
        return encoder.encoded()
    }

    /// As they were told when the transactions came first. They come by reply, so that each is read once, and
    /// replies in the order in which the batch came to them.
    private func forEachRejectionOfBefore(_ body: (Rejection) -> Void) {
        let byReply = Dictionary(grouping: repeatedRejections) { ObjectIdentifier($0.reply) }
        for repeated in byReply.values.sorted(by: { $0[0].index < $1[0].index }) {
            let rejections = SubmitReply(repeated[0].reply).rejections
            for each in repeated {
                guard var rejection = rejections.first(numbered: each.originalIndex, by: \.index)
                else { continue }
                rejection.index = each.index
                body(rejection)
            }
        }
    }
}

/// What of a reply may go to rejections, so that it fits a frame.
private struct DescriptionRoom {
    /// The rejections that may yet be described.
    private var remainingCount = EngineLimits.describedRejectionCountMax
    /// For the rules' names of those that are not described.
    private var remainingByteCount = ServerLimits.describedRejectionByteCountMax

    /// Adds a rejection: with what its rule read, as long as there is room, and then in brief.
    mutating func tell(
        in encoder: inout SubmitReplyEncoder, _ describe: (inout SubmitReplyEncoder) -> Void,
        inBrief: () -> Rejection
    ) {
        if remainingCount > 0 {
            describe(&encoder)
            remainingCount -= 1
            if encoder.rejectionByteCount <= ServerLimits.describedRejectionByteCountMax { return }
            encoder.removeLast()
            remainingCount = 0
        }
        var rejection = inBrief()
        remainingByteCount -= rejection.rule.utf8.count
        if remainingByteCount < 0 { rejection.rule = "" }
        encoder.append(rejection)
    }
}

extension Rejection {
    fileprivate init(inBrief index: Int, _ code: UInt32, rule: String, retryCanHelp: Bool) {
        self.init(
            index: index, code: code, rule: rule, entityType: "", entityKey: "", message: "",
            observations: [], retryCanHelp: retryCanHelp)
    }
}

extension SubmitReplyEncoder {
    /// - Parameters:
    ///   - texts: which described the rejection.
    ///   - observations: memory for those of one rejection.
    fileprivate mutating func append(
        _ rejection: RejectionTexts.Rejection, _ texts: borrowing RejectionTexts,
        _ observations: inout [ObservationMessage<UnsafeRawBufferPointer>]
    ) {
        texts.bytes.withUnsafeBytes { bytes in
            // SAFETY: the texts are parts of these bytes.
            func text(_ text: RejectionTexts.Text?) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: bytes[text ?? 0..<0])
            }
            observations.removeAll(keepingCapacity: true)
            for observation in texts.observations {
                observations.append(
                    ObservationMessage(
                        name: text(observation.name), value: text(observation.value),
                        before: text(observation.before)))
            }
            append(
                RejectionMessage(
                    index: rejection.index, code: rejection.code.rawValue,
                    rule: text(rejection.rule), entityType: text(rejection.entityType),
                    entityKey: text(rejection.entityKey), message: text(rejection.message),
                    observations: observations, retryCanHelp: rejection.code.retryCanHelp,
                    value: text(rejection.value), limit: text(rejection.limit)))
        }
    }
}

extension SubmitReply {
    /// A reply of an earlier time.
    fileprivate init(_ remembered: RememberedReply) {
        do {
            self = try remembered.bytes.withUnsafeBytes { try SubmitReply(decoding: $0) }
        } catch {
            preconditionFailure("a remembered reply was encoded here, or checked when it was read")
        }
    }
}

extension GetReply {
    init(_ result: ReadResult) {
        self.init(
            found: result.found, versions: result.versions,
            columns: result.columns.map { values in
                var column = Column()
                column.words = values.words
                column.text = values.text
                column.lengths = values.lengths
                if values.nanoseconds.contains(where: { $0 != 0 }) {
                    column.nanoseconds = values.nanoseconds
                }
                column.present = values.isPresent
                return column
            })
    }
}

extension SchemaDescription {
    init(_ compiled: CompiledSchema) {
        let schema = compiled.schema
        self.init(
            name: schema.name, fingerprint: compiled.fingerprint,
            entities: schema.entities.map { entity in
                Entity(
                    name: entity.name,
                    key: ValueKind(entity.keyType.valueType, EngineLimits.keyByteCountMax),
                    fields: entity.fields.map {
                        Member(
                            name: $0.name, kind: ValueKind($0.type, $0.maximumByteCount),
                            isOptional: $0.isOptional)
                    },
                    derived: entity.derived.map {
                        Member(
                            name: $0.name, kind: ValueKind($0.type, nil),
                            isOptional: $0.function.isOptional)
                    },
                    isGeneric: entity.isGeneric, uniqueKeys: entity.uniqueKeys.map(\.fields))
            },
            operations: schema.operations.map { operation in
                Operation(
                    name: operation.name,
                    parameters: operation.parameters.map {
                        Member(name: $0.name, kind: ValueKind($0.type, $0.maximumByteCount))
                    })
            },
            text: compiled.text)
    }
}

extension SchemaDescription.ValueKind {
    fileprivate init(_ type: ValueType, _ byteCountMax: Int?) {
        switch type {
        case .bool: self = .bool
        case .int: self = .int
        case .uint: self = .uint
        case .decimal(let scale): self = .decimal(scale: scale)
        case .string: self = .string(byteCountMax: byteCountMax ?? 0)
        case .bytes: self = .bytes(byteCountMax: byteCountMax ?? 0)
        case .uuid: self = .uuid
        case .timestamp: self = .timestamp
        case .duration: self = .duration
        case .enumeration(let values): self = .enumeration(values: values)
        case .entity(let index): self = .reference(entity: index)
        case .double, .null, .list:
            preconditionFailure("no field or parameter has the type \(type)")
        }
    }
}
