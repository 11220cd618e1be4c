package import AtomicStateValues

/// A schema compiled for the engine: flat code over fixed registers and row layouts.
package struct Program: Sendable {
    let data: ProgramData
    /// As `Schema.operations`.
    package let operations: [TransactionForm]
    /// By entity type: every invariant of one row, the row's address being in register 0. A rule
    /// about the change from `oldSelf` is not judged.
    package let inspections: [Routine]
    /// What a rejection refers to.
    package let rules: [RuleDescription]
    /// The one that rejections for the sake of an idempotency key refer to.
    package let idempotencyKeyRule: Int
    /// What a transaction is rejected by for the size of its batch, likewise.
    package let batchSizeRule: Int

    package var schema: Schema { data.schema }
    package var layouts: [RowLayout] { data.layouts }
    package var derived: [DerivedLayout] { data.derived }
    package var uniqueKeys: [UniqueKeyLayout] { data.uniqueKeys }
}

/// What every transaction is compiled with.
struct ProgramData: Sendable {
    let schema: Schema
    /// By entity type, as `Schema.entities`.
    let layouts: [RowLayout]
    /// Every derived value of every type, each after those that it is computed from.
    let derived: [DerivedLayout]
    /// Every unique key of every type.
    let uniqueKeys: [UniqueKeyLayout]
    let invariants: InvariantChecks
}

/// What a transaction consists of, compiled: one operation, or several steps.
package struct TransactionForm: Sendable {
    /// Nil for one operation.
    package let steps: [TransactionStep]?
    /// Those of all steps, in order.
    package let parameters: [Parameter]
    package let routine: Routine
    /// The rules that it can break, and its requirements, as indices into the rules.
    let judgedRules: [Int]
    /// The derived values that it can change, as indices into `Program.derived`.
    let settledValues: [Int]
    /// The most rows that it changes, those with derived values included.
    let rowCountMax: Int
}

/// Where a derived value is and what it is computed from.
package struct DerivedLayout: Sendable {
    package let holder: Int
    /// The value's index in its holder's type.
    package let index: Int
    package let source: Int
    package let function: DerivedValue.Function
    /// Of the value, in the holder's row.
    package let valueOffset: Int
    /// Of the tree of a `min` or `max`, in the holder's row; nil for a total.
    package let rootOffset: Int?
    /// The words of the value.
    package let wordCount: Int
    /// Of the reference to the holder, in the source's row.
    package let groupByOffset: Int
    /// Of the member that it is computed from, in the source's row; nil for a count.
    package let operandOffset: Int?
    /// Whether the source has that member; nil if it always does.
    package let operandPresence: RowLayout.Presence?
    /// Which of its source's totals this is: a bit of the mask of those a touched row has settled.
    package let settledBit: Int
    /// The rule named by a rejection for overflow.
    package let rule: Int
    /// Which of the source's rows take part, the row's address being in register 0; its result is in
    /// `conditionResult`. Nil for all.
    package let condition: Routine?
    package let conditionResult: Register
}

/// What a unique key compares.
package struct UniqueKeyLayout: Sendable {
    package let type: Int
    /// Its place among those of its type.
    package let index: Int
    package let fields: [Part]
    /// The bits of the presence word that have to be set for an entity to be compared; nil if no field
    /// is optional.
    package let presence: RowLayout.Presence?
    /// The rule named by a rejection.
    package let rule: Int

    package struct Part: Sendable, BitwiseCopyable {
        package let offset: Int
        package let isText: Bool
        package let wordCount: Int
    }
}

/// Code with what its frame holds at the start.
package struct Routine: Sendable {
    package let code: [Instruction]
    /// The frame's length in words.
    package let registerCount: Int
    package let constants: [Constant]
    /// Where the arguments of an operation go, in the order of its parameters.
    package let parameters: [ParameterSlot]
    /// The rows that the operation changes, in the order of its effects.
    package let targets: [WriteTarget]

    package enum Constant: Sendable {
        case word(Register, UInt64)
        case text(Register, [UInt8])
    }
}

package struct ParameterSlot: Sendable, BitwiseCopyable {
    package enum Kind: Sendable, BitwiseCopyable {
        /// A word that is at most this: 1 for bool, the last index for an enumeration.
        case bounded(UInt64)
        /// Any word.
        case word
        /// UTF-8 of at most this many bytes.
        case text(byteCountMax: Int)
        /// At most this many bytes.
        case bytes(byteCountMax: Int)
        case uuid
        case time(TimeKind)
        /// The key of an existing entity of the type; the register receives its row's address.
        case reference(type: Int)
        /// The key of an entity of the type, whose row is looked for later.
        case key(type: Int)
    }

    package let kind: Kind
    package let register: Register
    /// The rule named by a rejection of the argument.
    package let rule: Int
}

/// A row that an operation changes, and so what the journal holds of an accepted transaction.
package struct WriteTarget: Sendable {
    package enum Kind: UInt8, Sendable {
        case update = 1
        case create = 2
        case delete = 3
    }

    package let kind: Kind
    package let type: Int
    /// Holds the row's address when the transaction is accepted.
    package let row: Register
    /// The parameter that is the row's key, if one is.
    package let keyParameter: Int?
    /// The changed fields, by index: all for a creation, none for a deletion.
    package let fields: [Int]
}

/// What a rejection says about the rule that caused it.
package final class RuleDescription: Sendable {
    package enum Kind: Sendable {
        case invariant
        case transactionInvariant
        case requirement
        case parameter
        case effect
        case derived
        case uniqueKey
        case idempotencyKey
        case batchSize
    }

    package let kind: Kind
    package let id: String
    /// Text, and values by their index in `observations`; nil if the schema gives none.
    package let message: [MessagePart]?
    /// The type of the entity that the rule is about, if it is about one.
    package let entity: Int?
    /// What the rule and its message read, by the operand of `observe`.
    package let observations: [Observation]
    /// The types of the two sides of the comparison with a limit, if the rule is about one.
    package let compared: ValueType?
    package let limit: ValueType?

    init(
        kind: Kind, id: String, message: [MessagePart]?, entity: Int?,
        observations: [Observation], compared: ValueType?, limit: ValueType?
    ) {
        self.kind = kind
        self.id = id
        self.message = message
        self.entity = entity
        self.observations = observations
        self.compared = compared
        self.limit = limit
    }

    package enum MessagePart: Sendable {
        case text(String)
        case observation(Int)
    }

    package struct Observation: Sendable {
        package let name: String
        package let type: ValueType
    }
}

/// Why a transaction was rejected. The numbers are part of the protocol and never change meaning.
package enum RejectionCode: UInt32, Sendable, CaseIterable, Error {
    /// An entity would end in a state that its type's invariant forbids.
    case invariantViolated = 1
    /// A `require` of the operation is false.
    case requirementFailed = 2
    /// A parameter or effect refers to an entity that does not exist.
    case entityMissing = 3
    /// The entity to create exists.
    case entityExists = 4
    case arithmeticOverflow = 5
    case divisionByZero = 6
    /// A value has no equal in the type it is converted to.
    case conversionFailed = 7
    /// The entity to delete is still referred to.
    case entityReferenced = 8
    /// An argument is outside of its type: a bool that is neither 0 nor 1, an unknown enumeration value,
    /// a timestamp beyond the years 1 to 9999, a uuid that has not 16 bytes.
    case argumentOutOfRange = 9
    /// A key or string has more bytes than its limit.
    case textTooLong = 10
    /// Text is not UTF-8.
    case textMalformed = 11
    /// A rule reads an optional field that has no value.
    case valueAbsent = 12
    /// An index is not one of its list's.
    case indexOutOfRange = 13
    /// Another entity has the same values in the fields of a unique key.
    case notUnique = 14
    /// The entity has another version than the one expected.
    case versionMismatch = 15
    /// The idempotency key belongs to another transaction: one of other content or, in an atomic batch,
    /// of another batch.
    case idempotencyKeyReused = 16
    /// The idempotency key is older than what is remembered, so that the transaction may have been carried
    /// out before.
    case idempotencyKeyForgotten = 17
    /// The idempotency key's time is too far ahead of the server's.
    case idempotencyKeyEarly = 18
    /// What the batch's transactions have changed so far takes as much journal as one record may have.
    case batchTooLarge = 19

    /// Whether the same transaction may be accepted after others have changed the state.
    package var retryCanHelp: Bool {
        switch self {
        case .invariantViolated, .requirementFailed, .entityMissing, .entityExists,
            .arithmeticOverflow, .divisionByZero, .conversionFailed, .entityReferenced,
            .valueAbsent, .indexOutOfRange, .notUnique, .idempotencyKeyEarly, .batchTooLarge:
            true
        // A version that has passed does not come back.
        case .argumentOutOfRange, .textTooLong, .textMalformed, .versionMismatch,
            .idempotencyKeyReused, .idempotencyKeyForgotten:
            false
        }
    }

    /// Whether it is about the idempotency key: the transaction was not judged, and the key stands for
    /// whatever it stood for before.
    package var isAboutKey: Bool {
        switch self {
        case .idempotencyKeyReused, .idempotencyKeyForgotten, .idempotencyKeyEarly: true
        default: false
        }
    }

    /// What it means, for a rule that has no message of its own.
    package var explanation: String {
        switch self {
        case .invariantViolated: "the invariant would not hold"
        case .requirementFailed: "the requirement does not hold"
        case .entityMissing: "the entity does not exist"
        case .entityExists: "the entity exists already"
        case .arithmeticOverflow: "the result does not fit its type"
        case .divisionByZero: "division by zero"
        case .conversionFailed: "the value has no equal in the target type"
        case .entityReferenced: "the entity is still referred to"
        case .argumentOutOfRange: "the argument is not a value of its type"
        case .textTooLong: "the text has more bytes than its limit"
        case .textMalformed: "the text is not valid UTF-8"
        case .valueAbsent: "an optional field has no value"
        case .indexOutOfRange: "the index is not one of the list's"
        case .notUnique: "another entity has the same values"
        case .versionMismatch: "the entity has another version than the one expected"
        case .idempotencyKeyReused: "the idempotency key belongs to another transaction"
        case .idempotencyKeyForgotten:
            "the idempotency key is older than what is remembered; the outcome may be another one"
        case .idempotencyKeyEarly: "the idempotency key's time is ahead of the server's"
        case .batchTooLarge:
            "the batch changes more than one record of the journal may have; send fewer transactions at a time"
        }
    }
}
