/// What to say after a name that is not known.
enum Suggestion {
    /// "; did you mean 'x'?" for a likely misspelling, the list of names if it is short, or nothing.
    static func hint(for name: String, among names: [String]) -> String {
        if let nearest = nearest(to: name, among: names) {
            return "; did you mean '\(nearest)'?"
        }
        return expectation(of: names)
    }

    /// "; expected one of a, b, c" if that is short, or nothing.
    static func expectation(of names: [String]) -> String {
        switch names.count {
        case 0: ""
        case 1: "; expected \(names[0])"
        case ...Limits.Report.listedNameCount: "; expected one of \(names.joined(separator: ", "))"
        default: ""
        }
    }

    /// A name as a message quotes it: a long one is cut.
    static func quoted(_ name: String) -> String {
        let longest = Limits.Declaration.identifierByteCount
        return name.utf8.count <= longest ? "'\(name)'" : "'\(name.prefix(longest / 2))...'"
    }

    /// The first of the closest names, if at most a third of the name differs, or one letter of two.
    private static func nearest(to name: String, among names: [String]) -> String? {
        guard name.utf8.count <= Limits.Declaration.identifierByteCount else { return nil }
        let tolerance = max(name.count, 3) / 3
        return
            names
            .map { (name: $0, distance: editDistance(name.lowercased(), $0.lowercased())) }
            .filter { $0.distance <= tolerance && $0.distance < name.count }
            .min { $0.distance < $1.distance }?
            .name
    }

    /// The fewest insertions, deletions, substitutions and swaps of neighbours that turn one string
    /// into the other, touching no character twice (the optimal string alignment distance).
    private static func editDistance(_ first: String, _ second: String) -> Int {
        let first = Array(first), second = Array(second)
        var beforeLast: [Int] = []
        var last = Array(0...second.count)
        for row in 0..<first.count {
            var current = [row + 1]
            for column in 0..<second.count {
                let substitution = last[column] + (first[row] == second[column] ? 0 : 1)
                var distance = min(substitution, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, first[row] == second[column - 1],
                    first[row - 1] == second[column]
                {
                    distance = min(distance, beforeLast[column - 1] + 1)
                }
                current.append(distance)
            }
            (beforeLast, last) = (last, current)
        }
        return last[second.count]
    }
}
