internal import AtomicStateEngine
internal import AtomicStateSchema

/// Why a schema was not given to existing data.
package struct SchemaRefusal: Sendable {
    /// The SHA-256 of the refused schema's text.
    package let fingerprint: String
    /// The first reasons; see `reasonCount`.
    package let reasons: [String]
    /// How many there are.
    package let reasonCount: Int

    init(fingerprint: String, _ error: SchemaChangeError) {
        self.fingerprint = fingerprint
        reasons = error.refusals.prefix(ServerLimits.describedViolationCountMax).map(\.description)
        reasonCount = error.refusals.count
    }

    init(fingerprint: String, _ findings: MigrationFindings) {
        self.fingerprint = fingerprint
        reasons = findings.described
        reasonCount = findings.count
    }

    init(fingerprint: String, reason: String) {
        self.fingerprint = fingerprint
        reasons = [reason]
        reasonCount = 1
    }
}
