/// Messages: text with values in braces, as in `{self.seats_used} of {self.licensed_seats}`. A brace
/// that is meant as such is written twice.
extension Resolver {
    func messageTemplate(_ text: LocatedText, in scope: Scope) -> MessageTemplate? {
        var parts: [MessageTemplate.Part] = []
        var valueCount = 0
        var literal = String.UnicodeScalarView()
        var position = 0
        while position < text.scalars.count {
            let scalar = text.scalars[position]
            let isBrace = scalar == "{" || scalar == "}"
            if isBrace, position + 1 < text.scalars.count, text.scalars[position + 1] == scalar {
                literal.append(scalar)
                position += 2
            } else if scalar == "{" {
                guard let end = text.scalars[position...].firstIndex(of: "}") else {
                    log.report(
                        text.locations[position],
                        "this brace is not closed; a brace that is text is written '{{'")
                    return nil
                }
                guard let value = shownValue(text[(position + 1)..<end], in: scope) else {
                    return nil
                }
                if !literal.isEmpty { parts.append(.text(String(literal))) }
                literal = String.UnicodeScalarView()
                parts.append(.value(value))
                valueCount += 1
                position = end + 1
            } else if scalar == "}" {
                log.report(
                    text.locations[position],
                    "this brace closes nothing; a brace that is text is written '}}'")
                return nil
            } else {
                literal.append(scalar)
                position += 1
            }
        }
        if !literal.isEmpty { parts.append(.text(String(literal))) }
        let limit = Limits.Declaration.messageValueCount
        guard valueCount <= limit else {
            log.report(text.start, "a message shows at most \(limit) values")
            return nil
        }
        return MessageTemplate(parts: parts)
    }

    private func shownValue(_ text: LocatedText, in scope: Scope) -> Expression? {
        let value = log.reporting { () throws(Diagnostic) in try SyntaxParser.expression(text) }
            .flatMap { Checker(catalog: catalog, log: log, scope: scope).check($0) }
        guard let value else { return nil }
        guard value.isRead else {
            log.report(
                text.start, "a message shows values that are stored, such as {self.balance}")
            return nil
        }
        return value
    }
}

extension LocatedText {
    fileprivate subscript(range: Range<Int>) -> LocatedText {
        LocatedText(
            scalars: Array(scalars[range]),
            locations: Array(locations[range.lowerBound...range.upperBound]))
    }
}
