import AtomicStateEngine

/// Stands for the rows that are on disk: images taken from the engine a few at a time, stored when
/// the group that was open then is durable, and in force when their round is over.
struct RowStorage {
    /// In force.
    private(set) var blocks: [[UInt8]] = []
    /// The images show everything up to here, and perhaps some of what came after.
    private(set) var completeSequence: UInt64 = 0

    private var round: Round?
    private var roundBlocks: [[UInt8]] = []
    private var pending: [Part] = []

    private struct Round {
        let sequence: UInt64
        let isOfAll: Bool
    }

    private struct Part {
        let blocks: [[UInt8]]
        /// If it is the last one of a round.
        let endedRound: Round?
    }

    /// Room for images, with the deleted keys if a round begins; nil if none can begin. It does so
    /// between two groups, because the journal is replayed from there.
    ///
    /// - Parameter ofAll: whether a round that begins is of all entities.
    mutating func beginTaking(from engine: inout Engine, ofAll: Bool) -> RowBlocks? {
        var rows = RowBlocks(schemaVersion: engine.schemaVersion)
        if round == nil {
            guard engine.groupIsEmpty else { return nil }
            round = Round(sequence: engine.lastSequence, isOfAll: ofAll)
            if ofAll { engine.beginDrainingAll() } else { engine.beginDraining(deleted: &rows) }
        }
        return rows
    }

    mutating func endTaking(_ rows: borrowing RowBlocks, isLast: Bool) {
        var blocks: [[UInt8]] = []
        rows.forEach { blocks.append(Array($0)) }
        pending.append(Part(blocks: blocks, endedRound: isLast ? round : nil))
        if isLast { round = nil }
    }

    /// Stores what was taken; the journal has everything that it shows.
    mutating func storePending() {
        for part in pending {
            roundBlocks += part.blocks
            guard let round = part.endedRound else { continue }
            blocks = (round.isOfAll ? [] : blocks) + roundBlocks
            completeSequence = round.sequence
            roundBlocks = []
        }
        pending = []
    }

    /// What was not stored is lost, and a round that is not over.
    mutating func crash() {
        pending = []
        roundBlocks = []
        round = nil
    }
}
