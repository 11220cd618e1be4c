/// Thrown inside one rule, where a mistake of syntax leaves nothing sensible to read on.
extension Diagnostic: Error {}

/// Collects the mistakes of one schema file, so that one run reports all of them.
final class DiagnosticLog {
    private var diagnostics: [Diagnostic] = []

    var isEmpty: Bool { diagnostics.isEmpty }

    func report(_ location: SourceLocation, _ message: String) {
        diagnostics.append(Diagnostic(location, message))
    }

    /// What `body` returns, or nil after reporting what it throws.
    func reporting<Value>(_ body: () throws(Diagnostic) -> Value) -> Value? {
        do {
            return try body()
        } catch {
            diagnostics.append(error)
            return nil
        }
    }

    /// Nil if nothing was reported. Names are resolved after they are read, so the mistakes do
    /// not arrive in the order of the file.
    var error: SchemaError? {
        if diagnostics.isEmpty { return nil }
        return SchemaError(
            diagnostics: diagnostics.sorted { first, second in
                (first.location.line, first.location.column, first.message)
                    < (second.location.line, second.location.column, second.message)
            })
    }
}
