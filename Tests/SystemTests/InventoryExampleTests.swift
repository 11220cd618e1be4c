import AtomicStateClient
import AtomicStateProtocol
import Foundation
import Testing

/// examples/inventory.yaml, as its comments promise it.
@Suite struct InventoryExampleTests {
    @Test func whatIsReservedIsThere() async throws {
        try await withInventory(onHand: 10) { client in
            try await expectAccepted(client, Self.reservation("r1", quantity: 8))
            try await expectRejected(
                client, Self.reservation("r2", quantity: 3),
                as: """
                    1 not_oversold: 11 pieces would be reserved, and 10 are there
                    Stock north
                    self.reserved = 8 → 11
                    self.on_hand = 10
                    11 against 10
                    """)
            let taken = """
                1 not_oversold: 8 pieces would be reserved, and 7 are there
                Stock north
                self.reserved = 8
                self.on_hand = 10 → 7
                8 against 7
                """
            try await expectRejected(
                client, .call("remove", ["stock": "north", "count": 3]), as: taken)
            try await expectRejected(
                client, .call("move", ["from": "north", "to": "south", "count": 3]), as: taken)
            try await expectAccepted(client, "remove", ["stock": "north", "count": 2])
            try await expectAccepted(client, "confirm", ["reservation": "r1"])
            let stock = try await values(client, "Stock", "north")
            #expect(stock["on_hand"] == "0")
            #expect(stock["reserved"] == "0")
            try await expectRejected(
                client, .call("remove", ["stock": "north", "count": 1]),
                as: """
                    1 not_negative: there can't be -1 pieces
                    Stock north
                    self.on_hand = 0 → -1
                    -1 against 0
                    """)
        }
    }

    @Test func aReservationEndsOnce() async throws {
        try await withInventory(onHand: 10) { client in
            let ends = ["confirm", "cancel"]
            for end in ends {
                let key = ArgumentValue(end)
                try await expectAccepted(client, Self.reservation(key, quantity: 1))
                try await expectAccepted(client, end, ["reservation": key])
                for again in ends {
                    try await expectRejected(
                        client, .call(again, ["reservation": key]),
                        as: """
                            1 ends_once: the reservation is \(end == "confirm" ? "confirmed" : "cancelled") already
                            Reservation \(end)
                            oldSelf.state = \(end == "confirm" ? "confirmed" : "cancelled")
                            """)
                }
            }
            let stock = try await values(client, "Stock", "north")
            #expect(stock["on_hand"] == "9")
            try await expectRejected(
                client, Self.reservation("none", quantity: 0),
                as: """
                    1 some_quantity: a reservation is of at least one piece
                    Reservation none
                    self.quantity = 0
                    0 against 1
                    """)
        }
    }

    /// Not before its time, and then by anyone; in between it is neither confirmed nor gone.
    @Test func expiry() async throws {
        try await withInventory(onHand: 10) { client in
            try await expectAccepted(client, Self.reservation("long", quantity: 6, hold: "1h"))
            try await expectAccepted(client, Self.reservation("short", quantity: 4, hold: "50ms"))
            let early = try await rejection(client, "expire", ["reservation": "long"])
            let until = try #require(try await values(client, "Reservation", "long")["expires"])
            #expect(early.rule == "over")
            #expect(early.message == "the reservation holds until \(until ?? "")")
            #expect(early.observations.map(\.name) == ["now", "reservation.expires"])
            #expect(early.limit == until)

            let shortUntil = try await values(client, "Reservation", "short")["expires"]
            #expect(try await values(client, "Stock", "north")["next_expiry"] == shortUntil)
            try await Task.sleep(for: .milliseconds(100))
            let late = try await rejection(client, "confirm", ["reservation": "short"])
            #expect(late.rule == "in_time")
            #expect(late.code == 2)
            #expect(try await values(client, "Stock", "north")["reserved"] == "10")
            try await expectRejected(
                client, Self.reservation("next", quantity: 4),
                as: """
                    1 not_oversold: 14 pieces would be reserved, and 10 are there
                    Stock north
                    self.reserved = 10 → 14
                    self.on_hand = 10
                    14 against 10
                    """)
            try await expectAccepted(
                client, .call("expire", ["reservation": "short"]),
                Self.reservation("next", quantity: 4))
            #expect(try await values(client, "Stock", "north")["reserved"] == "10")
            #expect(try await values(client, "Stock", "north")["next_expiry"] != shortUntil)
            try await expectRejected(
                client, Self.reservation("forever", quantity: 1, hold: "25h"),
                as: """
                    2 a_day_at_most: goods are held for up to 24 hours
                    hold = 90000s
                    """)
        }
    }

    @Test func placesAndMoves() async throws {
        try await withInventory(onHand: 10) { client in
            try await expectRejected(
                client,
                .call("add_stock", ["stock": "x", "warehouse": "hamburg", "product": "lamp"]),
                as: """
                    14 Stock.unique(warehouse, product): another entity has the same values
                    Stock x
                    self.warehouse = hamburg
                    self.product = lamp
                    taken_by = north
                    """)
            try await expectRejected(
                client, .call("move", ["from": "north", "to": "south", "count": 6]),
                as: """
                    1 room_left: the warehouse has room for 5 pieces, and 6 would be in it
                    Warehouse munich
                    self.stored = 0 → 6
                    self.capacity = 5
                    6 against 5
                    """)
            try await expectRejected(
                client, .call("move", ["from": "north", "to": "south", "count": 5]),
                .call("remove", ["stock": "south", "count": 1]),
                as: """
                    1 nothing_gets_lost: a move would change the number of pieces by -1
                    delta(Stock.on_hand) = -1
                    """)
            try await expectAccepted(client, "add_product", ["product": "chair", "name": "Chair"])
            try await expectAccepted(
                client, "add_stock",
                ["stock": "chairs", "warehouse": "munich", "product": "chair"])
            let differs = try await rejection(
                client, "move", ["from": "north", "to": "chairs", "count": 1])
            #expect(differs.rule == "same_product")
            try await expectAccepted(
                client, "move", ["from": "north", "to": "south", "count": 5])
            try await expectAccepted(client, Self.reservation("r", quantity: 2))
            let product = try await values(client, "Product", "lamp")
            #expect(product == ["name": "Lamp", "on_hand": "10", "reserved": "2"])
        }
    }

    private static func reservation(
        _ key: ArgumentValue, quantity: Int, hold: ArgumentValue = "1h"
    ) -> Transaction.Step {
        .call(
            "reserve",
            [
                "reservation": key, "stock": "north", "quantity": ArgumentValue(quantity),
                "hold": hold,
            ])
    }

    /// Lamps in the warehouses of Hamburg and Munich; all of them are in Hamburg.
    private func withInventory(
        onHand: Int, _ body: (AtomicStateClient) async throws -> Void
    ) async throws {
        try await withExample("inventory") { _, client in
            try await expectAccepted(client, "add_product", ["product": "lamp", "name": "Lamp"])
            let places = [("north", "hamburg", 1_000), ("south", "munich", 5)]
            for (stock, warehouse, capacity) in places {
                try await expectAccepted(
                    client,
                    .call(
                        "open_warehouse",
                        [
                            "warehouse": ArgumentValue(warehouse),
                            "capacity": ArgumentValue(capacity),
                        ]),
                    .call(
                        "add_stock",
                        [
                            "stock": ArgumentValue(stock), "warehouse": ArgumentValue(warehouse),
                            "product": "lamp",
                        ]))
            }
            try await expectAccepted(
                client, "receive", ["stock": "north", "count": ArgumentValue(onHand)])
            try await body(client)
        }
    }
}
