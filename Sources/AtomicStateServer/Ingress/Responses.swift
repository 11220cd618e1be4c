internal import AtomicStateEngine
internal import AtomicStateProtocol
internal import AtomicStateSchema

extension SubmitReply {
    init(_ outcome: BatchOutcome, _ schema: Schema) {
        let rejections = Self.rejections(of: outcome, schema)
        let repeated = Self.repeatedRejections(of: outcome)
        self.init(
            firstSequence: outcome.firstSequence, acceptedCount: outcome.acceptedCount,
            rejections: repeated.isEmpty
                ? rejections : (rejections + repeated).sorted { $0.index < $1.index },
            duplicates: outcome.duplicates.map {
                Duplicate(index: $0.index, sequence: $0.sequence)
            })
    }

    /// A reply of an earlier time.
    init(_ remembered: RememberedReply) {
        do {
            self = try remembered.bytes.withUnsafeBytes { try SubmitReply(decoding: $0) }
        } catch {
            preconditionFailure("a remembered reply was encoded here, or checked when it was read")
        }
    }

    /// As they were told when the transactions came first.
    private static func repeatedRejections(of outcome: BatchOutcome) -> [Rejection] {
        var last: (reply: RememberedReply, rejections: [Rejection])?
        return outcome.repeatedRejections.compactMap { repeated in
            if last?.reply !== repeated.reply {
                last = (repeated.reply, SubmitReply(repeated.reply).rejections)
            }
            var rejection = last?.rejections.first { $0.index == repeated.originalIndex }
            rejection?.index = repeated.index
            return rejection
        }
    }

    /// The first rejections in full, the rest by place and code, and rule while there is room.
    private static func rejections(of outcome: BatchOutcome, _ schema: Schema) -> [Rejection] {
        var remainingByteCount = ServerLimits.describedRejectionByteCountMax
        let described = outcome.describeRejections(
            schema, limit: ServerLimits.describedRejectionCountMax
        ).lazy.map(Rejection.init).prefix { rejection in
            remainingByteCount -= rejection.byteCount
            return remainingByteCount >= 0
        }
        let first = Array(described)
        remainingByteCount = ServerLimits.describedRejectionByteCountMax
        let rest = outcome.rejections.dropFirst(first.count).map { rejection in
            let rule = outcome.rules[rejection.rule].id
            remainingByteCount -= rule.utf8.count
            return Rejection(
                index: rejection.index, code: rejection.code.rawValue,
                rule: remainingByteCount < 0 ? "" : rule, entityType: "", entityKey: "",
                message: "", observations: [], retryCanHelp: rejection.code.retryCanHelp)
        }
        return first + rest
    }
}

extension Rejection {
    fileprivate init(_ rejection: RejectionDescription) {
        self.init(
            index: rejection.index, code: rejection.code.rawValue, rule: rejection.rule,
            entityType: rejection.entityType, entityKey: rejection.entityKey,
            message: rejection.message,
            observations: rejection.observations.map {
                Observation(name: $0.name, value: $0.value, before: $0.before ?? "")
            },
            retryCanHelp: rejection.code.retryCanHelp, value: rejection.value ?? "",
            limit: rejection.limit ?? "")
    }

    /// About what it takes in a reply.
    fileprivate var byteCount: Int {
        let texts = [rule, entityType, entityKey, message, value, limit]
        return observations.reduce(texts.reduce(64) { $0 + $1.utf8.count }) {
            $0 + $1.name.utf8.count + $1.value.utf8.count + $1.before.utf8.count + 16
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
