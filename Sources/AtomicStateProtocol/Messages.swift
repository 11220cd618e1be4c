public import AtomicStateValues

/// The values of one parameter or field for several transactions or entities, one after the other.
///
/// Text (string, bytes, uuid, and keys of these) is in `text` and `lengths`; every other type is in
/// `words`: bool as 0 or 1, int and decimal as two's complement (a decimal counted in units of
/// 10^-scale), uint64 as itself, an enumeration as its value's index, a timestamp or duration as its
/// seconds, rounded down.
public struct Column: Sendable, Equatable {
    public var words: [UInt64] = []
    public var text: [UInt8] = []
    public var lengths: [UInt32] = []
    /// Of timestamps and durations: what follows the seconds. Empty if all are 0.
    public var nanoseconds: [UInt32] = []
    /// Of an optional member that was read: whether each value is one; where not, 0 or an empty text
    /// stands in its place. Empty for every other member.
    public var present: [Bool] = []

    public init() {}

    public init(words: [UInt64]) {
        self.words = words
    }

    public mutating func append(_ value: UInt64) {
        words.append(value)
    }

    public mutating func append(_ value: Int64) {
        words.append(UInt64(bitPattern: value))
    }

    public mutating func append(_ value: Bool) {
        words.append(value ? 1 : 0)
    }

    public mutating func append(_ value: String) {
        append(bytes: value.utf8)
    }

    public mutating func append(bytes: some Collection<UInt8>) {
        lengths.append(UInt32(bytes.count))
        text.append(contentsOf: bytes)
    }

    public mutating func append(seconds: Int64, nanoseconds: UInt32) {
        append(seconds)
        self.nanoseconds.append(nanoseconds)
    }

    /// The values of a text column.
    public var strings: [String] {
        parts.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The values of a text column, as bytes.
    public var parts: [ArraySlice<UInt8>] {
        var start = 0
        return lengths.map { length in
            defer { start += Int(length) }
            return text[start..<(start + Int(length))]
        }
    }
}

/// Consecutive transactions of one form: each one call of the same operation, or the same steps.
public struct Run: Sendable {
    /// An index into `SchemaDescription.operations`; 0 if there are steps.
    public var operation: Int
    /// What every transaction consists of, if it is not one call of `operation`.
    public var steps: [Step]
    public var transactionCount: Int
    /// One for each parameter of the operation, or the arguments of all steps, one after the other;
    /// each with `transactionCount` values.
    public var arguments: [Column]
    /// Empty, or one for each transaction.
    public var idempotencyKeys: [IdempotencyKey] = []

    public init(operation: Int, transactionCount: Int, arguments: [Column]) {
        self.operation = operation
        steps = []
        self.transactionCount = transactionCount
        self.arguments = arguments
    }

    public init(steps: [Step], transactionCount: Int, arguments: [Column]) {
        operation = 0
        self.steps = steps
        self.transactionCount = transactionCount
        self.arguments = arguments
    }
}

/// What became of a batch.
public struct SubmitReply: Sendable {
    /// The sequence of the first accepted transaction; the others follow without gaps, in the
    /// batch's order. 0 if none was accepted.
    public var firstSequence: UInt64
    public var acceptedCount: Int
    /// In the batch's order; at most one of an atomic batch.
    public var rejections: [Rejection]
    /// Transactions that an earlier batch's reply told as accepted, known by their idempotency keys, in
    /// the batch's order. They are not counted in `acceptedCount`.
    public var duplicates: [Duplicate]

    public struct Duplicate: Sendable, Equatable {
        /// The transaction's place in the batch, from 0.
        public var index: Int
        /// The one that it has had since it was accepted.
        public var sequence: UInt64

        public init(index: Int, sequence: UInt64) {
            self.index = index
            self.sequence = sequence
        }
    }

    public init(
        firstSequence: UInt64, acceptedCount: Int, rejections: [Rejection],
        duplicates: [Duplicate] = []
    ) {
        self.firstSequence = firstSequence
        self.acceptedCount = acceptedCount
        self.rejections = rejections
        self.duplicates = duplicates
    }
}

/// Why a transaction was rejected. It left no trace.
public struct Rejection: Sendable, Equatable {
    /// The transaction's place in the batch, from 0.
    public var index: Int
    /// A rejection code of docs/rules.md.
    public var code: UInt32
    /// The invariant's or requirement's id, the parameter, or the effect that failed.
    public var rule: String
    /// The entity that the rule was judged for; both empty if there is none.
    public var entityType: String
    public var entityKey: String
    /// What the schema says to a person, or a description of the code.
    public var message: String
    /// What the rule read.
    public var observations: [Observation]
    /// Whether the same transaction may be accepted later, when others have changed the state.
    public var retryCanHelp: Bool
    /// Of a rule that compares something with a limit: what it would have become, and the limit. Both
    /// empty for any other.
    public var value: String
    public var limit: String

    public struct Observation: Sendable, Equatable {
        /// As the rule says it: "self.balance".
        public var name: String
        public var value: String
        /// The value before the transaction; empty if the entity did not exist, and for what is no
        /// value of an entity that the transaction changes.
        public var before: String

        public init(name: String, value: String, before: String = "") {
            self.name = name
            self.value = value
            self.before = before
        }
    }

    public init(
        index: Int, code: UInt32, rule: String, entityType: String, entityKey: String,
        message: String, observations: [Observation], retryCanHelp: Bool, value: String = "",
        limit: String = ""
    ) {
        self.index = index
        self.code = code
        self.rule = rule
        self.entityType = entityType
        self.entityKey = entityKey
        self.message = message
        self.observations = observations
        self.retryCanHelp = retryCanHelp
        self.value = value
        self.limit = limit
    }
}

/// Entities as they were found.
public struct GetReply: Sendable {
    /// One for each key of the request.
    public var found: [Bool]
    /// The sequence of its last change for each entity that was found.
    public var versions: [UInt64]
    /// One for each field, then one for each derived value, with a value for each entity found.
    public var columns: [Column]

    public init(found: [Bool], versions: [UInt64], columns: [Column]) {
        self.found = found
        self.versions = versions
        self.columns = columns
    }
}

/// What a server says of itself at the start of a connection.
public struct ServerGreeting: Sendable, Equatable {
    /// The protocol version that the server chose.
    public var version: UInt32
    public var server: String
    public var role: String
    public var schemaName: String
    public var schemaFingerprint: String
    public var frameByteCountMax: Int
    public var batchTransactionCountMax: Int
    public var requestsInFlightMax: Int
    public var keyByteCountMax: Int
    /// The outcomes of at least so many of the last keyed transactions and named batches are remembered.
    public var rememberedOutcomeCount: Int
    /// "ok", or what is wrong.
    public var health: String
    /// The server's clock: milliseconds since 1970-01-01T00:00:00Z.
    public var milliseconds: UInt64

    public init(
        version: UInt32, server: String, role: String, schemaName: String,
        schemaFingerprint: String,
        frameByteCountMax: Int, batchTransactionCountMax: Int, requestsInFlightMax: Int,
        keyByteCountMax: Int, rememberedOutcomeCount: Int, health: String, milliseconds: UInt64
    ) {
        self.version = version
        self.server = server
        self.role = role
        self.schemaName = schemaName
        self.schemaFingerprint = schemaFingerprint
        self.frameByteCountMax = frameByteCountMax
        self.batchTransactionCountMax = batchTransactionCountMax
        self.requestsInFlightMax = requestsInFlightMax
        self.keyByteCountMax = keyByteCountMax
        self.rememberedOutcomeCount = rememberedOutcomeCount
        self.health = health
        self.milliseconds = milliseconds
    }
}

/// The state of the server and of its storage.
public struct HealthReply: Sendable, Equatable {
    /// "ok", or why the server accepts no writes or is about to slow them.
    public var status: String
    public var durableSequence: UInt64
    public var queuedTransactionCount: UInt64
    public var columnFamilies: [ColumnFamilyHealth]
    public var writesStopped: Bool
    /// Bytes a second that RocksDB slows its writers down to; 0 if it does not.
    public var delayedWriteRate: UInt64
    public var backgroundErrorCount: UInt64
    public var runningCompactionCount: UInt64
    public var runningFlushCount: UInt64
    /// What was sent later than this is remembered: milliseconds since 1970-01-01T00:00:00Z.
    public var forgottenUntilMilliseconds: UInt64

    public init(
        status: String, durableSequence: UInt64, queuedTransactionCount: UInt64,
        columnFamilies: [ColumnFamilyHealth], writesStopped: Bool, delayedWriteRate: UInt64,
        backgroundErrorCount: UInt64, runningCompactionCount: UInt64, runningFlushCount: UInt64,
        forgottenUntilMilliseconds: UInt64
    ) {
        self.status = status
        self.durableSequence = durableSequence
        self.queuedTransactionCount = queuedTransactionCount
        self.columnFamilies = columnFamilies
        self.writesStopped = writesStopped
        self.delayedWriteRate = delayedWriteRate
        self.backgroundErrorCount = backgroundErrorCount
        self.runningCompactionCount = runningCompactionCount
        self.runningFlushCount = runningFlushCount
        self.forgottenUntilMilliseconds = forgottenUntilMilliseconds
    }
}

public struct ColumnFamilyHealth: Sendable, Equatable {
    public var name: String
    public var level0FileCount: UInt64
    public var pendingCompactionByteCount: UInt64
    public var memtableByteCount: UInt64

    public init(
        name: String, level0FileCount: UInt64, pendingCompactionByteCount: UInt64,
        memtableByteCount: UInt64
    ) {
        self.name = name
        self.level0FileCount = level0FileCount
        self.pendingCompactionByteCount = pendingCompactionByteCount
        self.memtableByteCount = memtableByteCount
    }
}
