/// The bounds of a transaction and of a journal record.
package enum EngineLimits {
    /// The rows that one transaction may change, totals included. An operation has at most 32 effects;
    /// each changes a row and, for every total the row takes part in, one or two rows more.
    package static let touchedRowCountMax = 1 << 14
    /// The bytes of a text key.
    package static let keyByteCountMax = 256
    /// The bytes of a text that a rule puts together.
    package static let textByteCountMax = 65_535
    /// The transactions of one run of a journal record; a longer run is split.
    static let journalRunTransactionCountMax = 8_192
}
