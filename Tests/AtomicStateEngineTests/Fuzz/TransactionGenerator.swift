import AtomicStateEngine
import AtomicStateSchema
import AtomicStateValues
import ReferenceModel
import SeededRandom

/// Makes up arguments: mostly values that can be accepted, with all that can go wrong among them.
struct TransactionGenerator {
    let schema: Schema
    var random: SeededGenerator
    /// The keys of the entities that there are, by type; most references are among them.
    var knownKeys: [[Argument]]
    var knownVersions: [[Argument: UInt64]]
    /// The keys of what the transaction under way creates, by type.
    private var createdKeys: [[Argument]]

    init(schema: Schema, seed: UInt64) {
        self.schema = schema
        random = SeededGenerator(state: seed)
        knownKeys = schema.entities.map { _ in [] }
        knownVersions = schema.entities.map { _ in [:] }
        createdKeys = knownKeys
    }

    /// An operation: more often one that creates while there is little to work on, and less often one
    /// that deletes.
    mutating func operation() -> Int {
        let isScarce = knownKeys.contains { $0.count < 4 }
        var operation = 0
        for _ in 0..<3 {
            operation = Int.random(in: schema.operations.indices, using: &random)
            if schema.operations[operation].creates == isScarce
                && !schema.operations[operation].deletes
            {
                break
            }
        }
        return operation
    }

    /// The steps of a transaction, of every kind that the schema allows.
    mutating func steps() -> [TransactionStep] {
        let genericTypes = schema.entities.indices.filter { schema.entities[$0].isGeneric }
        return (0..<Int.random(in: 1...4, using: &random)).map { _ in
            guard !genericTypes.isEmpty, !random.oneIn(3) else {
                let index: Int = operation()
                return .operation(index)
            }
            return genericStep(random.pick(genericTypes))
        }
    }

    private mutating func genericStep(_ type: Int) -> TransactionStep {
        let fields = schema.entities[type].fields
        let expectsVersion = random.oneIn(3)
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            return .delete(type: type, expectsVersion: expectsVersion)
        case 1...3 where !fields.isEmpty:
            let count = Int.random(in: 1...min(3, fields.count), using: &random)
            let changes = fields.indices.shuffled(using: &random).prefix(count).map { field in
                TransactionStep.FieldChange(field: field, kind: changeKind(of: fields[field]))
            }
            return .update(type: type, changes: Array(changes), expectsVersion: expectsVersion)
        default:
            let given = fields.indices.filter { field in
                fields[field].defaultValue == nil && !fields[field].isOptional || random.oneIn(2)
            }
            return .create(type: type, fields: given.shuffled(using: &random))
        }
    }

    private mutating func changeKind(of field: Field) -> TransactionStep.FieldChange.Kind {
        var kinds: [TransactionStep.FieldChange.Kind] = [.set, .set]
        switch field.type {
        case .int, .decimal, .duration: kinds += [.add, .add]
        default: break
        }
        if field.isOptional { kinds.append(.clear) }
        return random.pick(kinds)
    }

    mutating func arguments(for form: TransactionRun.Form) -> [Argument] {
        createdKeys = schema.entities.map { _ in [] }
        switch form {
        case .operation(let operation): return arguments(of: .operation(operation))
        case .steps(let steps): return steps.flatMap { arguments(of: $0) }
        }
    }

    private mutating func arguments(of step: TransactionStep) -> [Argument] {
        switch step {
        case .operation(let index):
            let operation = schema.operations[index]
            let arguments = operation.parameters.map { argument(for: $0) }
            for effect in operation.effects {
                if case .create(let type, let key, _) = effect.kind,
                    case .parameter(let parameter) = key.kind
                {
                    createdKeys[type].append(arguments[parameter])
                }
            }
            return arguments
        case .create(let type, let fields):
            let entity = schema.entities[type]
            let key = argument(
                for: parameter(entity.keyType.valueType, byteCountMax: 256))
            createdKeys[type].append(key)
            return [key] + fields.map { argument(for: entity.fields[$0]) }
        case .update(let type, let changes, let expectsVersion):
            let fields = schema.entities[type].fields
            return target(type, expectsVersion)
                + changes.filter { $0.kind != .clear }.map { argument(for: fields[$0.field]) }
        case .delete(let type, let expectsVersion):
            return target(type, expectsVersion)
        }
    }

    /// The key of an entity, and mostly its version.
    private mutating func target(_ type: Int, _ expectsVersion: Bool) -> [Argument] {
        let key = argument(for: parameter(.entity(type)))
        guard expectsVersion else { return [key] }
        let version = knownVersions[type][key] ?? 0
        return [key, .word(random.oneIn(4) ? version &+ 1 : version)]
    }

    private mutating func argument(for field: Field) -> Argument {
        argument(for: parameter(field.type, byteCountMax: field.maximumByteCount))
    }

    private func parameter(_ type: ValueType, byteCountMax: Int? = nil) -> Parameter {
        Parameter(
            name: "", type: type, maximumByteCount: byteCountMax,
            location: SourceLocation(line: 1, column: 1))
    }

    private mutating func argument(for parameter: Parameter) -> Argument {
        switch parameter.type {
        case .bool:
            return .word(random.oneIn(40) ? 2 : UInt64.random(in: 0...1, using: &random))
        case .enumeration(let values):
            return .word(
                random.oneIn(40)
                    ? random.pick([UInt64(values.count), .max])
                    : UInt64.random(in: 0..<UInt64(values.count), using: &random))
        case .int, .decimal:
            return .int(number())
        case .uint:
            return Self.numberKey(&random)
        case .string:
            return text(byteCountMax: parameter.maximumByteCount ?? 0)
        case .bytes:
            let count = Int.random(in: 0...((parameter.maximumByteCount ?? 0) + 1), using: &random)
            return .bytes((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
        case .uuid:
            return uuid()
        case .timestamp:
            return time(random.pick([-62_135_596_800, 253_402_300_799]))
        case .duration:
            return time(random.pick([-315_576_000_000, 315_576_000_000]))
        case .entity(let type):
            if !createdKeys[type].isEmpty, random.oneIn(2) { return random.pick(createdKeys[type]) }
            if !knownKeys[type].isEmpty, !random.oneIn(15) { return random.pick(knownKeys[type]) }
            switch schema.entities[type].keyType {
            case .uint64: return Self.numberKey(&random)
            case .string: return textKey()
            case .uuid: return uuid()
            }
        case .double, .null, .list:
            preconditionFailure("no parameter is a \(parameter.type)")
        }
    }

    /// One of few, so that keys meet.
    private mutating func uuid() -> Argument {
        let last = UInt8.random(in: 1...6, using: &random)
        return .bytes(Array(repeating: 0, count: random.oneIn(40) ? 14 : 15) + [last])
    }

    /// Mostly near 1970, sometimes at an end of the range or beyond it.
    private mutating func time(_ limit: Int64) -> Argument {
        let seconds =
            random.oneIn(8)
            ? limit + Int64.random(in: -1...1, using: &random)
            : Int64.random(in: -20...20, using: &random)
        let nanoseconds: Int64 = random.pick([0, 0, 1, 500_000_000, 999_999_999])
        return .time(
            TimeValue(seconds: seconds, nanoseconds: random.oneIn(40) ? 1_000_000_000 : nanoseconds)
        )
    }

    private mutating func number() -> Int64 {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: random.pick([.min, .min + 1, .max, .max - 1, 1 << 62, -(1 << 62)])
        case 1: random.pick([0, 0, -1, 1])
        case 2, 3: Int64.random(in: -20_000...20_000, using: &random)
        default: Int64.random(in: -3...30, using: &random)
        }
    }

    private static func numberKey(_ random: inout SeededGenerator) -> Argument {
        .word(
            random.oneIn(12)
                ? random.pick([0, .max, .max - 1, 1 << 63])
                : UInt64.random(in: 1...9, using: &random))
    }

    private mutating func textKey() -> Argument {
        random.oneIn(30) ? text(byteCountMax: 256) : .text(random.pick(Self.keys))
    }

    /// Most string parameters become keys somewhere, so most texts are.
    private mutating func text(byteCountMax: Int) -> Argument {
        switch Int.random(in: 0..<20, using: &random) {
        case 0: .bytes(random.pick(Self.malformed))
        case 1: .text(String(repeating: "é", count: random.pick([3, 6, 128, byteCountMax / 2])))
        case 2: .text(String(repeating: "k", count: random.pick([255, 256, 257, byteCountMax])))
        case 3: .text(String(repeating: "w", count: byteCountMax + 1))
        case 4...8: .text(random.pick(Self.words))
        default: .text(random.pick(Self.keys))
        }
    }

    private static let keys =
        ["a", "b", "c", "d", "e", "é", "e\u{301}", ""]
        + ["k256", "k257"].map {
            String(repeating: "k", count: $0 == "k256" ? 256 : 257)
        }
    private static let words = [
        "x", "rx", "note!", "b", "🦀", "\u{0}", "long enough!", "r", "\u{FFFD}", "zzz",
    ]
    private static let malformed: [[UInt8]] = [
        [0x80], [0xC0, 0x80], [0x61, 0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
        [0xFF], [0x61, 0xC3],
    ]
}

extension Operation {
    fileprivate var creates: Bool {
        effects.contains { if case .create = $0.kind { true } else { false } }
    }

    fileprivate var deletes: Bool {
        effects.contains { if case .delete = $0.kind { true } else { false } }
    }
}
