extension String {
    /// As it can be printed within a line: what clients have stored may hold ends of lines, and what a terminal obeys.
    var printed: String {
        var printed = ""
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            // Joiners make one sign of several.
            case .format where scalar == "\u{200C}" || scalar == "\u{200D}":
                printed.unicodeScalars.append(scalar)
            case .control, .format, .lineSeparator, .paragraphSeparator:
                printed += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: printed.unicodeScalars.append(scalar)
            }
        }
        return printed
    }
}
