internal import AtomicStateSchema

/// Hashes of what the transactions of a run ask for, by which a repetition is told from a mistake: the
/// same key with another content.
///
/// They are of names, keys and values, and of no index into a schema, so that a transaction has the same
/// hash under another version of the schema.
final class ContentHashes {
    /// One for each transaction, as long as the object lives.
    let hashes: UnsafeBufferPointer<UInt64>
    private let memory: UnsafeMutableBufferPointer<UInt64>

    /// - Parameter form: a hash of what the transactions consist of.
    init(_ run: TransactionRun, form: UInt64) {
        memory = .allocate(capacity: run.transactionCount)
        memory.initialize(repeating: form)
        hashes = UnsafeBufferPointer(memory)
        for column in run.arguments { add(column) }
    }

    deinit { memory.deallocate() }

    private func add(_ column: ArgumentColumn) {
        let hashes = memory
        if let words = column.words {
            for index in hashes.indices {
                hashes[index] = ContentHash.mix(hashes[index], words[index])
            }
        }
        if let text = column.text, let lengths = column.lengths {
            var start = text
            for index in hashes.indices {
                let count = Int(lengths[index])
                let value = UnsafeRawBufferPointer(start: start, count: count)
                hashes[index] = ContentHash.mix(
                    hashes[index], Key.text(value).hash(.published))
                start += count
            }
        }
        if let nanoseconds = column.nanoseconds {
            // There are none if all of the column's are 0, whatever this one's neighbours are.
            for index in hashes.indices where nanoseconds[index] != 0 {
                hashes[index] = ContentHash.mix(hashes[index], UInt64(nanoseconds[index]))
            }
        }
    }
}

/// How contents are hashed.
enum ContentHash {
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
