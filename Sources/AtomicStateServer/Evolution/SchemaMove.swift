package import AtomicStateEngine
package import AtomicStateStorage

/// The part of a change of schema that takes long.
package enum SchemaMove {
    /// Writes an image of every entity that has none under this version yet, and how far rows reach
    /// even if there are none. Nobody looks at them before `Database.enforce`; until then the version
    /// before is whole, whatever happens.
    package static func writeRows(
        of engine: inout Engine, version: UInt16, to database: Database
    ) throws(StorageError) {
        var images = RowImageBatch(expectedByteCount: ServerLimits.rowFileByteCount)
        engine.beginDraining(deleted: &images)
        repeat {
            engine.drain(limit: ServerLimits.drainedEntityCountPerGroup, into: &images)
            guard !engine.isDraining || images.byteCount >= ServerLimits.rowFileByteCount else {
                continue
            }
            try images.store(
                in: database, schemaVersion: version, reaching: engine.lastSequence)
            images = RowImageBatch(expectedByteCount: ServerLimits.rowFileByteCount)
        } while engine.isDraining
    }
}
