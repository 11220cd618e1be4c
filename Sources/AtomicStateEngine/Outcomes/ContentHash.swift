internal import AtomicStateSchema

/// Hashes of what the transactions of a run ask for, by which a repetition is told from a mistake: the
/// same key with another content.
///
/// They are of names, keys and values, and of no index of a type, field or operation, so that a transaction has the same
/// hash under another version of the schema; unless values of an enumeration have moved, or parameters.
struct ContentHashes {
    /// The transactions that are hashed together: few enough for their hashes to stay in the nearest
    /// cache from one column to the next.
    private static let stepCount = 64

    /// Of all transactions, with their keys and their places in the batch: does not depend on the order in
    /// which they are added up, so that none waits for the one before it.
    let sum: UInt64
    /// What is kept of each transaction's hash, whose count is the header.
    private let memory: ManagedBuffer<Int, UInt32>

    /// - Parameters:
    ///   - form: a hash of what the transactions consist of.
    ///   - firstIndex: the place of the first one in the batch.
    init(_ run: TransactionRun, form: UInt64, firstIndex: Int) {
        let count = run.transactionCount
        memory = .create(minimumCapacity: count) { _ in count }
        sum = memory.withUnsafeMutablePointerToElements { kept in
            withUnsafeTemporaryAllocation(
                of: HashedColumn.self, capacity: run.arguments.count
            ) { columns in
                _ = columns.initialize(from: run.arguments.lazy.map(HashedColumn.init))
                return Self.hash(run, columns, form: form, firstIndex: firstIndex, into: kept)
            }
        }
    }

    /// - Parameter kept: receives what is kept of each transaction's hash.
    /// - Returns: `sum`.
    private static func hash(
        _ run: TransactionRun, _ columns: UnsafeMutableBufferPointer<HashedColumn>, form: UInt64,
        firstIndex: Int, into kept: UnsafeMutablePointer<UInt32>
    ) -> UInt64 {
        let keys = run.keys
        let hasKeys = !keys.isEmpty
        var sum: UInt64 = 0
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: stepCount) { all in
            for start in stride(from: 0, to: run.transactionCount, by: stepCount) {
                let transactions = start..<min(start + stepCount, run.transactionCount)
                let hashes = UnsafeMutableBufferPointer(rebasing: all[..<transactions.count])
                hashes.initialize(repeating: form)
                for index in columns.indices { columns[index].mix(transactions, into: hashes) }
                for offset in hashes.indices {
                    let index = start &+ offset
                    (kept + index).initialize(to: ContentHash.kept(hashes[offset]))
                    var (hash, place) = (hashes[offset], UInt64(firstIndex &+ index))
                    if hasKeys {
                        hash ^= keys.low(index)
                        place ^= keys.high(index)
                    }
                    sum &+= ContentHash.mix(hash, place)
                }
            }
        }
        return sum
    }

    /// What is kept of each transaction's hash, as long as this, or a copy, is kept.
    var kept: UnsafeBufferPointer<UInt32> {
        // SAFETY: the elements are a part of the object, and stay in place.
        memory.withUnsafeMutablePointers { count, elements in
            UnsafeBufferPointer(start: elements, count: count.pointee)
        }
    }
}

/// A column on its way into the hashes of its transactions.
private struct HashedColumn: BitwiseCopyable {
    private let column: ArgumentColumn
    private var texts: ArgumentColumn.Texts?

    init(_ column: ArgumentColumn) {
        self.column = column
        texts = ArgumentColumn.Texts(ArgumentSource(column))
    }

    /// - Parameter transactions: those after the ones of the last call.
    mutating func mix(
        _ transactions: Range<Int>, into hashes: UnsafeMutableBufferPointer<UInt64>
    ) {
        let start = transactions.lowerBound
        if let words = column.words {
            for index in hashes.indices {
                hashes[index] = ContentHash.mix(hashes[index], words[start &+ index])
            }
        }
        if var texts {
            for index in hashes.indices {
                let text = Key.text(texts.next(start &+ index))
                hashes[index] = ContentHash.mix(hashes[index], text.hash(.published))
            }
            self.texts = texts
        }
        if let nanoseconds = column.nanoseconds {
            // There are none if all of the column's are 0, whatever this one's neighbours are.
            for index in hashes.indices where nanoseconds[start &+ index] != 0 {
                hashes[index] = ContentHash.mix(
                    hashes[index], UInt64(nanoseconds[start &+ index]) | ContentHash.nanosecondsMark
                )
            }
        }
    }
}

/// How contents are hashed.
enum ContentHash {
    /// Tells nanoseconds from the seconds of the next argument.
    fileprivate static let nanosecondsMark: UInt64 = 0x6E73 << 32

    /// Of a form, by the names of what it consists of.
    static func ofForm(_ form: TransactionForm, index: Int, schema: Schema) -> UInt64 {
        guard let steps = form.steps else { return of(schema.operations[index].name, 0) }
        return steps.reduce(1) { hash, step in
            switch step {
            case .operation(let operation):
                of(schema.operations[operation].name, hash)
            case .create(type: let type, fields: let fields):
                fields.reduce(of("create", of(schema.entities[type].name, hash))) {
                    of(schema.entities[type].fields[$1].name, $0)
                }
            case .update(type: let type, changes: let changes, expectsVersion: let expects):
                changes.reduce(
                    of(expects ? "update at" : "update", of(schema.entities[type].name, hash))
                ) {
                    mix(
                        of(schema.entities[type].fields[$1.field].name, $0),
                        UInt64($1.kind.rawValue))
                }
            case .delete(type: let type, expectsVersion: let expects):
                of(expects ? "delete at" : "delete", of(schema.entities[type].name, hash))
            }
        }
    }

    private static func of(_ name: String, _ seed: UInt64) -> UInt64 {
        var name = name
        return name.withUTF8 { mix(seed, Key.text(UnsafeRawBufferPointer($0)).hash(.published)) }
    }

    /// What goes to memory and disk of a hash: the chance that other content passes for a repetition is
    /// one in four thousand million.
    @inline(__always)
    static func kept(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 32) }

    @inline(__always)
    static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let product = (hash ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(
            by: word ^ 0xE703_7ED1_A0B4_28DB)
        return (product.high ^ product.low) &+ hash
    }
}
