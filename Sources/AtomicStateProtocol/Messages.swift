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
    /// Of an optional field that was read: whether each value is one; where not, 0 or an empty text
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

/// Consecutive transactions of one operation.
public struct Run: Sendable {
    /// An index into `SchemaDescription.operations`.
    public var operation: Int
    public var transactionCount: Int
    /// One for each parameter of the operation, each with `transactionCount` values.
    public var arguments: [Column]

    public init(operation: Int, transactionCount: Int, arguments: [Column]) {
        self.operation = operation
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
    /// In the batch's order.
    public var rejections: [Rejection]

    public init(firstSequence: UInt64, acceptedCount: Int, rejections: [Rejection]) {
        self.firstSequence = firstSequence
        self.acceptedCount = acceptedCount
        self.rejections = rejections
    }
}

/// Why a transaction was rejected. It left no trace.
public struct Rejection: Sendable, Equatable {
    /// The transaction's place in the batch, from 0.
    public var index: Int
    /// A rejection code of docs/protocol.md.
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

    public struct Observation: Sendable, Equatable {
        /// As the rule says it: "self.balance".
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public init(
        index: Int, code: UInt32, rule: String, entityType: String, entityKey: String,
        message: String, observations: [Observation], retryCanHelp: Bool
    ) {
        self.index = index
        self.code = code
        self.rule = rule
        self.entityType = entityType
        self.entityKey = entityKey
        self.message = message
        self.observations = observations
        self.retryCanHelp = retryCanHelp
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
    /// "ok", or what is wrong.
    public var health: String

    public init(
        version: UInt32, server: String, role: String, schemaName: String,
        schemaFingerprint: String,
        frameByteCountMax: Int, batchTransactionCountMax: Int, requestsInFlightMax: Int,
        keyByteCountMax: Int, health: String
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
        self.health = health
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

    public init(
        status: String, durableSequence: UInt64, queuedTransactionCount: UInt64,
        columnFamilies: [ColumnFamilyHealth], writesStopped: Bool, delayedWriteRate: UInt64,
        backgroundErrorCount: UInt64, runningCompactionCount: UInt64, runningFlushCount: UInt64
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

/// The schema as clients need it: names, types, and the order that indices refer to.
public struct SchemaDescription: Sendable, Equatable {
    public var name: String
    public var fingerprint: String
    public var entities: [Entity]
    public var operations: [Operation]
    /// The schema file itself.
    public var text: String

    public init(
        name: String, fingerprint: String, entities: [Entity], operations: [Operation], text: String
    ) {
        self.name = name
        self.fingerprint = fingerprint
        self.entities = entities
        self.operations = operations
        self.text = text
    }

    public struct Entity: Sendable, Equatable {
        public var name: String
        public var key: ValueKind
        public var fields: [Member]
        public var derived: [Member]

        public init(name: String, key: ValueKind, fields: [Member], derived: [Member]) {
            self.name = name
            self.key = key
            self.fields = fields
            self.derived = derived
        }
    }

    public struct Operation: Sendable, Equatable {
        public var name: String
        public var parameters: [Member]

        public init(name: String, parameters: [Member]) {
            self.name = name
            self.parameters = parameters
        }
    }

    public struct Member: Sendable, Equatable {
        public var name: String
        public var kind: ValueKind
        /// Whether a field may be without a value.
        public var isOptional: Bool

        public init(name: String, kind: ValueKind, isOptional: Bool = false) {
            self.name = name
            self.kind = kind
            self.isOptional = isOptional
        }
    }

    public enum ValueKind: Sendable, Equatable {
        case bool, int, uint
        case decimal(scale: Int)
        case string(byteCountMax: Int)
        case bytes(byteCountMax: Int)
        case uuid, timestamp, duration
        case enumeration(values: [String])
        /// The key of an entity of `entities[index]`.
        case reference(entity: Int)
    }
}
