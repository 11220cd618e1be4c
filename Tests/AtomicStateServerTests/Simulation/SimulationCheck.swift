import AtomicStateEngine
import AtomicStateProtocol
import AtomicStateSchema
import AtomicStateValues

/// Carries out again what the clients were told of, in the order of the sequences, and looks for what
/// contradicts it.
struct SimulationCheck: ~Copyable {
    private(set) var engine: Engine
    private let accountCount: UInt64
    private var found: [String] = []
    /// Whether every outcome is known.
    private var isWhole = true
    /// What was told of each key.
    private var keyOutcomes: [IdempotencyKey: String] = [:]

    init(accountCount: UInt64) {
        engine = Engine(program: SimulatedWorld.schema.program, schemaVersion: 1)
        self.accountCount = accountCount
    }

    /// A batch's transactions, one by one.
    private struct Item {
        let operation: Int
        let arguments: [UInt64]
        let key: IdempotencyKey?
        var told: Told
    }

    private enum Told: Equatable {
        case accepted(UInt64)
        /// Accepted in an earlier batch.
        case duplicate(UInt64)
        case rejected(UInt32)
        case notApplied
    }

    private struct Batch {
        let items: [Item]
        let isAtomic: Bool
        /// 0 if nothing new was accepted.
        let firstSequence: UInt64
        let range: ClosedRange<UInt64>
        let name: String
    }

    private struct Read {
        let reply: GetReply
        let range: ClosedRange<UInt64>
        let name: String
    }

    mutating func findings(of operations: [SimulatedOperation]) throws -> [String] {
        try openAccounts()
        isWhole = !operations.contains(where: \.isRefused)
        var batches: [Batch] = []
        var reads: [Read] = []
        for (number, operation) in operations.enumerated() {
            let name = "operation \(number)"
            let (first, last) = (operation.sequenceBefore, operation.sequenceAfter)
            guard first <= last || operation.isRefused else {
                found.append("\(name): answered as of \(last), though \(first) was told before")
                continue
            }
            switch (operation.request, operation.reply) {
            case (.submit(let runs, isAtomic: let isAtomic, name: _), .submit(let reply)?):
                batches.append(
                    Batch(
                        items: items(of: runs, reply, name), isAtomic: isAtomic,
                        firstSequence: reply.firstSequence, range: first...last, name: name))
            case (.get, .get(let reply)?):
                reads.append(Read(reply: reply, range: first...last, name: name))
            default:
                if !operation.isRefused { found.append("\(name) has no answer") }
            }
        }
        for batch in batches { noteKeys(of: batch) }
        try carryOut(batches, reads)
        return found
    }

    private mutating func openAccounts() throws {
        for account in 1...accountCount {
            let outcome = try execute(
                [(SimulatedWorld.operations.open, [account, 0])], isAtomic: false)
            if outcome.acceptedCount != 1 { found.append("account \(account) is not opened") }
        }
    }

    private mutating func items(of runs: [Run], _ reply: SubmitReply, _ name: String) -> [Item] {
        var items: [Item] = []
        for run in runs {
            for index in 0..<run.transactionCount {
                items.append(
                    Item(
                        operation: run.operation, arguments: run.arguments.map { $0.words[index] },
                        key: run.idempotencyKeys.isEmpty ? nil : run.idempotencyKeys[index],
                        told: .notApplied))
            }
        }
        for rejection in reply.rejections {
            items[rejection.index].told = .rejected(rejection.code)
        }
        for duplicate in reply.duplicates {
            items[duplicate.index].told = .duplicate(duplicate.sequence)
        }
        var sequence = reply.firstSequence
        if reply.acceptedCount > 0 {
            for index in items.indices where items[index].told == .notApplied {
                items[index].told = .accepted(sequence)
                sequence += 1
            }
        }
        if sequence - reply.firstSequence != UInt64(reply.acceptedCount) {
            found.append("\(name): \(reply.acceptedCount) accepted of \(items.count)")
        }
        return items
    }

    /// A key has one outcome, wherever it was told, unless it was refused.
    private mutating func noteKeys(of batch: Batch) {
        for item in batch.items {
            guard let key = item.key else { continue }
            let outcome: String
            switch item.told {
            case .accepted(let sequence), .duplicate(let sequence): outcome = "\(sequence)"
            case .rejected(let code):
                if RejectionCode(rawValue: code)?.isAboutKey == true { continue }
                outcome = "code \(code)"
            case .notApplied: continue
            }
            if let known = keyOutcomes.updateValue(outcome, forKey: key), known != outcome {
                found.append("\(batch.name): key \(key) has the outcomes \(known) and \(outcome)")
            }
        }
    }

    // MARK: In the order of the sequences

    private mutating func carryOut(_ batches: [Batch], _ reads: [Read]) throws {
        var bySequence: [UInt64: Batch] = [:]
        var others: [Batch] = []
        for batch in batches {
            guard batch.firstSequence > 0 else {
                others.append(batch)
                continue
            }
            // A repeated batch is told again what it was told the first time: it is one operation.
            if let other = bySequence.updateValue(batch, forKey: batch.firstSequence) {
                found.append(
                    "\(other.name) and \(batch.name) both begin at \(batch.firstSequence)")
            }
        }
        others.sort { $0.range.lowerBound < $1.range.lowerBound }
        var reads = reads.sorted { $0.range.lowerBound < $1.range.lowerBound }[...]
        var waitingBatches = others[...]
        var openReads: [Read] = []
        var openBatches: [Batch] = []
        while true {
            let position = engine.lastSequence
            while reads.first.map({ $0.range.lowerBound <= position }) == true {
                openReads.append(reads.removeFirst())
            }
            while waitingBatches.first.map({ $0.range.lowerBound <= position }) == true {
                openBatches.append(waitingBatches.removeFirst())
            }
            try settle(&openReads, &openBatches, at: position)
            guard let next = bySequence.removeValue(forKey: position + 1) else { break }
            try carryOut(next)
            // Within the batch nobody sees anything.
            guard engine.lastSequence > position else { break }
        }
        guard isWhole else { return }
        for batch in bySequence.values { found.append("\(batch.name) is behind a gap") }
        for read in openReads + reads { found.append("\(read.name) read what never was") }
        for batch in openBatches + waitingBatches {
            found.append("\(batch.name) was rejected for what never was")
        }
    }

    /// Removes what the state at this position explains; reports what it was too late for.
    private mutating func settle(
        _ reads: inout [Read], _ batches: inout [Batch], at position: UInt64
    ) throws {
        if !reads.isEmpty {
            let state = rows()
            reads.removeAll {
                $0.reply.versions == state.versions
                    && $0.reply.columns.map(\.words) == state.words
            }
        }
        var remaining: [Batch] = []
        for batch in batches where try !explains(batch) { remaining.append(batch) }
        batches = remaining
        for read in reads where read.range.upperBound <= position {
            found.append("\(read.name) read what was not there from \(read.range)")
        }
        reads.removeAll { $0.range.upperBound <= position }
        for batch in batches where batch.range.upperBound <= position {
            found.append("\(batch.name) was rejected for what was not so from \(batch.range)")
        }
        batches.removeAll { $0.range.upperBound <= position }
    }

    private func rows() -> (versions: [UInt64], words: [[UInt64]]) {
        let keys = Array(1...accountCount)
        return keys.withUnsafeBufferPointer { words in
            let result = engine.read(
                type: 0, keys: ArgumentColumn(words: words), count: words.count,
                byteCountMax: .max)
            guard let result else { preconditionFailure("there is no limit") }
            return (result.versions, result.columns.map(\.words))
        }
    }

    /// Whether a batch of which nothing new was accepted is rejected like that in the present state.
    private mutating func explains(_ batch: Batch) throws -> Bool {
        let rejected = batch.items.indices.filter { isJudged(batch.items[$0]) }
        guard !rejected.isEmpty else { return true }
        guard !batch.isAtomic else {
            // A key that comes twice in the batch is carried out once.
            var keys: Set<IdempotencyKey> = []
            let items = batch.items[...rejected[0]].filter {
                $0.key.map { keys.insert($0).inserted } ?? true
            }
            let rejection = try firstRejection(of: items)
            return rejection?.index == items.count - 1
                && .rejected(rejection?.code ?? 0) == items.last?.told
        }
        return try rejected.allSatisfy { index in
            let item = batch.items[index]
            let rejection = try firstRejection(of: [item])
            return rejection.map { .rejected($0.code) == item.told } ?? false
        }
    }

    /// How the items would be rejected here. The state stays as it is.
    private mutating func firstRejection(
        of items: [Item]
    ) throws -> (index: Int, code: UInt32)? {
        // More than an account can hold: what comes before it is turned back in any case.
        let impossible = (SimulatedWorld.operations.withdraw, [1, UInt64(Int64.max)])
        let outcome = try execute(
            items.map { ($0.operation, $0.arguments) } + [impossible], isAtomic: true)
        let rejection = outcome.rejections[0]
        return rejection.index < items.count ? (rejection.index, rejection.code.rawValue) : nil
    }

    /// Whether an item was rejected by rules, and for sure in this batch.
    private func isJudged(_ item: Item) -> Bool {
        guard case .rejected(let code) = item.told else { return false }
        return RejectionCode(rawValue: code)?.isAboutKey == false && item.key == nil
    }

    private mutating func carryOut(_ batch: Batch) throws {
        let last = batch.items.reduce(UInt64(0)) {
            if case .accepted(let sequence) = $1.told { max($0, sequence) } else { $0 }
        }
        if batch.firstSequence <= batch.range.lowerBound || last > batch.range.upperBound {
            found.append(
                "\(batch.name) at \(batch.firstSequence) to \(last), asked and told in \(batch.range)"
            )
        }
        for item in batch.items {
            switch item.told {
            case .accepted(let sequence):
                let outcome = try execute([(item.operation, item.arguments)], isAtomic: false)
                if outcome.firstSequence != sequence {
                    found.append("\(batch.name): sequence \(sequence) is \(outcome.firstSequence)")
                    return
                }
            case .rejected(let code) where isJudged(item):
                let outcome = try execute([(item.operation, item.arguments)], isAtomic: false)
                if outcome.rejections.first?.code.rawValue != code {
                    found.append("\(batch.name): a rejection with code \(code) is none")
                    return
                }
            case .rejected, .duplicate, .notApplied: break
            }
        }
    }

    private mutating func execute(
        _ items: [(operation: Int, arguments: [UInt64])], isAtomic: Bool
    ) throws -> BatchOutcome {
        // One run for each, with a column for each argument; `open` has a text between its two.
        let empty = [UInt32(0)]
        return try empty.withUnsafeBufferPointer { lengths in
            let words = items.flatMap(\.arguments)
            return try words.withUnsafeBufferPointer { words in
                var next = 0
                var runs: [TransactionRun] = []
                for item in items {
                    var columns = item.arguments.map { _ in
                        defer { next += 1 }
                        return ArgumentColumn(
                            words: UnsafeBufferPointer(rebasing: words[next..<(next + 1)]))
                    }
                    if item.operation == SimulatedWorld.operations.open {
                        let text = UnsafeRawBufferPointer(start: nil, count: 0)
                        columns.insert(ArgumentColumn(text: text, lengths: lengths), at: 1)
                    }
                    runs.append(
                        TransactionRun(
                            form: .operation(item.operation), transactionCount: 1,
                            arguments: columns))
                }
                return try engine.execute(runs, isAtomic: isAtomic)
            }
        }
    }
}
