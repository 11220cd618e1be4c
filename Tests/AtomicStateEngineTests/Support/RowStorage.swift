import AtomicStateEngine
import Testing

/// Stands for the rows that are on disk: images taken from the engine a few at a time, stored when
/// the group that was open then is durable.
struct RowStorage {
    private var images: [[UInt8]: [UInt8]] = [:]
    /// The images show everything up to here, and perhaps some of what came after.
    private(set) var completeSequence: UInt64 = 0

    private var roundSequence: UInt64?
    private var pending: [Part] = []

    private struct Part {
        let changes: [(key: [UInt8], image: [UInt8]?)]
        let completeSequence: UInt64?
    }

    var rowsInKeyOrder: [StoredRow] {
        images.map { StoredRow(key: $0.key, image: $0.value) }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }

    /// A batch for images, with the deleted keys if a round begins; nil if none can begin. It does so
    /// between two groups, because the journal is replayed from there.
    mutating func beginTaking(from engine: inout Engine) -> RowImageBatch? {
        var batch = RowImageBatch()
        if roundSequence == nil {
            guard engine.groupIsEmpty else { return nil }
            roundSequence = engine.lastSequence
            engine.beginDraining(deleted: &batch)
        }
        return batch
    }

    mutating func endTaking(_ batch: inout RowImageBatch, isLast: Bool) throws {
        var changes: [(key: [UInt8], image: [UInt8]?)] = []
        batch.forEachInKeyOrder { key, image in
            changes.append((Array(key), image.map { Array($0) }))
        }
        for (change, next) in zip(changes, changes.dropFirst()) {
            let ascends = change.key.lexicographicallyPrecedes(next.key)
            try #require(ascends, "\(change.key) comes before \(next.key)")
        }
        pending.append(Part(changes: changes, completeSequence: isLast ? roundSequence : nil))
        if isLast { roundSequence = nil }
    }

    /// Stores what was taken; the journal has everything that it shows.
    mutating func storePending() {
        for part in pending {
            for (key, image) in part.changes { images[key] = image }
            if let sequence = part.completeSequence { completeSequence = sequence }
        }
        pending = []
    }

    /// What was not stored is lost.
    mutating func crash() {
        pending = []
        roundSequence = nil
    }
}
