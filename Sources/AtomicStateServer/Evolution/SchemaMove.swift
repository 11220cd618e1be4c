package import AtomicStateEngine
package import AtomicStateStorage

/// The part of a change of schema that takes long.
package enum SchemaMove {
    /// Writes an image of every entity behind the rows in force. They do not stand for anything before
    /// `Database.enforce`; until then the version before is whole, whatever happens.
    ///
    /// - Returns: what is to be enforced, and how much it is.
    package static func writeRows(
        of engine: inout Engine, behind rows: RowsInForce, to database: Database
    ) throws(StorageError) -> (rows: RowsInForce, volume: RowVolume) {
        var next = rows.blocks.upperBound
        var volume = RowVolume()
        engine.beginDrainingAll()
        while engine.isDraining {
            var blocks = RowBlocks(
                schemaVersion: engine.schemaVersion,
                expectedByteCount: ServerLimits.rowFileByteCount)
            while engine.isDraining, blocks.byteCount < ServerLimits.rowFileByteCount {
                engine.drain(
                    limit: ServerLimits.drainedEntityCountPerGroup,
                    byteCountMax: ServerLimits.rowFileByteCount, into: &blocks)
            }
            next = try blocks.store(in: database, from: next, reaching: engine.lastSequence)
            volume.add(blocks)
        }
        let written = RowsInForce(
            blocks: rows.blocks.upperBound..<next, completeSequence: engine.lastSequence)
        return (written, volume)
    }
}
