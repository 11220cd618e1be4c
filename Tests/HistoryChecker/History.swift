package import AtomicStateValues
package import ReferenceModel

/// What clients asked of a server, and what it told them: all that is known of it from outside.
///
/// It begins with the server's first transaction: sequences count from 1, on an empty state.
package struct History: Sendable {
    package struct Transaction: Hashable, Sendable {
        package var form: ReferenceModel.Form
        /// One for each parameter of the operation, or those of all steps, one after the other.
        package var arguments: [Argument]
        package var key: IdempotencyKey?

        package init(
            form: ReferenceModel.Form, arguments: [Argument], key: IdempotencyKey? = nil
        ) {
            self.form = form
            self.arguments = arguments
            self.key = key
        }
    }

    package struct Batch: Hashable, Sendable {
        package var transactions: [Transaction]
        package var isAtomic: Bool
        package var name: BatchName?

        package init(
            transactions: [Transaction], isAtomic: Bool = false, name: BatchName? = nil
        ) {
            self.transactions = transactions
            self.isAtomic = isAtomic
            self.name = name
        }
    }

    /// What a client was told of one transaction.
    package enum Outcome: Hashable, Sendable {
        case accepted(sequence: UInt64)
        /// Accepted before, with the same key.
        case duplicate(sequence: UInt64)
        case rejected(ModelRejection)
        /// It was in an atomic batch that was turned back because of another one.
        case notApplied
    }

    /// Entities of one type by their keys.
    package struct Read: Hashable, Sendable {
        package var type: Int
        package var keys: [Argument]

        package init(type: Int, keys: [Argument]) {
            self.type = type
            self.keys = keys
        }
    }

    /// What was asked and what was told, which is empty as long as the outcome is not known.
    package enum Exchange: Hashable, Sendable {
        case submit(Batch, [Outcome])
        /// Nil for what was not found.
        case get(Read, [EntitySnapshot?])
    }

    /// One request. A batch that is sent again is another operation, with the same name.
    ///
    /// A request that was refused is none: nothing of it was done, and it tells nothing of the state.
    package struct Operation: Hashable, Sendable {
        package var client: Int
        /// Before the request was sent: nanoseconds of a monotonic clock that all clients share.
        package var invoked: UInt64
        /// After its answer came; nil if none came.
        package var completed: UInt64?
        package var exchange: Exchange

        package init(client: Int, invoked: UInt64, completed: UInt64?, _ exchange: Exchange) {
            self.client = client
            self.invoked = invoked
            self.completed = completed
            self.exchange = exchange
        }
    }

    package var operations: [Operation]

    package init(operations: [Operation] = []) {
        self.operations = operations
    }
}
