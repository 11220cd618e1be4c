internal import AtomicStateClient
internal import AtomicStateProtocol

extension SchemaDescription {
    /// The operation's index, if it has exactly these parameters; a nil kind stands for a string of
    /// any length.
    func index(
        ofOperation name: String, _ expected: (name: String, kind: ValueKind?)...
    ) throws -> Int {
        let index = try operationIndex(named: name)
        let parameters = operations[index].parameters
        let fits =
            parameters.count == expected.count
            && zip(parameters, expected).allSatisfy { parameter, expected in
                guard parameter.name == expected.name else { return false }
                if let kind = expected.kind { return parameter.kind == kind }
                if case .string = parameter.kind { return true }
                return false
            }
        guard fits else {
            throw BenchError.otherSchema(
                expected: "\(name)(\(expected.map(\.name).joined(separator: ", ")))",
                found: "\(name)(\(parameters.map(\.name).joined(separator: ", "))), or other types")
        }
        return index
    }
}

extension GetReply {
    /// One column's value for each entity that was asked for; nil for one that does not exist.
    func integers(ofColumn column: Int, count: Int) throws -> [Int64?] {
        guard found.count == count, columns.indices.contains(column),
            columns[column].words.count == found.count(where: { $0 })
        else {
            throw Status(.internal, "the server sent a reply that does not fit the request")
        }
        var words = columns[column].words.makeIterator()
        return found.map { isFound in
            isFound ? words.next().map { Int64(bitPattern: $0) } : nil
        }
    }
}
