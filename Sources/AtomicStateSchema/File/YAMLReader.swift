import Yams

/// Turns the text of a file into `YAMLNode`s, within bounds.
///
/// Anchors, aliases and tags are refused. Aliases let a small file stand for an enormous tree, and
/// a schema needs none of the three.
struct YAMLReader {
    private let text: String
    private let source: SourceText
    private let log: DiagnosticLog
    private var nodeCount = 0

    /// The root of the file's one document, or nil after reporting why there is none.
    static func read(_ text: String, _ source: SourceText, log: DiagnosticLog) -> YAMLNode? {
        var reader = YAMLReader(text: text, source: source, log: log)
        return log.reporting { () throws(Diagnostic) in try reader.root() }
    }

    private init(text: String, source: SourceText, log: DiagnosticLog) {
        self.text = text
        self.source = source
        self.log = log
    }

    private mutating func root() throws(Diagnostic) -> YAMLNode {
        try refuseAnchors()
        guard let root = try compose(text) else {
            throw Diagnostic(.start, "the file is empty; expected a schema")
        }
        return try node(root, depth: 1)
    }

    /// Refuses anchors and aliases before the parser expands any.
    ///
    /// Only the parser can tell the `*` of an alias from one inside a rule. So it is asked, with `@`
    /// in place of both characters: `@` is an ordinary character everywhere but where an anchor or
    /// an alias can stand, and there YAML reserves it, so that the scan fails at that very place.
    private func refuseAnchors() throws(Diagnostic) {
        let marks: Set<Unicode.Scalar> = ["&", "*"]
        guard text.unicodeScalars.contains(where: marks.contains) else { return }
        var probe = String.UnicodeScalarView()
        probe.append(contentsOf: text.unicodeScalars.map { marks.contains($0) ? "@" : $0 })
        do throws(Diagnostic) {
            _ = try compose(String(probe))
        } catch {
            if let found = source.scalar(at: error.location), marks.contains(found) {
                throw Diagnostic(
                    error.location, "anchors and aliases are not allowed; repeat the value")
            }
            throw error
        }
    }

    private func compose(_ text: String) throws(Diagnostic) -> Yams.Node? {
        do {
            // The basic resolver leaves every scalar a string: the declarations decide on types.
            return try Yams.compose(yaml: text, .basic, .default, .utf8)
        } catch let error as YamlError {
            throw diagnostic(error)
        } catch {
            throw Diagnostic(.start, "not readable as YAML: \(error)")
        }
    }

    /// Every node that the parser composes has a mark; a missing one can only mean the start.
    private func location(_ mark: Mark?) -> SourceLocation {
        mark.map { source.nearest(to: SourceLocation(line: $0.line, column: $0.column)) } ?? .start
    }
}

// MARK: Conversion

extension YAMLReader {
    private mutating func node(_ node: Yams.Node, depth: Int) throws(Diagnostic) -> YAMLNode {
        let location = self.location(node.mark)
        nodeCount += 1
        guard nodeCount <= Limits.File.nodeCount else {
            throw Diagnostic(
                location, "the file has too many nodes; the limit is \(Limits.File.nodeCount)")
        }
        guard depth <= Limits.File.depth else {
            throw Diagnostic(
                location, "the file nests too deeply; the limit is \(Limits.File.depth)")
        }
        switch node {
        case .scalar(let scalar):
            let value = YAMLScalar(text: scalar.string, style: .init(scalar.style))
            // The parser itself gives text in quotes the tag of a string.
            refuseTag(scalar.tag, at: location, unless: value.style == .plain ? .implicit : .str)
            return YAMLNode(content: .scalar(value), location: location)
        case .sequence(let sequence):
            refuseTag(sequence.tag, at: location)
            var items: [YAMLNode] = []
            for item in sequence {
                items.append(try self.node(item, depth: depth + 1))
            }
            return YAMLNode(content: .list(items), location: location)
        case .mapping(let mapping):
            refuseTag(mapping.tag, at: location)
            return YAMLNode(content: .map(try entries(mapping, depth: depth)), location: location)
        case .alias:
            throw Diagnostic(location, "anchors and aliases are not allowed; repeat the value")
        }
    }

    private mutating func entries(_ mapping: Yams.Node.Mapping, depth: Int) throws(Diagnostic)
        -> [YAMLEntry]
    {
        var entries: [YAMLEntry] = []
        var names: Set<String> = []
        for (key, value) in mapping {
            let location = self.location(key.mark)
            let value = try node(value, depth: depth + 1)
            // A key's tag tells nothing: the parser has resolved it, to compare the keys.
            guard case .scalar(let scalar) = key else {
                log.report(location, "a key has to be a name")
                continue
            }
            // To the parser, keys of other tags are other keys.
            guard names.insert(scalar.string).inserted else {
                log.report(location, "'\(scalar.string)' is in this map already")
                continue
            }
            entries.append(
                YAMLEntry(key: Name(text: scalar.string, location: location), value: value))
        }
        return entries
    }

    private func refuseTag(
        _ tag: Tag, at location: SourceLocation, unless expected: Tag.Name = .implicit
    ) {
        if tag.description != Tag.implicit.description, tag.description != expected.rawValue {
            log.report(
                location,
                "tags are not allowed, found \(Suggestion.quoted(tag.description)); text that begins with "
                    + "'!' has to be in quotes")
        }
    }
}

// MARK: Errors

extension YAMLReader {
    private func diagnostic(_ error: YamlError) -> Diagnostic {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return Diagnostic(location(mark), Self.message(problem))
        case .reader(let problem, let offset?, _, let text):
            return Diagnostic(SourceText(String(text.prefix(offset))).end, Self.message(problem))
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map(Suggestion.quoted).joined(separator: ", ")
            return Diagnostic(location(context.mark), "\(names) is given more than once in one map")
        case .reader, .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return Diagnostic(.start, "not readable as YAML: \(error)")
        }
    }

    /// What the parser says of text that is no YAML as it stands, as rules often are not.
    private static let quotesAreNeeded: [(problem: String, text: String)] = [
        ("mapping values are not allowed", "text that holds ': '"),
        ("expected comment or line break", "text that begins with '!'"),
        ("cannot start any token", "text that begins with one of !&*|>%@`"),
        ("did not find expected ',' or ']'", "text that holds one of {}[],"),
        ("did not find expected ',' or '}'", "text that holds one of {}[],"),
    ]

    private static func message(_ problem: String) -> String {
        if problem.contains("Maximum nesting level") {
            // The parser's own limit is far above this one; who meets it has passed both.
            return "the file nests too deeply; the limit is \(Limits.File.depth)"
        }
        let hint = quotesAreNeeded.first(where: { problem.contains($0.problem) })?.text
        return "not valid YAML: \(problem)" + (hint.map { "; \($0) has to be in quotes" } ?? "")
    }
}

extension YAMLScalar.Style {
    fileprivate init(_ style: Yams.Node.Scalar.Style) {
        switch style {
        case .any, .plain: self = .plain
        case .singleQuoted: self = .singleQuoted
        case .doubleQuoted: self = .doubleQuoted
        case .literal, .folded: self = .block
        }
    }
}
