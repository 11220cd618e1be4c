internal import AtomicStateSchema

/// The bounds of a transaction and of a journal record.
package enum EngineLimits {
    /// The rows that one transaction may change, those with derived values included.
    package static let touchedRowCountMax = Limits.Transaction.rowCount
    /// The forms of transactions of several steps that are kept compiled.
    package static let composedFormCountMax = 1_024
    /// The bytes of a text key.
    package static let keyByteCountMax = 256
    /// The bytes of a text that a rule puts together.
    package static let textByteCountMax = 65_535
    /// The bytes of a text that a rejection shows.
    static let shownTextByteCountMax = 256
    /// The bytes of a journal record from which on a batch's further transactions are rejected. A batch's arguments are
    /// less, but what it stores may be much more: texts that rules put together, or copy.
    package static let journalRecordByteCountMax = 64 << 20
    /// The bytes of the rows as they were that an atomic batch may need to be undone, from which on it is rejected.
    static let imageByteCountMax = 64 << 20
    /// The rejections of a batch that are described in full; the rest carry place, code and rule.
    package static let describedRejectionCountMax = 1_000
    /// The transactions of one run of a journal record; a longer run is split.
    static let journalRunTransactionCountMax = 8_192
}
