/// A map whose keys the file format fixes. Reading one reports the keys that don't belong there.
struct KeyedMap {
    private let what: String
    private let location: SourceLocation
    private let entries: [YAMLEntry]
    private let log: DiagnosticLog

    /// - Parameters:
    ///   - what: how a message names the map, with its article.
    ///   - location: where to report a missing key: a name says more than the map's first key.
    init?(
        _ node: YAMLNode, _ what: String, at location: SourceLocation, keys: [String],
        log: DiagnosticLog
    ) {
        guard case .map(let entries) = node.content else {
            log.report(
                node.location,
                "\(what) is a map of \(keys.joined(separator: ", ")); found \(node.description)")
            return nil
        }
        for key in entries.map(\.key) where !keys.contains(key.text) {
            let hint = Suggestion.hint(for: key.text, among: keys)
            log.report(
                key.location, "unknown key \(Suggestion.quoted(key.text)) of \(what)\(hint)")
        }
        self.what = what
        self.location = location
        self.entries = entries
        self.log = log
    }

    subscript(key: String) -> YAMLNode? {
        entry(key)?.value
    }

    func entry(_ key: String) -> YAMLEntry? {
        entries.first { $0.key.text == key }
    }

    /// The value of a key that has to be there, or nil after reporting that it is not.
    func required(_ key: String) -> YAMLNode? {
        if let value = self[key] { return value }
        log.report(location, "\(what) needs '\(key)'")
        return nil
    }
}
