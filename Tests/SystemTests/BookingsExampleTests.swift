import AtomicStateClient
import AtomicStateProtocol
import Foundation
import Testing

/// examples/bookings.yaml, as its comments promise it.
@Suite struct BookingsExampleTests {
    @Test func noRoomIsBookedTwice() async throws {
        try await withBookings { client in
            #expect(try await Self.outcome(client, "b1", "blue", 9..<11).isAccepted)
            let overlapping = try await Self.outcome(client, "b2", "blue", 10..<12)
            #expect(
                overlapping.rejectionText == """
                    14 Slot.unique(room, start): another entity has the same values
                    Slot b2/2100-05-01T10:00:00Z
                    self.room = blue
                    self.start = 2100-05-01T10:00:00Z
                    taken_by = b1/2100-05-01T10:00:00Z
                    """)
            #expect(try await client.get("Booking", keys: ["b2"]) == [nil])
            #expect(try await client.get("Slot", keys: ["b2/2100-05-01T11:00:00Z"]) == [nil])
            #expect(try await Self.outcome(client, "b2", "blue", 11..<12).isAccepted)
            #expect(try await Self.outcome(client, "b3", "red", 10..<12).isAccepted)
            let booking = try await values(client, "Booking", "b1")
            #expect(booking["hours"] == "2")
            #expect(booking["last"] == "2100-05-01T10:00:00Z")
        }
    }

    /// A booking that does not take exactly its hours would leave room for another one.
    @Test func aBookingTakesEachOfItsHours() async throws {
        try await withBookings { client in
            let wrong: [[Int]] = [[], [9], [9, 11], [10, 11], [9, 10, 11, 12], [8, 9, 10]]
            for hours in wrong {
                var steps: [Transaction.Step] = [.book("b1", "blue", 9..<12)]
                steps += hours.map { .take("b1", $0) }
                let outcome = try await client.submit(Transaction(steps: steps))
                guard case .rejected(let rejection) = outcome else {
                    Issue.record("accepted with \(hours)")
                    continue
                }
                #expect(rejection.rule == "whole", "\(hours)")
                #expect(
                    rejection.message
                        == "the booking from 2100-05-01T09:00:00Z to 2100-05-01T12:00:00Z has to take each hour of it"
                )
            }
            try await expectRejected(
                client, .book("b1", "blue", from: at(12), to: at(9)),
                as: """
                    1 whole: the booking from 2100-05-01T12:00:00Z to 2100-05-01T09:00:00Z has to take each hour of it
                    Booking b1
                    self.first = no value
                    self.from = 2100-05-01T12:00:00Z
                    self.last = no value
                    self.to = 2100-05-01T09:00:00Z
                    self.hours = 0
                    """)
            try await expectRejected(
                client,
                .book("b1", "blue", from: "2100-05-01T09:30:00Z", to: "2100-05-01T10:30:00Z"),
                .take("b1", at: "2100-05-01T09:30:00Z"),
                as: """
                    1 full_hour: 2100-05-01T09:30:00Z is no full hour
                    Slot b1/2100-05-01T09:30:00Z
                    self.start = 2100-05-01T09:30:00Z
                    """)
        }
    }

    @Test func aBookingMovesAndIsCancelled() async throws {
        try await withBookings { client in
            #expect(try await Self.outcome(client, "b1", "blue", 9..<11).isAccepted)
            try await expectRejected(
                client, .giveUp("b1", 9),
                as: """
                    1 whole: the booking from 2100-05-01T09:00:00Z to 2100-05-01T11:00:00Z has to take each hour of it
                    Booking b1
                    self.first = 2100-05-01T09:00:00Z → 2100-05-01T10:00:00Z
                    self.from = 2100-05-01T09:00:00Z
                    self.last = 2100-05-01T10:00:00Z
                    self.to = 2100-05-01T11:00:00Z
                    self.hours = 2 → 1
                    """)
            try await expectAccepted(
                client, .giveUp("b1", 9), .reschedule("b1", 10..<12), .take("b1", 11))
            #expect(try await Self.outcome(client, "b2", "blue", 9..<10).isAccepted)
            try await expectRejected(
                client, .call("cancel", ["booking": "b1"]),
                as: """
                    8 cancel.delete: the entity is still referred to
                    Booking b1
                    """)
            try await expectAccepted(
                client, .giveUp("b1", 10), .giveUp("b1", 11), .call("cancel", ["booking": "b1"]))
            #expect(try await Self.outcome(client, "b3", "blue", 10..<12).isAccepted)
            #expect(try await values(client, "Room", "blue")["hours_booked"] == "3")
        }
    }

    /// A limit over all rooms of a site, on a day.
    @Test func aDayHasSoManyHours() async throws {
        try await withBookings { client in
            #expect(try await Self.outcome(client, "b1", "blue", 9..<12).isAccepted)
            #expect(try await Self.outcome(client, "b2", "red", 9..<12).isAccepted)
            #expect(
                try await Self.outcome(client, "b3", "red", 14..<17).rejectionText == """
                    1 staffed: 9 hours would be booked that day, of 8
                    Day may1
                    self.hours_booked = 6 → 9
                    self.hours_max = 8
                    9 against 8
                    """)
            try await expectRejected(
                client, .call("set_hours", ["day": "may1", "hours_max": 5]),
                as: """
                    1 staffed: 6 hours would be booked that day, of 5
                    Day may1
                    self.hours_booked = 6
                    self.hours_max = 8 → 5
                    6 against 5
                    """)
            #expect(try await values(client, "Site", "berlin")["busiest_day"] == "6")
        }
    }

    @Test func bookingsFitTheirDayAndSite() async throws {
        try await withBookings { client in
            try await expectAccepted(client, "open_site", ["site": "paris"])
            try await expectAccepted(client, "add_room", ["room": "rouge", "site": "paris"])
            #expect(
                try await Self.outcome(client, "b1", "rouge", 9..<10).rejectionText == """
                    2 one_site: the room is at another site
                    room.site = paris
                    day.site = berlin
                    """)
            let tomorrow = try await rejection(
                client,
                .book("b1", "blue", from: "2100-05-02T09:00:00Z", to: "2100-05-02T10:00:00Z"))
            #expect(tomorrow.rule == "that_day")
            try await expectAccepted(
                client, "open_day",
                ["day": "past", "site": "berlin", "begins": "2020-05-01T00:00:00Z", "hours_max": 9])
            let past = try await rejection(
                client,
                .book(
                    "b1", "blue", day: "past", from: "2020-05-01T09:00:00Z",
                    to: "2020-05-01T10:00:00Z"))
            #expect(past.rule == "not_past")
            #expect(past.value == "2020-05-01T09:00:00Z")
            try await expectRejected(
                client,
                .call(
                    "open_day",
                    ["day": "noon", "site": "berlin", "begins": "\(at(12))", "hours_max": 9]),
                as: """
                    1 midnight: a day begins at midnight
                    Day noon
                    self.begins = 2100-05-01T12:00:00Z
                    """)
            let again = try await rejection(
                client,
                .call(
                    "open_day",
                    ["day": "again", "site": "berlin", "begins": "\(at(0))", "hours_max": 9]))
            #expect(again.rule == "Day.unique(site, begins)")
        }
    }

    private static func outcome(
        _ client: AtomicStateClient, _ booking: String, _ room: String, _ hours: Range<Int>
    ) async throws -> TransactionOutcome {
        try await client.submit(.booking(booking, room, hours))
    }

    private func rejection(
        _ client: AtomicStateClient, _ step: Transaction.Step
    ) async throws -> Rejection {
        guard case .rejected(let rejection) = try await client.submit(Transaction(step)) else {
            throw ServerProcess.Failure(description: "\(step) was accepted")
        }
        return rejection
    }

    private func withBookings(_ body: (AtomicStateClient) async throws -> Void) async throws {
        try await withExample("bookings") { _, client in
            try await openSite(client, rooms: ["blue", "red"], hoursMax: 8)
            try await body(client)
        }
    }
}

/// Opens a site with rooms and one day.
func openSite(_ client: AtomicStateClient, rooms: [String], hoursMax: Int) async throws {
    try await expectAccepted(client, "open_site", ["site": "berlin"])
    for room in rooms {
        try await expectAccepted(
            client, "add_room", ["room": ArgumentValue(room), "site": "berlin"])
    }
    try await expectAccepted(
        client, "open_day",
        [
            "day": "may1", "site": "berlin", "begins": ArgumentValue(at(0)),
            "hours_max": ArgumentValue(hoursMax),
        ])
}

/// An hour of the day that is booked in these tests.
func at(_ hour: Int) -> String {
    "2100-05-01T\(hour < 10 ? "0" : "")\(hour):00:00Z"
}

extension Transaction {
    /// A booking that takes each of its hours.
    static func booking(_ booking: String, _ room: String, _ hours: Range<Int>) -> Self {
        Transaction(
            steps: [.book(booking, room, from: at(hours.lowerBound), to: at(hours.upperBound))]
                + hours.map { .take(booking, at: at($0)) })
    }
}

extension Transaction.Step {
    static func book(_ booking: String, _ room: String, _ hours: Range<Int>) -> Self {
        .book(booking, room, from: at(hours.lowerBound), to: at(hours.upperBound))
    }

    static func book(
        _ booking: String, _ room: String, day: ArgumentValue = "may1", from: String, to: String
    ) -> Self {
        .call(
            "book",
            [
                "booking": ArgumentValue(booking), "room": ArgumentValue(room), "day": day,
                "guest": "someone", "from": ArgumentValue(from), "to": ArgumentValue(to),
            ])
    }

    static func take(_ booking: String, _ hour: Int) -> Self { .take(booking, at: at(hour)) }

    static func take(_ booking: String, at start: String) -> Self {
        .call("take", ["booking": ArgumentValue(booking), "start": ArgumentValue(start)])
    }

    static func giveUp(_ booking: String, _ hour: Int) -> Self {
        .call("give_up", ["slot": "\(booking)/\(at(hour))"])
    }

    static func reschedule(_ booking: String, _ hours: Range<Int>) -> Self {
        .call(
            "reschedule",
            [
                "booking": ArgumentValue(booking), "from": ArgumentValue(at(hours.lowerBound)),
                "to": ArgumentValue(at(hours.upperBound)),
            ])
    }
}

extension TransactionOutcome {
    var isAccepted: Bool {
        if case .accepted = self { true } else { false }
    }

    var rejectionText: String? {
        if case .rejected(let rejection) = self { rejection.text } else { nil }
    }
}
