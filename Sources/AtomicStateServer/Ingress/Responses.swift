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

    /// The same as a `SubmitReply` in bytes: the first rejections with what their rules read, the rest in brief.
    func reply(_ schema: Schema) -> [UInt8] {
        var encoder = SubmitReplyEncoder(replyWithoutRejections)
        let describedCount = describeRejections(in: &encoder, schema)
        var remainingByteCount = ServerLimits.describedRejectionByteCountMax
        for rejection in rejections.dropFirst(describedCount) {
            let rule = rules[rejection.rule].id
            remainingByteCount -= rule.utf8.count
            encoder.append(
                Rejection(inBrief: rejection, rule: remainingByteCount < 0 ? "" : rule))
        }
        for rejection in rejectionsOfBefore { encoder.append(rejection) }
        return encoder.encoded()
    }

    /// - Returns: how many there was room for.
    private func describeRejections(
        in encoder: inout SubmitReplyEncoder, _ schema: Schema
    ) -> Int {
        var texts = RejectionTexts(self, schema)
        var observations: [ObservationMessage<UnsafeRawBufferPointer>] = []
        var count = 0
        for rejection in rejections.prefix(ServerLimits.describedRejectionCountMax) {
            let rejection = texts.describe(rejection)
            encoder.append(rejection, texts, &observations)
            guard encoder.rejectionByteCount <= ServerLimits.describedRejectionByteCountMax else {
                encoder.removeLast()
                break
            }
            count += 1
        }
        return count
    }

    /// As they were told when the transactions came first.
    private var rejectionsOfBefore: [Rejection] {
        var last: (reply: RememberedReply, rejections: [Rejection])?
        return repeatedRejections.compactMap { repeated in
            if last?.reply !== repeated.reply {
                last = (repeated.reply, SubmitReply(repeated.reply).rejections)
            }
            var rejection = last?.rejections.first(numbered: repeated.originalIndex, by: \.index)
            rejection?.index = repeated.index
            return rejection
        }
    }
}

extension Rejection {
    /// By place, code and rule.
    fileprivate init(inBrief rejection: RejectionRecord, rule: String) {
        self.init(
            index: rejection.index, code: rejection.code.rawValue, rule: rule, entityType: "",
            entityKey: "", message: "", observations: [], retryCanHelp: rejection.code.retryCanHelp)
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
