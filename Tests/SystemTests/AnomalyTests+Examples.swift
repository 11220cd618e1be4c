import AtomicStateClient
import AtomicStateProtocol
import Foundation
import SeededRandom
import Testing

// MARK: Double booking

extension AnomalyTests {
    /// Twenty clients want the same hour.
    @Test func oneOfTwentyGetsTheRoom() async throws {
        try await withExample("bookings") { server, client in
            try await openSite(client, rooms: ["blue"], hoursMax: 24)
            let attempts = try await concurrently(server, clientCount: 20, seed: 1) {
                client, number, _ in
                Attempt(
                    request: number,
                    outcome: try await client.submit(.booking("b\(number)", "blue", 9..<10)))
            }
            #expect(attempts.accepted().count == 1)
            #expect(attempts.rejections().count == 19)
            let first = try #require(attempts.accepted().first)
            for attempt in attempts {
                guard let rejection = attempt.rejection else { continue }
                #expect(
                    rejection.text == """
                        14 Slot.unique(room, start): another entity has the same values
                        Slot b\(attempt.request)/2100-05-01T09:00:00Z
                        self.room = blue
                        self.start = 2100-05-01T09:00:00Z
                        taken_by = b\(first)/2100-05-01T09:00:00Z
                        """)
            }
        }
    }

    private struct Interval: Sendable {
        let booking: String
        let room: String
        let hours: Range<Int>
    }

    /// Bookings of one to four hours in two rooms, some cancelled again: no two overlap, and every
    /// one that was refused met another one, or a full day.
    @Test(arguments: seeds) func overlappingBookings(seed: UInt64) async throws {
        try await withExample("bookings") { server, client in
            let hoursMax = 28
            try await openSite(client, rooms: ["blue", "red"], hoursMax: hoursMax)
            let perClient = try await concurrently(server, clientCount: 16, seed: seed) {
                client, number, random in
                var attempts: [Attempt<Interval>] = []
                var kept: [Interval] = []
                for count in 0..<8 {
                    let first = Int.random(in: 6..<20, using: &random)
                    let length = Int.random(in: 1...4, using: &random)
                    let interval = Interval(
                        booking: "b\(number)-\(count)",
                        room: Bool.random(using: &random) ? "blue" : "red",
                        hours: first..<(first + length))
                    let outcome = try await client.submit(
                        .booking(interval.booking, interval.room, interval.hours))
                    attempts.append(Attempt(request: interval, outcome: outcome))
                    guard outcome.isAccepted else { continue }
                    guard Int.random(in: 0..<3, using: &random) == 0 else {
                        kept.append(interval)
                        continue
                    }
                    let steps =
                        interval.hours.map { Transaction.Step.giveUp(interval.booking, $0) }
                        + [.call("cancel", ["booking": ArgumentValue(interval.booking)])]
                    #expect(try await client.submit(Transaction(steps: steps)).isAccepted)
                }
                return (attempts: attempts, kept: kept)
            }
            let kept = perClient.flatMap(\.kept)
            for (index, interval) in kept.enumerated() {
                for other in kept[..<index] where other.room == interval.room {
                    #expect(!other.hours.overlaps(interval.hours), "\(other) \(interval)")
                }
            }
            let hours = kept.map(\.hours.count).reduce(0, +)
            #expect(hours <= hoursMax)
            #expect(try await values(client, "Day", "may1")["hours_booked"] == "\(hours)")
            #expect(try await values(client, "Site", "berlin")["busiest_day"] == "\(hours)")
            let attempts = perClient.flatMap(\.attempts)
            for attempt in attempts {
                let exists =
                    try await client.get("Booking", keys: [attempt.request.booking])[0] != nil
                #expect(exists == kept.contains { $0.booking == attempt.request.booking })
                guard let rejection = attempt.rejection else { continue }
                #expect(["Slot.unique(room, start)", "staffed"].contains(rejection.rule))
                guard rejection.rule == "staffed" else { continue }
                #expect(rejection.limit == "\(hoursMax)")
                #expect(Int(rejection.value)! > hoursMax)
            }
            #expect(attempts.rejections().contains { $0.code == 14 })
        }
    }
}

// MARK: Negative stock

extension AnomalyTests {
    /// What an accepted transaction did to the stock.
    private struct StockChange: Sendable {
        var onHand = 0
        var reserved = 0
    }

    /// Reservations, confirmations, cancellations and sales of the same 60 pieces. Whoever looks, at
    /// any time, sees as many pieces as are reserved, or more.
    @Test(arguments: seeds) func stockIsNeverNegative(seed: UInt64) async throws {
        try await withExample("inventory") { server, client in
            try await expectAccepted(
                client, .call("open_warehouse", ["warehouse": "w", "capacity": 100]),
                .call("add_product", ["product": "p", "name": "Product"]),
                .call("add_stock", ["stock": "s", "warehouse": "w", "product": "p"]),
                .call("receive", ["stock": "s", "count": 60]))
            let readerCount = 2
            let perClient = try await concurrently(server, clientCount: 18, seed: seed) {
                client, number, random in
                guard number >= readerCount else {
                    for _ in 0..<100 {
                        let stock = try #require(try await client.get("Stock", keys: ["s"])[0])
                        let onHand = try #require(stock["on_hand"].flatMap { Int($0) })
                        let reserved = try #require(stock["reserved"].flatMap { Int($0) })
                        #expect(reserved >= 0 && reserved <= onHand)
                    }
                    return [Attempt<StockChange>]()
                }
                return try await Self.trade(client, number, &random)
            }
            let attempts = perClient.joined()
            let accepted = attempts.accepted()
            let onHand = 60 + accepted.map(\.onHand).reduce(0, +)
            let reserved = accepted.map(\.reserved).reduce(0, +)
            let stock = try await values(client, "Stock", "s")
            #expect(stock["on_hand"] == "\(onHand)")
            #expect(stock["reserved"] == "\(reserved)")
            #expect(reserved >= 0 && reserved <= onHand)
            let product = try await values(client, "Product", "p")
            #expect(product["on_hand"] == "\(onHand)")
            #expect(product["reserved"] == "\(reserved)")
            #expect(try await values(client, "Warehouse", "w")["stored"] == "\(onHand)")
            let rejections = attempts.rejections()
            #expect(!rejections.isEmpty)
            for rejection in rejections {
                #expect(["not_oversold", "not_negative"].contains(rejection.rule))
                let (value, limit) = (Int(rejection.value)!, Int(rejection.limit)!)
                #expect(rejection.rule == "not_negative" ? value < 0 : value > limit)
            }
        }
    }

    private static func trade(
        _ client: AtomicStateClient, _ number: Int, _ random: inout SeededGenerator
    ) async throws -> [Attempt<StockChange>] {
        var attempts: [Attempt<StockChange>] = []
        var open: [(key: ArgumentValue, quantity: Int)] = []
        for count in 0..<20 {
            let quantity = Int.random(in: 1...5, using: &random)
            let amount = ArgumentValue(quantity)
            switch Int.random(in: 0..<5, using: &random) {
            case 0:
                attempts.append(
                    Attempt(
                        request: StockChange(onHand: -quantity),
                        outcome: try await client.submit(
                            "remove", ["stock": "s", "count": amount])))
            case 1, 2:
                guard let reservation = open.popLast() else { continue }
                let isConfirmed = Bool.random(using: &random)
                let outcome = try await client.submit(
                    isConfirmed ? "confirm" : "cancel", ["reservation": reservation.key])
                #expect(outcome.isAccepted, "what is reserved is there")
                attempts.append(
                    Attempt(
                        request: StockChange(
                            onHand: isConfirmed ? -reservation.quantity : 0,
                            reserved: -reservation.quantity), outcome: outcome))
            default:
                let key = ArgumentValue("r\(number)-\(count)")
                let outcome = try await client.submit(
                    "reserve",
                    ["reservation": key, "stock": "s", "quantity": amount, "hold": "1h"])
                if outcome.isAccepted { open.append((key, quantity)) }
                attempts.append(
                    Attempt(request: StockChange(reserved: quantity), outcome: outcome))
            }
        }
        return attempts
    }
}

// MARK: Double entry

extension AnomalyTests {
    private struct Movement: Sendable {
        let debit: String
        let credit: String
        let debitCents: Int
        let creditCents: Int
        var isBalanced: Bool {
            debitCents == creditCents && debit.prefix(3) == credit.prefix(3)
        }
    }

    /// Postings between accounts of two currencies, every fifth of them not balanced. Whoever looks,
    /// at any time, sees no money that came from nowhere.
    @Test(arguments: seeds) func moneyIsConserved(seed: UInt64) async throws {
        try await withExample("ledger") { server, client in
            let accounts = [
                "EUR": (0..<4).map { "EUR-\($0)" }, "USD": (0..<4).map { "USD-\($0)" },
            ]
            let all = accounts.values.joined().sorted()
            try await openLedger(client, accounts)
            for account in all {
                try await expectAccepted(
                    client, "set_limits",
                    ["account": ArgumentValue(account), "least": "-30.00", "most": "30.00"])
            }
            let readerCount = 2
            let perClient = try await concurrently(server, clientCount: 14, seed: seed) {
                client, number, random in
                var attempts: [Attempt<Movement>] = []
                guard number >= readerCount else {
                    for _ in 0..<100 {
                        let balances = try await Self.cents(client, all)
                        #expect(balances.filter { $0.key < "F" }.values.reduce(0, +) == 0)
                        #expect(balances.filter { $0.key > "U" }.values.reduce(0, +) == 0)
                    }
                    return attempts
                }
                for count in 0..<25 {
                    let movement = Self.movement(&random)
                    let posting = "p\(number)-\(count)"
                    let outcome = try await client.submit(
                        Transaction(
                            .post(posting),
                            .debit(posting, movement.debit, Self.amount(movement.debitCents)),
                            .credit(posting, movement.credit, Self.amount(movement.creditCents))))
                    attempts.append(Attempt(request: movement, outcome: outcome))
                }
                return attempts
            }
            let attempts = perClient.joined()
            var expected = Dictionary(uniqueKeysWithValues: all.map { ($0, 0) })
            for movement in attempts.accepted() {
                #expect(movement.isBalanced)
                expected[movement.debit, default: 0] += movement.debitCents
                expected[movement.credit, default: 0] -= movement.creditCents
            }
            #expect(try await Self.cents(client, all) == expected)
            #expect(expected.values.allSatisfy { abs($0) <= 30_00 })
            for currency in ["EUR", "USD"] {
                #expect(try await values(client, "Currency", currency)["balance"] == "0.00")
            }
            let rules = Set(attempts.rejections().map(\.rule))
            #expect(rules == ["conserved", "not_too_low", "not_too_high"])
            for attempt in attempts where !attempt.request.isBalanced {
                #expect(attempt.rejection != nil)
            }
        }
    }

    private static func movement(_ random: inout SeededGenerator) -> Movement {
        let currency = Bool.random(using: &random) ? "EUR" : "USD"
        let debit = Int.random(in: 0..<4, using: &random)
        let credit = (debit + Int.random(in: 1..<4, using: &random)) % 4
        let cents = Int.random(in: 1...20_00, using: &random)
        var other = currency
        var otherCents = cents
        switch Int.random(in: 0..<10, using: &random) {
        case 0: other = currency == "EUR" ? "USD" : "EUR"
        case 1: otherCents += 1
        default: break
        }
        return Movement(
            debit: "\(currency)-\(debit)", credit: "\(other)-\(credit)", debitCents: cents,
            creditCents: otherCents)
    }

    private static func amount(_ cents: Int) -> ArgumentValue {
        "\(cents / 100).\(cents % 100 < 10 ? "0" : "")\(cents % 100)"
    }

    /// The balances of accounts, of one read.
    private static func cents(
        _ client: AtomicStateClient, _ accounts: [String]
    ) async throws -> [String: Int] {
        var cents: [String: Int] = [:]
        for (account, state) in zip(accounts, try await client.get("Account", keys: accounts)) {
            let balance = try #require(state?["balance"])
            let amount: Int = try #require(Int(balance.replacingOccurrences(of: ".", with: "")))
            cents[account] = amount
        }
        return cents
    }
}
