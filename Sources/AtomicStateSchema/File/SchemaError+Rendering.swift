extension SchemaError {
    /// Every mistake as a compiler prints it.
    package func rendered(file: String, source: String) -> String {
        diagnostics.rendered(file: file, source: source)
    }
}
