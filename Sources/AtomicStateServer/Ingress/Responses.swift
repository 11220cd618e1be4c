package import AtomicStateEngine
package import AtomicStateProtocol
package import AtomicStateSchema

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

    /// The same as a `SubmitReply` in bytes.
    func reply(_ schema: Schema) -> [UInt8] {
        var encoder = SubmitReplyEncoder(replyWithoutRejections)
        let texts = RejectionTexts(
            self, schema, countMax: ServerLimits.describedRejectionCountMax,
            byteCountMax: ServerLimits.describedRejectionByteCountMax)
        encoder.append(texts)
        for rejection in rejectionsInBrief(from: texts.rejections.count) {
            encoder.append(rejection)
        }
        for rejection in rejectionsOfBefore { encoder.append(rejection) }
        return encoder.bytes()
    }

    /// By place and code, and rule while there is room.
    private func rejectionsInBrief(from first: Int) -> [Rejection] {
        var remainingByteCount = ServerLimits.describedRejectionByteCountMax
        return rejections.dropFirst(first).map { rejection in
            let rule = rules[rejection.rule].id
            remainingByteCount -= rule.utf8.count
            return Rejection(
                index: rejection.index, code: rejection.code.rawValue,
                rule: remainingByteCount < 0 ? "" : rule, entityType: "", entityKey: "",
                message: "", observations: [], retryCanHelp: rejection.code.retryCanHelp)
        }
    }

    /// As they were told when the transactions came first.
    private var rejectionsOfBefore: [Rejection] {
        var last: (reply: RememberedReply, rejections: [Rejection])?
        return repeatedRejections.compactMap { repeated in
            if last?.reply !== repeated.reply {
                last = (repeated.reply, SubmitReply(repeated.reply).rejections)
            }
            var rejection = last?.rejections.first { $0.index == repeated.originalIndex }
            rejection?.index = repeated.index
            return rejection
        }
    }
}

extension SubmitReplyEncoder {
    fileprivate mutating func append(_ texts: RejectionTexts) {
        texts.bytes.withUnsafeBytes { bytes in
            // SAFETY: the texts are parts of these bytes.
            func text(_ text: RejectionTexts.Text?) -> Text {
                Text(rebasing: bytes[text ?? 0..<0])
            }
            for rejection in texts.rejections {
                append(
                    index: rejection.index, code: rejection.code.rawValue,
                    retryCanHelp: rejection.code.retryCanHelp, rule: text(rejection.rule),
                    entityType: text(rejection.entityType), entityKey: text(rejection.entityKey),
                    message: text(rejection.message),
                    observations: texts.observations[rejection.observations].map {
                        (text($0.name), text($0.value), text($0.before))
                    }, value: text(rejection.value), limit: text(rejection.limit))
            }
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
