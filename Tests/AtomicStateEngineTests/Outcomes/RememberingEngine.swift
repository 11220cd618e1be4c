import AtomicStateEngine
import AtomicStateSchema
import AtomicStateValues
import ReferenceModel
import Testing

/// A transaction of one operation, perhaps with a key.
struct SubmittedTransaction: Hashable {
    var operation: Int
    var arguments: [Argument]
    var key: IdempotencyKey?

    /// Without the key.
    var content: SubmittedTransaction {
        SubmittedTransaction(operation: operation, arguments: arguments, key: nil)
    }
}

struct SubmittedBatch: Hashable {
    var transactions: [SubmittedTransaction]
    var isAtomic = false
    var name: BatchName?
}

/// What a client is told of a transaction.
enum ToldOutcome: Hashable {
    case accepted(UInt64)
    case rejected(RejectionCode)
    /// It was in an atomic batch that was turned back because of another one.
    case notApplied

    var isRejected: Bool { if case .rejected = self { true } else { false } }
}

/// An engine whose outcomes are encoded, group by group, as a server would, and that can be restarted.
final class RememberingEngine {
    let program: Program
    private(set) var engine: Engine
    private let capacity: Int
    private(set) var records: [(number: UInt64, bytes: [UInt8])] = []
    private var group = OutcomeEncoder()
    private var milliseconds: UInt64 = 0

    init(_ schema: TestSchema = .bank, capacity: Int) throws {
        program = try schema.program()
        self.capacity = capacity
        engine = Engine(program: program, schemaVersion: testSchemaVersion)
        engine.outcomes = OutcomeMemory(
            capacity: capacity, forgottenUntil: 0, firstGroup: 1)
        engine.outcomes.group = 1
    }

    /// For new names and keys.
    var nameMilliseconds: UInt64 { engine.nameMilliseconds }

    /// The server's time.
    func set(milliseconds: UInt64) {
        self.milliseconds = milliseconds
        engine.beginGroup(microseconds: milliseconds * 1_000)
    }

    /// Each transaction's outcome; nil if the batch was refused.
    func submit(_ batch: SubmittedBatch) throws -> [ToldOutcome]? {
        // Consecutive transactions of one operation, with keys or without, share a run.
        var parts: [[SubmittedTransaction]] = []
        for transaction in batch.transactions {
            if let last = parts.last?.last, last.operation == transaction.operation,
                (last.key == nil) == (transaction.key == nil)
            {
                parts[parts.count - 1].append(transaction)
            } else {
                parts.append([transaction])
            }
        }
        let memory = parts.map { ArgumentMemory($0.map(\.arguments)) }
        let keys = parts.map { $0.flatMap { $0.key?.bytes ?? [] } }
        // The engine's view of the keys is used until the outcome is encoded.
        let keyMemory = keys.map { keys in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: keys.count, alignment: 1)
            copy.copyBytes(from: keys)
            return copy
        }
        defer {
            for part in keyMemory { part.deallocate() }
            withExtendedLifetime(memory) {}
        }
        let runs = parts.indices.map { index in
            TransactionRun(
                form: .operation(parts[index][0].operation),
                transactionCount: parts[index].count, arguments: memory[index].columns,
                idempotencyKeys: UnsafeRawBufferPointer(keyMemory[index]))
        }
        let submission = try engine.submit(runs, isAtomic: batch.isAtomic, name: batch.name)
        let count = batch.transactions.count
        switch submission {
        case .carriedOut(let outcome):
            let told = told(outcome, count: count, isAtomic: batch.isAtomic)
            outcome.identity?.reply?.bytes = Self.encode(told)
            group.append(outcome)
            return told
        case .acceptedBefore(firstSequence: let first):
            return (0..<UInt64(count)).map { .accepted(first + $0) }
        case .toldBefore(let reply):
            return Self.decode(reply.bytes)
        case .refused:
            return nil
        }
    }

    private func told(_ outcome: BatchOutcome, count: Int, isAtomic: Bool) -> [ToldOutcome] {
        var told: [ToldOutcome?] = Array(repeating: nil, count: count)
        for rejection in outcome.rejections { told[rejection.index] = .rejected(rejection.code) }
        for duplicate in outcome.duplicates {
            told[duplicate.index] = .accepted(duplicate.sequence)
        }
        for repeated in outcome.repeatedRejections {
            told[repeated.index] = Self.decode(repeated.reply.bytes)[repeated.originalIndex]
        }
        let isTurnedBack =
            isAtomic && !(outcome.rejections.isEmpty && outcome.repeatedRejections.isEmpty)
        var sequence = outcome.firstSequence
        for index in told.indices where told[index] == nil {
            told[index] = isTurnedBack ? .notApplied : .accepted(sequence)
            sequence += 1
        }
        let accepted = isTurnedBack ? 0 : Int(sequence - outcome.firstSequence)
        #expect(accepted == outcome.acceptedCount)
        return told.compactMap { $0 }
    }

    /// Ends the commit group.
    func closeGroup() {
        if !engine.groupIsEmpty {
            _ = engine.closeGroup(firstSequence: 1)
        }
        if !group.isEmpty {
            records.append((engine.outcomes.group, group.withRecord { Array($0) }))
        }
        group.removeAll()
        engine.outcomes.group += 1
        records.removeAll { $0.number < engine.outcomes.firstGroup }
        set(milliseconds: milliseconds)
    }

    /// Forgets the outcomes in memory and reads them back.
    func restart(capacity: Int? = nil) throws {
        let forgottenUntil = engine.outcomes.forgottenUntil
        let group = engine.outcomes.group
        engine.outcomes = OutcomeMemory(
            capacity: capacity ?? self.capacity, forgottenUntil: forgottenUntil, firstGroup: 1)
        for record in records {
            try record.bytes.withUnsafeBytes {
                try engine.outcomes.load($0, group: record.number) { reply in
                    OutcomeMemory.weight(
                        ofReplyWithRejections: Self.decode(Array(reply)).count(where: \.isRejected),
                        duplicates: 0)
                }
            }
        }
        engine.outcomes.group = group
    }

    // MARK: What stands for a reply

    private static func encode(_ told: [ToldOutcome]) -> [UInt8] {
        told.flatMap { outcome in
            let (kind, value): (UInt8, UInt64) =
                switch outcome {
                case .accepted(let sequence): (0, sequence)
                case .rejected(let code): (1, UInt64(code.rawValue))
                case .notApplied: (2, 0)
                }
            return [kind] + withUnsafeBytes(of: value) { Array($0) }
        }
    }

    private static func decode(_ bytes: [UInt8]) -> [ToldOutcome] {
        bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 9).map { offset in
                let value = bytes.loadUnaligned(fromByteOffset: offset + 1, as: UInt64.self)
                switch bytes[offset] {
                case 0: return .accepted(value)
                case 1: return .rejected(RejectionCode(rawValue: UInt32(value))!)
                default: return .notApplied
                }
            }
        }
    }
}
