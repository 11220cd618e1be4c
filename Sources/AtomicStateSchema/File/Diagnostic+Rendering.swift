extension [Diagnostic] {
    /// The diagnostics as a compiler prints them: `file:line:column: message`, then the source line
    /// and a caret under the column. A long line is cut to the part around the column.
    ///
    /// - Parameter kind: what to put before each message, as `warning: `.
    package func rendered(file: String, source: String, kind: String = "") -> String {
        let lines = SourceText(source).lines
        return map { diagnostic in
            let location = diagnostic.location
            let header =
                "\(file):\(location.line):\(location.column): \(kind)\(diagnostic.message)\n"
            guard lines.indices.contains(location.line - 1) else { return header }
            return header + Self.excerpt(lines[location.line - 1], column: location.column)
        }.joined()
    }

    private static func excerpt(_ line: [Unicode.Scalar], column: Int) -> String {
        let width = Limits.Report.excerptColumnCount
        let start =
            column <= width
            ? 0 : Swift.min(column - 1 - width / 2, Swift.max(0, line.count - width))
        let visible = line.dropFirst(start).prefix(width)
        // Tabs stay tabs, so that the caret stands under its column at any tab width.
        let indent = visible.prefix(column - 1 - start).map { $0 == "\t" ? $0 : " " }
        return text(visible) + "\n" + text(indent) + "^\n"
    }

    private static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
