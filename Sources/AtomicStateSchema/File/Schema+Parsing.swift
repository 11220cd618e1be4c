extension Schema {
    /// Reads a schema file's text.
    ///
    /// - Throws: every mistake that one run can find. A mistake of YAML hides the rest of the file,
    ///   a mistake of syntax hides the rest of its rule; nothing else hides anything.
    package init(parsing text: String) throws(SchemaError) {
        let byteCount = text.utf8.count
        guard byteCount <= Limits.File.byteCount else {
            let message = "the file has \(byteCount) bytes; the limit is \(Limits.File.byteCount)"
            throw SchemaError(diagnostics: [Diagnostic(.start, message)])
        }
        let log = DiagnosticLog()
        let source = SourceText(text)
        let schema = YAMLReader.read(text, source, log: log)
            .flatMap { DeclarationReader(source: source, log: log).schema($0) }
            .map { Resolver.schema($0, log: log) }
        if let error = log.error { throw error }
        guard let schema else { preconditionFailure("a schema was dropped without a diagnostic") }
        self = schema
    }
}
