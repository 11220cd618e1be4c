import AtomicStateEngine
import AtomicStateProtocol
import AtomicStateSchema
import AtomicStateValues

/// The schema and the state that requests, records and images are read against.
enum Depot {
    static let text = """
        schema: 1
        name: depot
        entities:
          Site:
            key: string
            generic: true
            fields:
              cap: { type: int, default: 100 }
              code: { type: string, max_length: 6, optional: true }
              parent: { ref: Site, optional: true }
            derived:
              stock: { sum: Box.units, by: site }
              boxes: { count: Box, by: site, where: '!self.sealed' }
              oldest: { min: Box.since, by: site }
            unique: [code]
            invariants:
              - { id: cap_holds, rule: self.stock <= self.cap, message: '{self.stock} of {self.cap}' }
          Box:
            key: uint64
            generic: true
            fields:
              site: { ref: Site }
              units: { type: int, default: 1 }
              price: { type: decimal, scale: 2, optional: true }
              state: { type: enum, values: [open, packed, sent], default: open }
              sealed: { type: bool, default: false }
              since: { type: timestamp, optional: true }
              lasts: { type: duration, default: 1h }
              tag: { type: uuid, optional: true }
              photo: { type: bytes, max_length: 4, optional: true }
              label: { type: string, max_length: 12, default: box }
            unique: [tag]
            invariants:
              - { id: units_not_negative, rule: self.units >= 0 }
              - { id: sent_stays, rule: "oldSelf.state != 'sent' || self.state == 'sent'" }
              - { id: labelled, rule: size(self.label) > 0 }
          Token:
            key: uuid
            generic: true
            fields:
              box: { ref: Box, optional: true }
        operations:
          move:
            parameters: { from: { ref: Box }, to: { ref: Box }, units: int }
            require: [{ id: positive, rule: units > 0 }]
            effects: [from.units -= units, to.units += units]
          receive:
            parameters: { box: uint64, site: { ref: Site }, units: int, label: string, at: timestamp }
            effects: ['create Box(box) { site: site, units: units, label: label, since: at }']
          keep:
            parameters: { box: { ref: Box }, by: duration, photo: { type: bytes, max_length: 5 } }
            effects: [box.lasts += by, box.photo = photo, box.since = now]
          value:
            parameters: { box: { ref: Box }, price: { type: decimal, scale: 2 } }
            effects: [box.price = price]
          drop: { parameters: { box: { ref: Box } }, effects: [delete box] }
          stamp:
            parameters: { token: uuid, box: { ref: Box } }
            effects: ['create Token(token) { box: box }', box.tag = token]
        transaction_invariants:
          - { id: units_stay, rule: delta(Box.units) == 0, only: [move] }

        """

    static let compiled: CompiledSchema = {
        do throws(SchemaError) {
            return try CompiledSchema(text: text)
        } catch {
            preconditionFailure(error.rendered(file: "depot", source: text))
        }
    }()

    static let schemaVersion: UInt16 = 1

    /// The journal up to the state that inputs meet: two sites, three boxes, a token.
    static let journal = Array(ServedEngine.served(founding, isFirst: true).journal)

    static func engine() -> Engine {
        Engine(program: compiled.program, schemaVersion: schemaVersion)
    }

    // MARK: Requests

    private static let founding: [RequestBody] = [
        .submit(
            [
                Run(
                    steps: [.create(entity: 0, fields: [0])], transactionCount: 2,
                    arguments: [texts("east", "west"), Column(words: [50, 70])]),
                receipt([1, 2, 3], sites: ["east", "east", "west"]),
                Run(
                    operation: 5, transactionCount: 1,
                    arguments: [bytes(Array(1...16)), Column(words: [1])]),
            ], timeoutMilliseconds: 0)
    ]

    /// Requests of every kind, accepted and rejected ones.
    static let requests: [RequestBody] = [
        .submit([receipt([4, 5], sites: ["east", "nowhere"])], timeoutMilliseconds: 0),
        .submit(
            [
                Run(
                    operation: 0, transactionCount: 3,
                    arguments: [
                        Column(words: [1, 2, 9]), Column(words: [2, 3, 1]),
                        Column(words: [2, 0, 1]),
                    ]),
                Run(
                    operation: 3, transactionCount: 1,
                    arguments: [Column(words: [3]), Column(words: [.max])]),
            ], timeoutMilliseconds: 250),
        .submit(
            [
                Run(operation: 4, transactionCount: 1, arguments: [Column(words: [2])]),
                Run(operation: 4, transactionCount: 1, arguments: [Column(words: [1])]),
            ], isAtomic: true, timeoutMilliseconds: 0),
        .submit([stepRun, changeRun], timeoutMilliseconds: 0),
        .submit([keyedRun, keyedRun], timeoutMilliseconds: 0, name: name(1)),
        .submit([keyedRun], isAtomic: true, timeoutMilliseconds: 0, name: name(2)),
        .submit(
            [
                Run(
                    operation: 2, transactionCount: 2,
                    arguments: [Column(words: [1, 3]), times(60, -7200), texts("png", "toobig")])
            ], timeoutMilliseconds: 0),
        .get(entity: 0, keys: texts("east", "nowhere", "west")),
        .get(entity: 1, keys: Column(words: [1, 2, 77])),
        .get(entity: 2, keys: bytes(Array(1...16))),
        .describe, .health, .ping, .hello(client: "again", schemaFingerprint: ""),
    ]

    static let hello = RequestBody.hello(client: "a client", schemaFingerprint: "")

    private static let stepRun = Run(
        steps: [
            .create(entity: 1, fields: [0, 2, 7, 5, 9]), .operation(0),
            .delete(entity: 2, expectsVersion: false),
        ], transactionCount: 1,
        arguments: [
            Column(words: [6]), texts("west"), Column(words: [1250]), bytes(Array(21...36)),
            times(1_234_567_890), texts("é"), Column(words: [6]), Column(words: [1]),
            Column(words: [1]), bytes(Array(1...16)),
        ])

    /// Accepted, rejected, and accepted before.
    private static let keyedRun: Run = {
        var run = receipt([7, 1, 7], sites: ["west", "west", "west"])
        run.idempotencyKeys = [1, 2, 1].map { IdempotencyKey(milliseconds: now, high: 5, low: $0) }
        return run
    }()

    private static let now = ServedEngine.wallMicroseconds / 1_000

    private static func name(_ number: UInt64) -> BatchName {
        BatchName(producer: 77, number: number, sentMilliseconds: now)
    }

    private static let changeRun = Run(
        steps: [
            .update(
                entity: 1,
                changes: [
                    .init(field: 1, kind: .add), .init(field: 3, kind: .set),
                    .init(field: 2, kind: .clear),
                ], expectsVersion: true),
            .update(
                entity: 0, changes: [.init(field: 1, kind: .set), .init(field: 2, kind: .set)],
                expectsVersion: false),
        ], transactionCount: 1,
        arguments: [
            Column(words: [2]), Column(words: [4]), Column(words: [3]), Column(words: [1]),
            texts("west"), texts("w1"), texts("east"),
        ])

    private static func receipt(_ boxes: [UInt64], sites: [String]) -> Run {
        Run(
            operation: 1, transactionCount: boxes.count,
            arguments: [
                Column(words: boxes), texts(sites), Column(words: boxes.map { $0 * 4 }),
                texts(boxes.map { "box \($0)" }), times(boxes.map { Int64($0) * 1_000 }),
            ])
    }

    static func texts(_ values: String...) -> Column { texts(values) }

    private static func texts(_ values: [String]) -> Column {
        var column = Column()
        for value in values { column.append(value) }
        return column
    }

    private static func bytes(_ value: [UInt8]) -> Column {
        var column = Column()
        column.append(bytes: value)
        return column
    }

    private static func times(_ seconds: Int64...) -> Column { times(seconds) }

    private static func times(_ seconds: [Int64]) -> Column {
        var column = Column()
        for second in seconds { column.append(seconds: second, nanoseconds: 5) }
        return column
    }
}
