internal import AtomicStateEngine
internal import AtomicStateSchema

/// A state that the journal's transactions lead to when they are carried out again from the first
/// one, under the versions of the schema that they were accepted under.
struct RepeatedState: ~Copyable {
    var engine: Engine
    private let versions: [SchemaVersion]
    private var current: SchemaVersion

    /// The empty state under the first version.
    ///
    /// - Parameter versions: all that the data has had, in order.
    init(_ versions: [SchemaVersion]) {
        self.versions = versions
        current = versions[0]
        engine = Engine(program: current.compiled.program, schemaVersion: current.number)
    }

    var schema: SchemaVersion { current }

    /// The version with this number, for reading a record.
    func version(_ number: UInt16) throws(CorruptionError) -> SchemaVersion {
        guard number > 0, number <= versions.count else {
            throw CorruptionError(
                "journal record of schema version \(number): expected one of \(versions.count)")
        }
        return versions[Int(number) - 1]
    }

    /// Makes the changes of the schema up to a version, one after the other.
    ///
    /// - Returns: what should have prevented one of them.
    mutating func move(to number: UInt16) throws(CorruptionError) -> MigrationFindings {
        guard number >= current.number else {
            throw CorruptionError(
                "journal record of schema version \(number) after one of \(current.number)")
        }
        var findings = MigrationFindings(limit: ServerLimits.describedViolationCountMax)
        while current.number < number {
            let next = try version(current.number + 1)
            do throws(SchemaChangeError) {
                engine = try Engine(
                    migrating: engine, to: next.compiled.program, schemaVersion: next.number,
                    findings: &findings)
            } catch {
                throw CorruptionError(
                    "schema version \(next.number) can't follow \(current.number): "
                        + error.refusals[0].reason)
            }
            current = next
        }
        return findings
    }
}
