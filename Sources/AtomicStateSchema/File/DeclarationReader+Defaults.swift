internal import AtomicStateValues

/// The `default` of a field, read as the field's type.
extension DeclarationReader {
    func defaultValue(_ node: YAMLNode, of type: ValueType, maximumByteCount: Int?) -> Literal? {
        guard case .scalar(let scalar) = node.content, !scalar.isNull else {
            log.report(node.location, "a default is one value; found \(node.description)")
            return nil
        }
        switch type {
        case .bool: return bool(scalar, at: node.location)
        case .int: return int(scalar, at: node.location)
        case .decimal(let scale): return decimal(scalar, scale: scale, at: node.location)
        case .string:
            return string(scalar, maximumByteCount: maximumByteCount, at: node.location)
        case .enumeration(let values):
            if let index = values.firstIndex(of: scalar.text) { return .enumeration(index) }
            let hint = Suggestion.hint(for: scalar.text, among: values)
            log.report(
                node.location, "\(Suggestion.quoted(scalar.text)) is not a value of the enum\(hint)"
            )
            return nil
        case .bytes: return bytes(scalar, maximumByteCount: maximumByteCount, at: node.location)
        case .uuid:
            if let value = UUIDValue(scalar.text) { return .bytes(value.bytes) }
            let expected = "a default of uuid is written as in f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
            return reject(node.location, expected, scalar)
        case .timestamp:
            return time(
                .timestamp, scalar, "a default of timestamp is written as in 2009-02-13T23:31:30Z",
                at: node.location)
        case .duration:
            return time(
                .duration, scalar, "a default of duration is written as in 1h30m", at: node.location
            )
        case .uint, .double, .null, .entity, .list:
            preconditionFailure("no field is declared with the type \(type)")
        }
    }

    private func bool(_ scalar: YAMLScalar, at location: SourceLocation) -> Literal? {
        if scalar.style == .plain, let value = Bool(scalar.text) { return .bool(value) }
        return reject(location, "a default of bool is true or false", scalar)
    }

    private func int(_ scalar: YAMLScalar, at location: SourceLocation) -> Literal? {
        number(scalar, scale: 0, "a default of int is a whole number", at: location).map {
            .int($0)
        }
    }

    private func decimal(_ scalar: YAMLScalar, scale: Int, at location: SourceLocation) -> Literal?
    {
        number(scalar, scale: scale, "a default of decimal is written as in 12.50", at: location)
            .map { .decimal(unscaled: $0) }
    }

    /// The number in units of 10^-scale.
    private func number(
        _ scalar: YAMLScalar, scale: Int, _ expected: String, at location: SourceLocation
    ) -> Int64? {
        guard scalar.style == .plain else { return reject(location, expected, scalar) }
        do throws(DecimalLiteral.Failure) {
            return try DecimalLiteral(scalar.text).rescaled(to: scale)
        } catch {
            switch error {
            case .notADecimal: return reject(location, expected, scalar)
            case .tooManyFractionDigits:
                return reject(
                    location, "the default has more than \(scale) fraction digits", scalar)
            case .outOfRange: return reject(location, "the default does not fit 64 bits", scalar)
            }
        }
    }

    private func string(_ scalar: YAMLScalar, maximumByteCount: Int?, at location: SourceLocation)
        -> Literal?
    {
        guard scalar.isString else {
            let expected = "a default of string that reads as another type is in quotes"
            return reject(location, expected, scalar)
        }
        if let maximumByteCount, scalar.text.utf8.count > maximumByteCount {
            log.report(location, "the default is longer than the field's \(maximumByteCount) bytes")
        }
        return .string(scalar.text)
    }

    private func time(
        _ kind: TimeKind, _ scalar: YAMLScalar, _ expected: String, at location: SourceLocation
    ) -> Literal? {
        guard let value = kind.parse(scalar.text) else { return reject(location, expected, scalar) }
        return .time(value)
    }

    private func bytes(_ scalar: YAMLScalar, maximumByteCount: Int?, at location: SourceLocation)
        -> Literal?
    {
        guard let bytes = HexText.parse(scalar.text) else {
            return reject(location, "a default of bytes is written in hexadecimal digits", scalar)
        }
        if let maximumByteCount, bytes.count > maximumByteCount {
            log.report(location, "the default is longer than the field's \(maximumByteCount) bytes")
        }
        return .bytes(bytes)
    }

    private func reject<Value>(_ location: SourceLocation, _ message: String, _ found: YAMLScalar)
        -> Value?
    {
        log.report(location, "\(message); found \(Suggestion.quoted(found.text))")
        return nil
    }
}
