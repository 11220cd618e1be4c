package import AtomicStateSchema
package import AtomicStateStorage

/// A version of the schema that a folder's data has, or has had.
package struct SchemaVersion: Sendable {
    /// From 1.
    package let number: UInt16
    package let compiled: CompiledSchema

    package init(number: UInt16, compiled: CompiledSchema) {
        self.number = number
        self.compiled = compiled
    }

    /// The version that a database's rows and new journal records are of.
    package static func inForce(
        _ database: Database
    ) throws(RecoveryError) -> SchemaVersion {
        try SchemaVersion(database, try numberInForce(database))
    }

    /// All versions up to the one in force; version N is at index N - 1.
    package static func all(_ database: Database) throws(RecoveryError) -> [SchemaVersion] {
        var versions: [SchemaVersion] = []
        for number in 1...(try numberInForce(database)) {
            versions.append(try SchemaVersion(database, number))
        }
        return versions
    }

    private init(_ database: Database, _ number: UInt16) throws(RecoveryError) {
        self.number = number
        do {
            compiled = try CompiledSchema(text: try database.schemaText(version: number))
        } catch let error as SchemaError {
            let mistake = error.diagnostics[0]
            throw RecoveryError(
                "the stored schema version \(number), line \(mistake.location.line): "
                    + mistake.message)
        } catch {
            throw RecoveryError("\(error)")
        }
    }

    private static func numberInForce(
        _ database: Database
    ) throws(RecoveryError) -> UInt16 {
        let number: UInt16?
        do throws(StorageError) {
            number = try database.schemaVersion()
        } catch {
            throw RecoveryError(error.description)
        }
        guard let number else { throw RecoveryError("meta: no version of the schema is in force") }
        return number
    }
}
