/// The text of a rule or an effect, with the place in the schema file of each of its code points.
///
/// YAML folds lines and decodes escapes, so a rule's text alone does not tell where it was written.
struct LocatedText: Sendable {
    let scalars: [Unicode.Scalar]
    /// The place of each scalar, and after them the place where the text ends.
    let locations: [SourceLocation]

    init(scalars: [Unicode.Scalar], locations: [SourceLocation]) {
        precondition(locations.count == scalars.count + 1)
        self.scalars = scalars
        self.locations = locations
    }

    /// Text that is no part of a file.
    init(source text: String) {
        let scalars = Array(text.unicodeScalars)
        var locations = [SourceLocation.start]
        for scalar in scalars {
            let last = locations[locations.count - 1]
            locations.append(
                scalar == "\n"
                    ? SourceLocation(line: last.line + 1, column: 1)
                    : SourceLocation(line: last.line, column: last.column + 1))
        }
        self.init(scalars: scalars, locations: locations)
    }

    var start: SourceLocation { locations[0] }
}
