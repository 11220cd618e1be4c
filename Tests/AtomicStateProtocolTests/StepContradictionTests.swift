import Testing

@testable import AtomicStateProtocol

/// Steps that are beyond a limit, or that make no sense.
@Suite struct StepContradictionTests {
    private static let deletion = Step.delete(entity: 0, expectsVersion: false)
    private static let change = Step.FieldChange(field: 0, kind: .set)

    @Test func theMostOfEverythingIsDecoded() throws {
        let steps =
            Array(repeating: Self.deletion, count: 14) + [
                .create(entity: 0, fields: Array(0..<64)),
                .update(
                    entity: 0, changes: Array(repeating: Self.change, count: 64),
                    expectsVersion: true),
            ]
        let request = try decodeRequest(bytes(of: steps, columnCount: 256))
        guard case .submit(let submit) = request.body else {
            Issue.record("\(request.body)")
            return
        }
        #expect(submit.runs.map(\.steps) == [steps])
        #expect(submit.runs.map(\.columns.count) == [256])
    }

    @Test(
        arguments: [
            (Array(repeating: deletion, count: 17), 1, "run 0: 17 steps: expected at most 16"),
            ([deletion], 257, "run 0: 257 columns: expected at most 256"),
            ([], 300, "run 0: 300 columns: expected at most 256"),
            (
                [deletion, .create(entity: 0, fields: Array(0..<65))], 1,
                "run 0, step 1: 65 fields: expected at most 64"
            ),
            (
                [
                    .update(
                        entity: 0, changes: Array(repeating: change, count: 100),
                        expectsVersion: false)
                ], 1, "run 0, step 0: 100 changes: expected at most 64"
            ),
        ] as [([Step], Int, String)])
    func aBrokenLimitIsNamed(steps: [Step], columnCount: Int, message: String) {
        let status = #expect(throws: Status.self) {
            try decodeRequest(bytes(of: steps, columnCount: columnCount))
        }
        #expect(status == Status(.resourceExhausted, message))
    }

    @Test func anOperationBesidesStepsIsRefused() {
        var run = Run(
            steps: [Self.deletion, Self.deletion], transactionCount: 1,
            arguments: [Column(words: [1])])
        run.operation = 3
        let status = #expect(throws: Status.self) {
            try decodeRequest(Samples.bytes(of: .submit([run], timeoutMilliseconds: 0)))
        }
        #expect(
            status
                == Status(
                    .invalidArgument,
                    "run 0: operation 3 and 2 steps: expected one or the other"))
    }

    /// https://protobuf.dev/programming-guides/encoding/: a step without parts, and one whose only part
    /// is field 15; changes without a kind and of kind 7.
    @Test(
        arguments: [
            (
                [],
                "run 0, step 0: a step of no known kind: expected operation, create, update or delete"
            ),
            (
                [0x7A, 0x00],
                "run 0, step 0: a step of no known kind: expected operation, create, update or delete"
            ),
            (
                [0x1A, 0x02, 0x12, 0x00],
                "run 0, step 0, change 0: a change of kind 0: expected set, add or clear"
            ),
            (
                [0x1A, 0x04, 0x12, 0x02, 0x10, 0x07],
                "run 0, step 0, change 0: a change of kind 7: expected set, add or clear"
            ),
        ] as [([UInt8], String)])
    func anUnknownKindIsRefused(step: [UInt8], message: String) {
        let run = [0x10, 0x01, 0x22, UInt8(step.count)] + step
        let submit = [0x0A, UInt8(run.count)] + run
        let status = #expect(throws: Status.self) {
            try decodeRequest([0x1A, UInt8(submit.count)] + submit)
        }
        #expect(status == Status(.unimplemented, message))
    }

    private func bytes(of steps: [Step], columnCount: Int) -> [UInt8] {
        let columns = Array(repeating: Column(words: [1]), count: columnCount)
        let run = Run(steps: steps, transactionCount: 1, arguments: columns)
        return Samples.bytes(of: .submit([run], timeoutMilliseconds: 0))
    }
}
