import AtomicStateProtocol
import AtomicStateSchema

/// Seats for random teams of one organization, on examples/seats.yaml, whose licence is a limit over the
/// seats of all teams together; or on the same without the limit. Of refused ones, one transaction in a
/// hundred wants more seats than that.
struct SeatsLoad: Load {
    private let found: Int
    private let addTeam: Int
    private let addSeats: Int
    private let keys: [String]
    private let isRefused: Bool
    private static let refusalInterval = 100
    /// A licence that no run uses up.
    private let licensedSeats: UInt64 = 1 << 40

    init(_ compiled: CompiledSchema, teamCount: Int, isRefused: Bool = false) {
        self.isRefused = isRefused
        found = compiled.operation("found")
        addTeam = compiled.operation("add_team")
        addSeats = compiled.operation("add_seats")
        // Of one length, so that a look-up compares as many bytes however many teams there are.
        keys = (0..<teamCount).map { number in
            let digits = String(number)
            return "team-" + String(repeating: "0", count: 8 - digits.count) + digits
        }
    }

    var rejectionCountPerBatch: Int {
        isRefused ? transactionCountPerBatch / Self.refusalInterval : 0
    }

    var preparation: [Run] {
        var organization = Column()
        organization.append("acme")
        let licence = Column(words: [licensedSeats])
        let founding = Run(
            operation: found, transactionCount: 1, arguments: [organization, licence])
        return [founding] + keys.indices.batches.map(teams)
    }

    private func teams(_ indices: Range<Int>) -> Run {
        var (names, organizations, plans) = (Column(), Column(), Column())
        for index in indices {
            names.append(keys[index])
            organizations.append("acme")
            // The paid one, of which there may be any number.
            plans.append(1 as UInt64)
        }
        return Run(
            operation: addTeam, transactionCount: indices.count,
            arguments: [
                names, organizations, names, plans, Column(words: indices.map { _ in 0 }),
            ])
    }

    func batch(_ generator: inout SeededGenerator) -> Run {
        var (teams, counts) = (Column(), Column())
        for index in 0..<transactionCountPerBatch {
            teams.append(keys[Int(generator.next() % UInt64(keys.count))])
            let count = 1 + generator.next() % 100
            let isRefused = isRefused && index % Self.refusalInterval == 0
            counts.append(isRefused ? licensedSeats + count : count)
        }
        return Run(
            operation: addSeats, transactionCount: transactionCountPerBatch,
            arguments: [teams, counts])
    }
}
