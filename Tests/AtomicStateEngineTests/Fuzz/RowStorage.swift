import AtomicStateEngine
import Testing

/// Stands for the rows that are on disk: images taken from the engine a few at a time, stored when
/// the group that was open then is durable.
struct RowStorage {
    private(set) var images: [[UInt8]: [UInt8]] = [:]
    /// The images show everything up to here, and perhaps some of what came after.
    private(set) var completeSequence: UInt64 = 0

    private var roundSequence: UInt64?
    private var pending: [Part] = []

    private struct Part {
        let changes: [(key: [UInt8], image: [UInt8]?)]
        let completeSequence: UInt64?
    }

    /// Takes some images, and some more into the same batch after a change. A round begins between
    /// two groups, because the journal is replayed from there.
    mutating func takeImages(
        from engine: inout Engine, limit: Int, then change: (inout Engine) throws -> Void
    ) throws {
        var batch = RowImageBatch()
        if roundSequence == nil {
            guard engine.groupIsEmpty else { return }
            roundSequence = engine.lastSequence
            engine.beginDraining(deleted: &batch)
        }
        engine.drain(limit: limit, into: &batch)
        try change(&engine)
        engine.drain(limit: limit, into: &batch)
        try takePart(&batch, isLast: !engine.isDraining)
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

    private mutating func takePart(_ batch: inout RowImageBatch, isLast: Bool) throws {
        var changes: [(key: [UInt8], image: [UInt8]?)] = []
        batch.forEachInKeyOrder { key, image in
            changes.append((Array(key), image.map { Array($0) }))
        }
        for (key, next) in zip(changes, changes.dropFirst()) {
            try #require(key.key.lexicographicallyPrecedes(next.key), "keys ascend, each once")
        }
        pending.append(Part(changes: changes, completeSequence: isLast ? roundSequence : nil))
        if isLast { roundSequence = nil }
    }
}
