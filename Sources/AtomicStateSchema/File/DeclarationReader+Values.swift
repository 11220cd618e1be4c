/// Fields and parameters: `name: type`, `name: { type: ..., ... }` or `name: { ref: Type }`.
extension DeclarationReader {
    enum ValueRole {
        case field, parameter

        var what: String {
            switch self {
            case .field: "a field"
            case .parameter: "a parameter"
            }
        }

        var keys: [String] {
            switch self {
            case .field: ["type", "ref", "optional", "default", "max_length", "values", "scale"]
            case .parameter: ["type", "ref", "max_length", "values", "scale"]
            }
        }

        var types: [String] {
            switch self {
            case .field:
                [
                    "bool", "int", "decimal", "string", "bytes", "enum", "timestamp", "duration",
                    "uuid",
                ]
            case .parameter:
                [
                    "bool", "int", "uint64", "decimal", "string", "bytes", "enum", "timestamp",
                    "duration", "uuid",
                ]
            }
        }
    }

    /// `uint64` is a type of keys and parameters, and `double` one of rules, but not of fields.
    private static let unsupportedTypes: Set<String> = ["double", "uint64"]

    func value(_ entry: YAMLEntry, _ role: ValueRole) -> ValueDeclaration {
        check(entry.key, .lowercase, role.what)
        var declaration = ValueDeclaration(name: entry.key)
        if case .scalar = entry.value.content {
            guard let type = name(entry.value, "the type of \(role.what)") else {
                return declaration
            }
            read(type, options: nil, role, into: &declaration)
            return declaration
        }
        let options = KeyedMap(
            entry.value, role.what, at: entry.key.location, keys: role.keys,
            log: log)
        guard let options else { return declaration }
        switch (options["type"], options["ref"]) {
        case (let node?, nil):
            if let type = name(node, "the type of \(role.what)") {
                read(type, options: options, role, into: &declaration)
            }
        case (nil, let node?):
            refuseOptions(of: "a reference", in: options, allowed: [])
            if role == .field, let node = options["optional"] {
                declaration.isOptional = isTrue(node, "'optional'")
            }
            if role == .field, let entry = options.entry("default") {
                log.report(entry.key.location, "a reference has no default")
            }
            declaration.kind = name(node, "'ref'").map { .reference($0) }
        case (nil, nil), (_?, _?):
            log.report(entry.key.location, "\(role.what) has either 'type' or 'ref'")
        }
        return declaration
    }

    private func read(
        _ type: Name, options: KeyedMap?, _ role: ValueRole,
        into declaration: inout ValueDeclaration
    ) {
        guard let valueType = valueType(type, options, role) else { return }
        declaration.kind = .value(valueType)
        if valueType == .string || valueType == .bytes {
            declaration.maximumByteCount = maximumByteCount(options)
        }
        guard role == .field else { return }
        if let node = options?["optional"] { declaration.isOptional = isTrue(node, "'optional'") }
        if let node = options?["default"] {
            declaration.defaultValue = defaultValue(
                node, of: valueType, maximumByteCount: declaration.maximumByteCount)
        }
    }

    private func valueType(_ type: Name, _ options: KeyedMap?, _ role: ValueRole) -> ValueType? {
        let (valueType, option): (ValueType?, String?)
        switch type.text {
        case "bool": (valueType, option) = (.bool, nil)
        case "int": (valueType, option) = (.int, nil)
        case "uint64" where role == .parameter: (valueType, option) = (.uint, nil)
        case "string": (valueType, option) = (.string, "max_length")
        case "bytes": (valueType, option) = (.bytes, "max_length")
        case "timestamp": (valueType, option) = (.timestamp, nil)
        case "duration": (valueType, option) = (.duration, nil)
        case "uuid": (valueType, option) = (.uuid, nil)
        case "decimal": (valueType, option) = (decimal(type, options), "scale")
        case "enum": (valueType, option) = (enumeration(type, options), "values")
        default:
            reportUnknown(type, role)
            return nil
        }
        if let options {
            refuseOptions(of: type.text, in: options, allowed: option.map { [$0] } ?? [])
        }
        return valueType
    }

    private func reportUnknown(_ type: Name, _ role: ValueRole) {
        let message: String
        if Self.unsupportedTypes.contains(type.text) {
            let expectation = Suggestion.expectation(of: role.types + ["ref"])
            message = "'\(type.text)' is not supported by this version\(expectation)"
        } else if type.text == "ref" || NameStyle.capitalized.matches(type.text) {
            let target = type.text == "ref" ? "Type" : type.text
            message = "a reference is written { ref: \(target) }"
        } else {
            let hint = Suggestion.hint(for: type.text, among: role.types + ["ref"])
            message = "unknown type \(Suggestion.quoted(type.text))\(hint)"
        }
        log.report(type.location, message)
    }

    private func refuseOptions(of type: String, in options: KeyedMap, allowed: [String]) {
        for option in ["max_length", "values", "scale"] where !allowed.contains(option) {
            if let entry = options.entry(option) {
                log.report(entry.key.location, "'\(option)' is not an option of \(type)")
            }
        }
    }

    func isTrue(_ node: YAMLNode, _ what: String) -> Bool {
        if case .scalar(let scalar) = node.content, scalar.style == .plain,
            let value = Bool(scalar.text)
        {
            return value
        }
        log.report(node.location, "\(what) is true or false; found \(node.description)")
        return false
    }

    private func maximumByteCount(_ options: KeyedMap?) -> Int? {
        guard let node = options?["max_length"] else { return Limits.Value.stringByteCountDefault }
        return integer(node, "'max_length'", in: 1...Limits.Value.stringByteCount)
    }

    private func decimal(_ type: Name, _ options: KeyedMap?) -> ValueType? {
        guard let node = options?["scale"] else {
            log.report(
                type.location, "a decimal needs its scale, as in { type: decimal, scale: 2 }")
            return nil
        }
        return integer(node, "'scale'", in: 0...Limits.Value.decimalScale)
            .map { .decimal(scale: $0) }
    }

    private func enumeration(_ type: Name, _ options: KeyedMap?) -> ValueType? {
        guard let node = options?["values"] else {
            log.report(
                type.location, "an enum needs its values, as in { type: enum, values: [a, b] }")
            return nil
        }
        let items = items(
            node, "values of an enum", limit: Limits.Declaration.enumerationValueCount)
        guard let items else { return nil }
        let names = items.compactMap { name($0, "a value of an enum") }
        refuseDuplicates(names, "value")
        for name in names where !isEnumerationValue(name.text) {
            let longest = Limits.Declaration.identifierByteCount
            log.report(name.location, "a value of an enum has 1 to \(longest) bytes")
        }
        if items.isEmpty { log.report(node.location, "an enum needs at least one value") }
        return names.isEmpty ? nil : .enumeration(values: names.map(\.text))
    }

    private func isEnumerationValue(_ text: String) -> Bool {
        (1...Limits.Declaration.identifierByteCount).contains(text.utf8.count)
    }
}
