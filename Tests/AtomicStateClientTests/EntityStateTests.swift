import AtomicStateClient
import AtomicStateProtocol
import Testing

/// Replies as named values.
@Suite struct EntityStateTests {
    private let account = bankDescription.entities[0]

    @Test func rendersEveryKind() throws {
        let states = try bankDescription.states(of: account, keys: ["1", "2", "3"], in: reply())
        #expect(states.count == 3)
        #expect(states[1] == nil)
        #expect(states[0]?.key == "1")
        #expect(states[0]?.version == 7)
        #expect(states[2]?.version == 9)
        #expect(
            states[0]?.values.map(\.name)
                == ["owner", "balance", "plan", "isOpen", "branch", "cards"])
        #expect(states[0]?.values.map(\.text) == ["Zoë", "12.50", "free", "true", "ab", "3"])
        #expect(states[2]?.values.map(\.text) == ["", "-0.01", "paid", "false", "", "-1"])
        #expect(states[2]?["balance"] == "-0.01")
        #expect(states[2]?["Balance"] == nil)
    }

    @Test func aDerivedValueOverNothingIsAbsent() throws {
        var fewest = Column(words: [0, 3])
        fewest.present = [false, true]
        let reply = GetReply(
            found: [true, true], versions: [1, 2],
            columns: [Column(words: [5, 6]), Column(words: [0, 3]), fewest])
        let states = try seatsDescription.states(
            of: seatsDescription.entities[0], keys: ["a", "b"], in: reply)
        #expect(states.map { $0?.values.map(\.text) } == [["5", "0", nil], ["6", "3", "3"]])
    }

    @Test func nothingFound() throws {
        let reply = GetReply(
            found: [false], versions: [], columns: Array(repeating: Column(), count: 6))
        #expect(try bankDescription.states(of: account, keys: ["1"], in: reply) == [nil])
    }

    @Test(
        arguments: [
            { $0.found.append(true) },
            { $0.found[1] = true },
            { $0.versions.removeLast() },
            { $0.columns.removeLast() },
            { $0.columns[0].text.append(65) },
            { $0.columns[0].lengths = [2, 3] },
            { $0.columns[0] = Column(words: [1, 2]) },
            { $0.columns[1].words.append(1) },
            { $0.columns[2].words[0] = 2 },
            { $0.columns[3].words[1] = 2 },
        ] as [@Sendable (inout GetReply) -> Void])
    func aReplyThatContradictsItselfIsRefused(damage: @Sendable (inout GetReply) -> Void) {
        var reply = reply()
        damage(&reply)
        let status = #expect(throws: Status.self) {
            try bankDescription.states(of: account, keys: ["1", "2", "3"], in: reply)
        }
        #expect(status?.code == .internal)
    }

    private func reply() -> GetReply {
        var owners = Column()
        for owner in ["Zoë", ""] { owners.append(owner) }
        var branches = Column()
        for branch in ["ab", ""] { branches.append(branch) }
        return GetReply(
            found: [true, false, true], versions: [7, 9],
            columns: [
                owners, Column(words: [1250, UInt64(bitPattern: -1)]), Column(words: [0, 1]),
                Column(words: [1, 0]), branches, Column(words: [3, UInt64(bitPattern: -1)]),
            ])
    }
}
