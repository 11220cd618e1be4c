import Testing

@testable import AtomicStateSchema

/// What may become of a schema, and what is refused because it would lose or reinterpret data.
@Suite struct SchemaChangeTests {
    /// A change to the schema below: the text that goes, and what comes in its place.
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let old: String
        let new: String
        /// Parts of the reasons, in order; none if the change is allowed.
        var reasons: [String] = []

        var testDescription: String { name }
    }

    private static let text = """
        schema: 1
        name: shop
        entities:
          Customer:
            key: uint64
            fields:
              name: { type: string, max_length: 20 }
              limit: { type: decimal, scale: 2, optional: true }
            derived:
              orders: { count: Order, by: customer }
            invariants:
              - { id: few, rule: self.orders < 100, message: too many }
          Order:
            key: string
            fields:
              customer: { ref: Customer }
              state: { type: enum, values: [open, paid, shipped], default: open }
              units: { type: int, default: 1 }
          Empty:
            key: string
            fields: { value: int }
        operations:
          add:
            parameters: { customer: uint64, name: string }
            require:
              - { id: named, rule: "name != ''" }
            effects: ['create Customer(customer) { name: name }']
        """

    static let allowedCases: [Case] = [
        Case(name: "nothing", old: "name: shop", new: "name: shop"),
        Case(name: "a type", old: "operations:", new: "  New: { key: uuid }\noperations:"),
        Case(
            name: "a field with a default", old: "      units:",
            new: "      place: { type: string, default: x }\n      units:"),
        Case(
            name: "an optional field", old: "      units:",
            new: "      place: { type: string, optional: true }\n      units:"),
        Case(name: "a longer text", old: "max_length: 20", new: "max_length: 30"),
        Case(name: "a shorter text, as the data may allow", old: "h: 20", new: "h: 10"),
        Case(
            name: "an optional field that was required", old: "h: 20", new: "h: 20, optional: true"),
        Case(
            name: "a required field that was optional, as the data may allow",
            old: ", optional: true", new: ", default: 0"),
        Case(name: "another default", old: "default: 1", new: "default: 2"),
        Case(name: "no default", old: "{ type: int, default: 1 }", new: "int"),
        Case(name: "a value more", old: "[open, paid", new: "[open, late, paid"),
        Case(
            name: "values in another order", old: "open, paid, shipped", new: "paid, shipped, open"),
        Case(
            name: "a value less, as the data may allow", old: "open, paid, shipped",
            new: "open, paid"),
        Case(name: "another rule", old: "< 100", new: "< 1"),
        Case(name: "no message", old: ", message: too many", new: ""),
        Case(name: "another requirement", old: "name != ''", new: "size(name) > 3"),
        Case(
            name: "a derived value less", old: "orders: { count: Order, by: customer }",
            new: "orders: { sum: Order.units, by: customer }"),
        Case(
            name: "a least value", old: "orders: { count: Order",
            new: "least: { min: Order.units, by: customer }\n      orders: { count: Order"),
        Case(
            name: "a type that is generic", old: "  Order:\n", new: "  Order:\n    generic: true\n"),
        Case(
            name: "a unique key of two fields", old: "  Order:\n",
            new: "  Order:\n    unique: [[customer, units]]\n"),
        Case(
            name: "a transaction invariant", old: "operations:",
            new:
                "transaction_invariants: [{ id: same, rule: delta(Order.units) == 0 }]\noperations:"
        ),
        Case(
            name: "an optional reference", old: "      state:",
            new: "      other: { ref: Empty, optional: true }\n      state:"),
        Case(name: "another operation", old: "  add:", new: "  add_customer:"),
        Case(
            name: "another parameter", old: "{ customer: uint64,",
            new: "{ extra: int, customer: uint64,"),
        Case(
            name: "a type without entities less",
            old: "  Empty:\n    key: string\n    fields: { value: int }\n", new: ""),
        Case(
            name: "a type without entities in another form",
            old: "  Empty:\n    key: string\n    fields: { value: int }\n",
            new: "  Empty:\n    key: uuid\n    fields: { value: bool, more: string }\n"),
    ]

    static let refusedCases: [Case] = [
        Case(
            name: "a type less", old: "  Order:", new: "  Purchase:",
            reasons: ["Order is not in the new schema"]),
        Case(
            name: "another key", old: "uint64", new: "uuid",
            reasons: ["the key of Customer would change from uint64 to uuid"]),
        Case(
            name: "a field less", old: "      units: { type: int, default: 1 }\n", new: "",
            reasons: ["Order.units is not in the new schema"]),
        Case(
            name: "a field under another name", old: "      units:", new: "      count:",
            reasons: ["Order.units is not in the new schema"]),
        Case(
            name: "a required field", old: "      units:", new: "      place: string\n      units:",
            reasons: ["Order.place is new"]),
        Case(
            name: "a reference", old: "      units:",
            new: "      buyer: { ref: Customer }\n      units:", reasons: ["Order.buyer is new"]),
        Case(
            name: "another type", old: "units: { type: int, default: 1 }",
            new: "units: { type: string, default: '' }",
            reasons: ["the type of Order.units would change from int to string"]),
        Case(
            name: "a decimal instead of an int", old: "units: { type: int",
            new: "units: { type: decimal, scale: 0",
            reasons: ["the type of Order.units would change from int to decimal"]),
        Case(
            name: "another scale", old: "scale: 2", new: "scale: 3",
            reasons: ["the scale of Customer.limit would change from 2 to 3"]),
        Case(
            name: "another target", old: "customer: { ref: Customer }\n      state",
            new: "customer: { ref: Customer }\n      copy: { ref: Order }\n      state",
            reasons: ["Order.copy is new"]),
        Case(
            name: "everything at once", old: "      units: { type: int, default: 1 }\n",
            new: "      x: int\n      y: int\n",
            reasons: ["Order.units is not", "Order.x is new", "Order.y is new"]),
    ]

    @Test(arguments: allowedCases) func allowed(_ change: Case) throws {
        let (old, new) = try schemas(change)
        _ = try SchemaChange(from: old, to: new, isPopulated: isPopulated)
    }

    @Test(arguments: refusedCases) func refused(_ change: Case) throws {
        let (old, new) = try schemas(change)
        let error = try #require(throws: SchemaChangeError.self) {
            try SchemaChange(from: old, to: new, isPopulated: isPopulated)
        }
        try #require(error.refusals.count == change.reasons.count, "\(error.refusals)")
        for (refusal, reason) in zip(error.refusals, change.reasons) {
            #expect(refusal.reason.hasPrefix(reason), "\(refusal)")
            #expect(!refusal.advice.isEmpty)
        }
    }

    @Test func anotherTarget() throws {
        let old = try Schema(parsing: Self.references(to: "A"))
        let new = try Schema(parsing: Self.references(to: "B"))
        let error = try #require(throws: SchemaChangeError.self) {
            try SchemaChange(from: old, to: new, isPopulated: { _ in true })
        }
        #expect(
            error.refusals.map(\.reason) == [
                "C.target would refer to B instead of A: its references would mean other entities"
            ])
    }

    /// The order in a file means nothing to the data.
    @Test func sourcesAreFoundByName() throws {
        let old = try Schema(parsing: Self.text)
        let new = try Schema(
            parsing: """
                schema: 1
                name: shop
                entities:
                  Empty: { key: string, fields: { value: int } }
                  Order:
                    key: string
                    fields:
                      place: { type: string, default: here }
                      units: { type: int, default: 1 }
                      state: { type: enum, values: [shipped, open], default: open }
                      note: { type: string, optional: true }
                      customer: { ref: Customer }
                  Customer:
                    key: uint64
                    fields:
                      limit: { type: decimal, scale: 2, optional: true }
                      name: { type: string, max_length: 20 }
                operations: {}
                """)
        let change = try SchemaChange(from: old, to: new, isPopulated: isPopulated)
        #expect(change.sources[0] == nil)
        #expect(change.sources[1]?.type == 1)
        #expect(change.sources[2]?.type == 0)
        #expect(
            change.sources[1]?.fields == [
                .constant(.string("here")), .field(2), .enumeration(1, indices: [1, nil, 0]),
                .absent, .field(0),
            ])
    }

    @Test func meaningIsWhatIsSaidAndNotWhere() throws {
        let meaning = try Schema(parsing: Self.text).meaning
        let moved = "# A comment.\n\n" + Self.text.replacing("name: shop", with: "name:  'shop' #")
        #expect(try Schema(parsing: moved).meaning == meaning)
        for change in Self.allowedCases.dropFirst() + Self.refusedCases {
            #expect(try schemas(change).new.meaning != meaning, "\(change.name)")
        }
    }

    /// Which operations a rule is for is a set, and sets have no order.
    @Test func meaningHasNoOrder() throws {
        let names = ["a", "b", "c", "d", "e"]
        let operations = names.map {
            "  \($0): { parameters: { t: uint64 }, effects: ['create T(t) {}'] }"
        }
        let text = """
            schema: 1
            name: sets
            entities:
              T: { key: uint64 }
            transaction_invariants:
              - { id: few, rule: delta(T) <= 1, only: [\(names.joined(separator: ", "))] }
            operations:
            \(operations.joined(separator: "\n"))
            """
        let meanings = try (0..<20).map { _ in try Schema(parsing: text).meaning }
        #expect(Set(meanings).count == 1)
        #expect(try Schema(parsing: text.replacing("[a, ", with: "[")).meaning != meanings[0])
    }

    private func schemas(_ change: Case) throws -> (old: Schema, new: Schema) {
        let text = Self.text.replacing(change.old, with: change.new)
        // A new type's name, wherever the type is referred to.
        let renamed =
            change.new == "  Purchase:"
            ? text.replacing("count: Order", with: "count: Purchase") : text
        return (try Schema(parsing: Self.text), try Schema(parsing: renamed))
    }

    private func isPopulated(_ type: Int) -> Bool { type < 2 }

    private static func references(to type: String) -> String {
        """
        schema: 1
        name: test
        entities:
          A: { key: uint64 }
          B: { key: uint64 }
          C: { key: uint64, fields: { target: { ref: \(type) } } }
        operations: {}
        """
    }
}

/// Whether transactions can be submitted under another schema.
@Suite struct TransactionChangeTests {
    private static let old = file(
        "act: { parameters: { a: { ref: A }, n: int, e: { type: enum, values: [x, y] } }, effects: ['a.n = n'] }"
    )

    private static func file(_ operations: String, key: String = "uint64") -> String {
        """
        schema: 1
        name: test
        entities:
          B: { key: uint64, fields: { n: int } }
          A: { key: \(key), fields: { n: int } }
        operations: { \(operations) }
        """
    }

    @Test func parametersAreFoundByName() throws {
        let change = try change(
            "other: { effects: [\"create B(1u) { n: 1 }\"] }, act: { parameters: { e: { type: enum, values: [y, z] }, n: int, a: { ref: A } }, effects: ['a.n = n'] }"
        )
        #expect(change.steps == [.operation(1)])
        #expect(change.arguments.map(\.parameter) == [2, 1, 0])
        #expect(change.arguments.map(\.indices) == [[nil, 0], nil, nil])
    }

    static let impossibleCases: [(operation: String, key: String, reason: String)] = [
        ("other: { effects: ['create B(1u) { n: 1 }'] }", "uint64", "has no operation act"),
        (
            "act: { parameters: { a: { ref: A }, n: int }, effects: ['a.n = n'] }", "uint64",
            "no parameter e"
        ),
        (
            "act: { parameters: { a: { ref: A }, n: int, m: int, e: { type: enum, values: [x, y] } }, effects: ['a.n = n'] }",
            "uint64", "parameter m is new"
        ),
        (
            "act: { parameters: { a: { ref: B }, n: int, e: { type: enum, values: [x, y] } }, effects: ['a.n = n'] }",
            "uint64", "parameter a has another type"
        ),
        (
            "act: { parameters: { a: { ref: A }, n: int, e: { type: enum, values: [x, y] } }, effects: ['a.n = n'] }",
            "uuid", "parameter a has another type"
        ),
        (
            "act: { parameters: { a: { ref: A }, n: string, e: { type: enum, values: [x, y] } }, effects: ['a.n = 1'] }",
            "uint64", "parameter n has another type"
        ),
    ]

    @Test(arguments: impossibleCases)
    func impossible(operation: String, key: String, reason: String) throws {
        let error = try #require(throws: TransactionChangeError.self) {
            try change(operation, key: key)
        }
        #expect(error.description.contains(reason), "\(error)")
    }

    private static let generic = """
        schema: 1
        name: test
        entities:
          A:
            key: uint64
            generic: true
            fields:
              n: { type: int, default: 0 }
              e: { type: enum, values: [x, y], default: x }
              b: { ref: A, optional: true }
        operations:
          act: { parameters: { n: int, a: { ref: A } }, effects: ['a.n = n'] }
        """

    private static let reordered = """
        schema: 1
        name: test
        entities:
          B: { key: uint64, generic: true, fields: { n: int } }
          A:
            key: uint64
            generic: true
            fields:
              e: { type: enum, values: [y, x], default: x }
              new: { type: int, default: 0 }
              b: { ref: A, optional: true }
              n: { type: int, default: 0 }
        operations:
          first: { effects: ['create B(1u) { n: 1 }'] }
          act: { parameters: { a: { ref: A }, n: int }, effects: ['a.n = n'] }
        """

    @Test func stepsAreFoundByName() throws {
        let steps: [TransactionStep] = [
            .create(type: 0, fields: [1, 0]),
            .operation(0),
            .update(
                type: 0,
                changes: [
                    .init(field: 2, kind: .clear), .init(field: 0, kind: .add),
                    .init(field: 1, kind: .set),
                ], expectsVersion: true),
            .delete(type: 0, expectsVersion: false),
        ]
        let change = try TransactionChange(
            of: steps, from: Schema(parsing: Self.generic), to: Schema(parsing: Self.reordered))
        #expect(
            change.steps == [
                .create(type: 1, fields: [0, 3]),
                .operation(1),
                .update(
                    type: 1,
                    changes: [
                        .init(field: 2, kind: .clear), .init(field: 3, kind: .add),
                        .init(field: 0, kind: .set),
                    ], expectsVersion: true),
                .delete(type: 1, expectsVersion: false),
            ])
        #expect(change.arguments.map(\.parameter) == [0, 1, 2, 4, 3, 5, 6, 7, 8, 9])
        #expect(
            change.arguments.map(\.indices)
                == [nil, [1, 0], nil, nil, nil, nil, nil, nil, [1, 0], nil])
    }

    @Test func stepsOnATypeThatIsNoLongerGeneric() throws {
        let new = Self.reordered.replacing("generic: true\n", with: "\n")
        let error = try #require(throws: TransactionChangeError.self) {
            try TransactionChange(
                of: [.delete(type: 0, expectsVersion: false)],
                from: Schema(parsing: Self.generic), to: Schema(parsing: new))
        }
        #expect(error.description.contains("'generic: true'"), "\(error)")
    }

    private func change(_ operations: String, key: String = "uint64") throws -> TransactionChange {
        let old = try Schema(parsing: Self.old)
        let new = try Schema(parsing: Self.file(operations, key: key))
        return try TransactionChange(of: [.operation(0)], from: old, to: new)
    }
}
