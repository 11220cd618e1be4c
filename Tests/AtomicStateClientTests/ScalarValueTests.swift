import AtomicStateClient
import AtomicStateProtocol
import Testing

/// Bytes, UUIDs, times and fields without a value, from text and back.
@Suite struct ScalarValueTests {
    private static let members: [SchemaDescription.Member] = [
        .init(name: "photo", kind: .bytes(byteCountMax: 3)),
        .init(name: "id", kind: .uuid),
        .init(name: "begin", kind: .timestamp),
        .init(name: "length", kind: .duration),
        .init(name: "room", kind: .reference(entity: 0)),
    ]

    private let description = SchemaDescription(
        name: "diary", fingerprint: "",
        entities: [
            .init(
                name: "Slot", key: .uuid,
                fields: members.map {
                    .init(name: $0.name, kind: $0.kind, isOptional: $0.name != "room")
                },
                derived: [])
        ],
        operations: [.init(name: "book", parameters: members)], text: "")

    private let room = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"

    private var arguments: [String: String] {
        [
            "photo": "00fF", "id": room.uppercased(), "begin": "1969-12-31T23:59:59.5Z",
            "length": "-1.5s", "room": room,
        ]
    }

    @Test func whatIsSentIsReadAlike() throws {
        let run = try description.run(operation: "book", arguments: arguments)
        #expect(run.arguments[0].text == [0, 255])
        #expect(run.arguments[1].text.count == 16)
        #expect(run.arguments[2].words == [UInt64(bitPattern: -1)])
        #expect(run.arguments[2].nanoseconds == [500_000_000])
        #expect(run.arguments[3].words == [UInt64(bitPattern: -2)])
        let state = try state(of: run.arguments, present: true)
        #expect(
            state?.values.map(\.text)
                == ["00ff", room, "1969-12-31T23:59:59.5Z", "-1.5s", room])
        #expect(state?["photo"] == "00ff")
    }

    @Test func whatIsAbsentHasNoText() throws {
        let run = try description.run(operation: "book", arguments: arguments)
        let state = try state(of: run.arguments, present: false)
        #expect(state?.values.map(\.text) == [nil, nil, nil, nil, room])
        #expect(state?["begin"] == nil)
    }

    @Test(arguments: [
        ("photo", "0", "at most 3 bytes, each of two hexadecimal digits"),
        ("photo", "00112233", "at most 3 bytes, each of two hexadecimal digits"),
        ("id", "7", "a uuid as f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        (
            "begin", "2009-02-30T00:00:00Z",
            "a timestamp as 2009-02-13T23:31:30Z, of the years 1 to 9999"
        ),
        ("length", "1d", "a duration as 1h30m or 0.5s, of at most 315576000000s"),
        ("room", "7", "a key of Slot, a uuid as f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    ])
    func refuses(parameter: String, value: String, expectation: String) {
        var arguments = arguments
        arguments[parameter] = value
        let error = #expect(throws: ArgumentError.self) {
            try description.run(operation: "book", arguments: arguments)
        }
        #expect(error?.description == "book's \(parameter): '\(value)' is not \(expectation)")
    }

    @Test(
        arguments: [
            { $0[0].present = [] }, { $0[4].present = [true] }, { $0[1].lengths = [15] },
            {
                $0[1].text.removeLast(); $0[1].lengths = [15]
            }, { $0[2].nanoseconds = [1, 2] },
            { $0[2].nanoseconds = [1_000_000_000] }, { $0[3].words = [.max >> 1] },
        ] as [@Sendable (inout [Column]) -> Void])
    func aReplyThatContradictsItselfIsRefused(damage: @Sendable (inout [Column]) -> Void) throws {
        var columns = try description.run(operation: "book", arguments: arguments).arguments
        for index in 0..<4 { columns[index].present = [true] }
        damage(&columns)
        let reply = GetReply(found: [true], versions: [1], columns: columns)
        let status = #expect(throws: Status.self) {
            try description.states(of: description.entities[0], keys: [room], in: reply)
        }
        #expect(status?.code == .internal)
    }

    private func state(of columns: [Column], present: Bool) throws -> EntityState? {
        var columns = columns
        for index in 0..<4 { columns[index].present = [present] }
        let reply = GetReply(found: [true], versions: [1], columns: columns)
        return try description.states(of: description.entities[0], keys: [room], in: reply)[0]
    }
}
