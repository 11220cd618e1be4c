/// Lists: they exist only inside of a rule, so that their length is known when it is loaded.
extension Checker {
    func list(_ elements: [Syntax], at location: SourceLocation) -> Expression? {
        let values = elements.map(check).compactMap(\.self)
        guard values.count == elements.count else { return nil }
        guard !values.isEmpty else {
            return Expression(.list([]), type: .list(nil), location: location)
        }
        guard let type = commonType(of: values) else {
            let stranger = values.first { commonType(of: [values[0], $0]) == nil } ?? values[0]
            let need = "a list holds values of one type"
            return reject(stranger.location, mismatch(need, values[0], stranger))
        }
        let converted = values.compactMap { convert($0, to: type) }
        guard converted.count == values.count else { return nil }
        return Expression(.list(converted), type: .list(type), location: location)
    }

    /// `list[index]`.
    func element(of list: Syntax, at index: Syntax, _ location: SourceLocation) -> Expression? {
        guard let (list, index) = both(check(list), check(index)) else { return nil }
        guard case .list(let elements) = list.kind, case .list(let type) = list.type else {
            return reject(
                location, "'[...]' needs a list; this is \(catalog.name(of: list.type))")
        }
        guard let index = convert(index, to: .int, for: "an index") else { return nil }
        guard let type else { return reject(location, "an empty list has no elements") }
        guard case .list = type else {
            return Expression(.element(of: elements, index), type: type, location: location)
        }
        // Lists differ in length, so which one it is has to be known when the rule is loaded.
        guard case .literal(.int(let position)) = index.kind, elements.allSatisfy(\.isConstant)
        else {
            return reject(location, "a list of lists needs literals for its elements and its index")
        }
        guard elements.indices.contains(Int(position)) else {
            return reject(
                location, "the list has \(elements.count) elements; the index is \(position)")
        }
        return elements[Int(position)]
    }
}

extension Expression {
    /// A literal, or a list of them: its value is known and can't fail.
    fileprivate var isConstant: Bool {
        switch kind {
        case .literal: true
        case .list(let elements): elements.allSatisfy(\.isConstant)
        default: false
        }
    }
}
