/// Why there is no result.
enum BenchError: Error, CustomStringConvertible {
    case otherSchema(expected: String, found: String)
    case serverNotFresh(String)
    case preparationRejected(String)
    case limitExceeded(flag: String, value: Int, limit: Int)
    case incompleteReply(acceptedCount: Int, rejectedCount: Int, transactionCount: Int)

    var description: String {
        switch self {
        case .otherSchema(let expected, let found):
            "the server's schema does not fit the scenario: expected \(expected), found \(found)"
        case .serverNotFresh(let found):
            "the server holds data already (\(found)): expected one with a fresh data folder"
        case .preparationRejected(let reason):
            "the preparation was rejected: \(reason)"
        case .limitExceeded(let flag, let value, let limit):
            "\(flag) \(value): the server allows at most \(limit)"
        case .incompleteReply(let acceptedCount, let rejectedCount, let transactionCount):
            "the server accepted \(acceptedCount) and rejected \(rejectedCount) transactions of a "
                + "batch of \(transactionCount)"
        }
    }
}
