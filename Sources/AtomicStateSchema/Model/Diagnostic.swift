/// A place in a schema file. Lines and columns count from 1; a column counts Unicode code points.
package struct SourceLocation: Hashable, Sendable {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// A mistake in a schema file: where, what, and what was expected.
package struct Diagnostic: Hashable, Sendable {
    package var location: SourceLocation
    package var message: String

    package init(_ location: SourceLocation, _ message: String) {
        self.location = location
        self.message = message
    }
}

/// Every mistake of a schema file, in the order of the file.
package struct SchemaError: Error, Sendable {
    package var diagnostics: [Diagnostic]

    package init(diagnostics: [Diagnostic]) {
        self.diagnostics = diagnostics
    }
}
