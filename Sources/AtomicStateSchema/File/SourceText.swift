/// The lines of a schema file, and the way from a YAML scalar's value back to them.
///
/// Lines end where YAML 1.1 says: at LF, CR, CR LF, NEL, LS and PS. Columns count code points, like
/// the marks of the YAML parser.
struct SourceText: Sendable {
    let lines: [[Unicode.Scalar]]

    init(_ text: String) {
        var lines: [[Unicode.Scalar]] = [[]]
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if scalar == "\n", previous == "\r" {
                // The second half of a CR LF.
            } else if Self.isBreak(scalar) {
                lines.append([])
            } else {
                lines[lines.count - 1].append(scalar)
            }
            previous = scalar
        }
        self.lines = lines
    }

    var end: SourceLocation {
        SourceLocation(line: lines.count, column: lines[lines.count - 1].count + 1)
    }

    /// Nil at the end of a line.
    func scalar(at location: SourceLocation) -> Unicode.Scalar? {
        let line = lines[location.line - 1]
        return location.column <= line.count ? line[location.column - 1] : nil
    }

    /// `location`, or the end if it is beyond: for the YAML parser, a last line that does not end
    /// in a line break is followed by another.
    func nearest(to location: SourceLocation) -> SourceLocation {
        location.line <= lines.count ? location : end
    }

    /// The value of a scalar, each code point with its place.
    ///
    /// YAML changes a scalar's text in two ways only: it rewrites blank space (indentation, folded
    /// lines) and it decodes quoting (`''` and backslash escapes). So value and source are walked
    /// side by side: a blank of the value takes whatever place the source has reached, anything else
    /// is looked for after the source's blank space.
    func locate(_ scalar: YAMLScalar, at location: SourceLocation) -> LocatedText {
        var cursor = Cursor(lines: lines, location: location, style: scalar.style)
        let scalars = Array(scalar.text.unicodeScalars)
        var locations = scalars.map { cursor.place(of: $0) }
        locations.append(cursor.location)
        return LocatedText(scalars: scalars, locations: locations)
    }

    private static func isBreak(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": true
        default: false
        }
    }
}

/// Walks the source of one scalar.
private struct Cursor {
    private let lines: [[Unicode.Scalar]]
    private let style: YAMLScalar.Style
    private(set) var location: SourceLocation

    init(lines: [[Unicode.Scalar]], location: SourceLocation, style: YAMLScalar.Style) {
        self.lines = lines
        self.style = style
        self.location = location
        switch style {
        case .plain: break
        case .singleQuoted, .doubleQuoted: self.location.column += 1
        case .block where location.line < lines.count:
            self.location = SourceLocation(line: location.line + 1, column: 1)
        case .block: break
        }
    }

    /// The place of the value's next code point.
    mutating func place(of scalar: Unicode.Scalar) -> SourceLocation {
        skipEscapedBreaks()
        let isBlank = scalar == " " || scalar == "\t" || scalar == "\n"
        if !isBlank, !isAtEscape { skipBlankSpace() }
        let place = location
        if isAtEscape {
            location.column += escapeLength
        } else if !isBlank || current == scalar {
            location.column += style == .singleQuoted && scalar == "'" ? 2 : 1
            clamp()
        }
        return place
    }

    private var line: [Unicode.Scalar] { lines[location.line - 1] }

    /// Nil at the end of a line.
    private var current: Unicode.Scalar? { scalar(at: location.column) }

    private func scalar(at column: Int) -> Unicode.Scalar? {
        column <= line.count ? line[column - 1] : nil
    }

    private var isAtEscape: Bool {
        style == .doubleQuoted && current == "\\" && location.column < line.count
    }

    private var escapeLength: Int {
        switch scalar(at: location.column + 1) {
        case "x": 4
        case "u": 6
        case "U": 10
        default: 2
        }
    }

    /// In double quotes, a backslash before a line break joins the lines.
    private mutating func skipEscapedBreaks() {
        while style == .doubleQuoted, current == "\\", location.column == line.count,
            location.line < lines.count
        {
            location.column += 1
            skipBlankSpace()
        }
    }

    private mutating func skipBlankSpace() {
        while true {
            if let current {
                guard current == " " || current == "\t" else { return }
                location.column += 1
            } else if location.line < lines.count {
                location = SourceLocation(line: location.line + 1, column: 1)
            } else {
                return
            }
        }
    }

    private mutating func clamp() {
        location.column = min(location.column, line.count + 1)
    }
}

extension SourceLocation {
    static let start = SourceLocation(line: 1, column: 1)
}
