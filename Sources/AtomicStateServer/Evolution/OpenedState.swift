internal import AtomicStateEngine
package import AtomicStateSchema
package import AtomicStateStorage
package import Logging

/// What a server starts with: a folder's state under the schema that is offered, if the data can have
/// it, and otherwise under the one that it has.
package struct OpenedState: ~Copyable {
    package let schema: SchemaVersion
    package var state: LoadedState
    /// Why the offered schema is not the one in force; nil if it is.
    package let refusal: SchemaRefusal?

    /// - Parameter offered: a schema of the same name as the folder's.
    /// - Throws: what is damaged. Whether the data can have the schema is no matter of errors.
    package init(
        _ database: Database, offered: CompiledSchema, logger: Logger
    ) throws {
        var schema = try SchemaVersion.inForce(database)
        var state = try LoadedState(database, schema)
        try database.discardRows(outside: state.rows.blocks)
        try database.startCompactions()
        refusal = try Self.move(&state, &schema, to: offered, database, logger)
        self.schema = schema
        self.state = state
    }

    /// Gives the data the offered schema if it can have it; why not, otherwise.
    private static func move(
        _ state: inout LoadedState, _ schema: inout SchemaVersion, to offered: CompiledSchema,
        _ database: Database, _ logger: Logger
    ) throws -> SchemaRefusal? {
        guard offered.fingerprint != schema.compiled.fingerprint else { return nil }
        guard offered.schema.meaning != schema.compiled.schema.meaning else {
            try database.replaceSchemaText(version: schema.number, with: offered.text)
            schema = SchemaVersion(number: schema.number, compiled: offered)
            logger.info(
                "the schema's text has changed, and means the same",
                metadata: ["version": "\(schema.number)", "sha256": "\(offered.fingerprint)"])
            return nil
        }
        guard schema.number < Database.schemaVersionMax else {
            return SchemaRefusal(
                fingerprint: offered.fingerprint,
                reason: "the schema has had \(schema.number) versions, and can't have more")
        }
        let start = Clock.system.monotonicNanoseconds
        let next = SchemaVersion(number: schema.number + 1, compiled: offered)
        var findings = MigrationFindings(limit: ServerLimits.describedViolationCountMax)
        var engine: Engine
        do throws(SchemaChangeError) {
            engine = try Engine(
                migrating: state.engine, to: offered.program, schemaVersion: next.number,
                findings: &findings)
        } catch {
            return SchemaRefusal(fingerprint: offered.fingerprint, error)
        }
        guard findings.isEmpty else {
            return SchemaRefusal(fingerprint: offered.fingerprint, findings)
        }
        let (rows, rowVolume) = try SchemaMove.writeRows(
            of: &engine, behind: state.rows, to: database)
        try database.enforce(schemaVersion: next.number, text: offered.text, rows)
        try database.discardRows(outside: rows.blocks)
        state = LoadedState(moved: engine, rows, rowVolume)
        logger.info(
            "schema moved",
            metadata: [
                "from_version": "\(schema.number)", "to_version": "\(next.number)",
                "from_sha256": "\(schema.compiled.fingerprint)",
                "to_sha256": "\(offered.fingerprint)",
                "entities": "\(state.engine.entityCount)",
                "sequence": "\(state.engine.lastSequence)",
                "milliseconds": "\((Clock.system.monotonicNanoseconds - start) / 1_000_000)",
            ])
        schema = next
        return nil
    }
}

extension LoadedState {
    /// A state whose rows were just written whole, so that nothing is left to replay.
    init(moved engine: consuming Engine, _ rows: RowsInForce, _ rowVolume: RowVolume) {
        self.rows = rows
        self.rowVolume = rowVolume
        replayedTransactionCount = 0
        replayedByteCount = 0
        self.engine = engine
    }
}
