/// Every bound on a schema.
///
/// They keep the work of loading a schema, and the cost of judging a transaction against it, in
/// proportion to something an operator can read in one file.
package enum Limits {
    package enum File {
        package static let byteCount = 1 << 20
        /// Maps, lists and scalars; map keys are not counted.
        package static let nodeCount = 65_536
        /// A legal file nests seven deep; the rest is room for a mistake to be named properly.
        package static let depth = 16
    }

    package enum Declaration {
        package static let entityCount = 64
        package static let fieldCountPerEntity = 64
        package static let derivedCountPerEntity = 16
        /// The derived values, of all types, over one type: a transaction keeps a bit for each.
        package static let derivedCountPerSource = 64
        package static let invariantCountPerEntity = 64
        package static let uniqueKeyCountPerEntity = 8
        package static let fieldCountPerUniqueKey = 8
        package static let transactionInvariantCount = 64
        package static let operationCount = 256
        package static let parameterCountPerOperation = 16
        package static let requirementCountPerOperation = 32
        package static let effectCountPerOperation = 32
        package static let enumerationValueCount = 256
        package static let identifierByteCount = 64
        package static let messageByteCount = 1_024
        /// The values that one message shows.
        package static let messageValueCount = 16
    }

    package enum Transaction {
        package static let stepCount = 16
        /// The arguments of all steps together.
        package static let argumentCount = 256
        /// The rows that one can change, those with derived values included.
        package static let rowCount = 1 << 14
        /// What the journal holds of one: its arguments, keys and fields, as a number of columns.
        package static let storedValueCount = 1 << 13
    }

    package enum Value {
        /// The length of a `string` or `bytes` field or parameter that declares no `max_length`.
        package static let stringByteCountDefault = 256
        package static let stringByteCount = 65_535
        package static let keyByteCount = 256
        /// An Int64 holds 18 decimal digits whatever they are.
        package static let decimalScale = 18
    }

    package enum Rule {
        package static let byteCount = 4_096
        package static let nodeCount = 512
        /// Levels of the expression tree, and of parentheses. Chains of `&&` and `||` count with
        /// the logarithm of their length, because they are kept balanced.
        package static let depth = 64
        /// How often, on average, a part of a rule is looked at to find out whether it can be true. Rules
        /// that people write take a few.
        package static let analysisStepCountPerNode = 32
    }

    package enum Report {
        /// The most columns of a source line that a rendered diagnostic quotes.
        package static let excerptColumnCount = 120
        /// A hint lists the names that exist only if they are at most this many.
        package static let listedNameCount = 12
    }
}
