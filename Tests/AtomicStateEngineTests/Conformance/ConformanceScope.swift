import AtomicStateSchema

/// What of CEL is no part of the rule language, with the reason that a skipped case gives.
extension ConformanceCase {
    /// Nil for a case that has to pass.
    var reasonToSkip: String? {
        if case .bytes(let bytes) = expect.value, bytes.contains(0x5C), !expr.contains("\\") {
            return
                "its expected bytes have a backslash that its expression lacks: an error of the data"
        }
        if case .foreign(let kind) = expect.value { return Self.reason(ofForeign: kind) }
        for (name, value) in bindings ?? [:] {
            if name.contains(".") { return "rules have no qualified names" }
            switch value {
            case .foreign(let kind): return Self.reason(ofForeign: kind)
            case .list: return "a list exists only inside of a rule; no variable holds one"
            default: break
            }
        }
        if let type = type_env?.values.first(where: { Self.valueType($0) == nil }) {
            return "no variable has the type \(type)"
        }
        let code = Self.withoutStrings(expr)
        if code.contains("{") { return "maps and messages are out of scope" }
        if Self.calls("dyn", code) {
            return "dyn is out of scope: rules are typed when they are loaded"
        }
        if Self.calls("type", code) { return "type values are out of scope" }
        if Self.calls("matches", code) {
            return "'matches' is left out: there is no C library for RE2's syntax to rely on"
        }
        if ["all", "exists", "exists_one", "map", "filter"].contains(where: { Self.calls($0, code) }
        ) {
            return "macros over collections are out of scope"
        }
        return nil
    }

    /// Why the case can't be judged although it is about scalars, if that is why it was refused.
    func reasonToSkip(refusedWith diagnostics: [Diagnostic]) -> String? {
        guard !expectsError else { return nil }
        if disable_check == true {
            return "it relies on evaluation without a check; rules are checked when they are loaded"
        }
        if diagnostics.contains(where: { $0.message.contains("is not a time zone") }) {
            return "named time zones are left out: their rules change, and outcomes must not"
        }
        let mixed = ["a list holds values of one type", "'in' compares values of one type"]
        if diagnostics.contains(where: { diagnostic in
            mixed.contains { diagnostic.message.hasPrefix($0) }
        }) {
            return "a list of values of several types is one of dyn, which is out of scope"
        }
        return nil
    }

    static func valueType(_ name: String) -> ValueType? {
        switch name {
        case "bool": .bool
        case "int": .int
        case "uint": .uint
        case "double": .double
        case "string": .string
        case "bytes": .bytes
        case "null": .null
        case "timestamp", "google.protobuf.Timestamp": .timestamp
        case "duration", "google.protobuf.Duration": .duration
        default: nil
        }
    }

    private static func reason(ofForeign kind: String) -> String {
        switch kind {
        case "type": "type values are out of scope"
        case "map": "maps are out of scope"
        case "object", "enum", "unset": "messages are out of scope"
        default: "values of kind \(kind) are out of scope"
        }
    }

    private static func calls(_ function: String, _ code: String) -> Bool {
        var isWord = false
        var word = ""
        for character in code {
            if character.isLetter || character == "_" {
                word = isWord ? word + String(character) : String(character)
                isWord = true
            } else {
                if character == "(", word == function { return true }
                if !character.isWhitespace { word = "" }
                isWord = false
            }
        }
        return false
    }

    /// The expression with nothing between its quotation marks.
    private static func withoutStrings(_ text: String) -> String {
        var code = ""
        var quote: Character?
        var isEscaped = false
        for character in text {
            if let open = quote {
                if !isEscaped, character == open { quote = nil }
                isEscaped = !isEscaped && character == "\\"
            } else {
                if character == "'" || character == "\"" { quote = character }
                code.append(character)
            }
        }
        return code
    }
}
