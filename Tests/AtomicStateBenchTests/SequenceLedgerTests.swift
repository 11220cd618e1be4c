import Testing

@testable import atomic_state_bench

@Suite struct SequenceLedgerTests {
    @Test func rangesInAnyOrderWithoutGapsAreFine() {
        var random = RandomStream(seed: 1, index: 0)
        for _ in 0..<200 {
            var ledger = SequenceLedger(lastSequence: 100)
            var ranges: [(first: UInt64, count: UInt64)] = []
            var next: UInt64 = 101
            for _ in 0..<20 {
                let count = 1 + random.next(below: 5)
                ranges.append((next, count))
                next += count
            }
            for range in ranges.shuffled(using: &random) {
                ledger.add(first: range.first, count: range.count)
            }
            #expect(ledger.differences(durableSequence: next - 1) == [])
        }
    }

    @Test func nothingAcknowledged() {
        #expect(SequenceLedger(lastSequence: 7).differences(durableSequence: 7) == [])
        #expect(
            SequenceLedger(lastSequence: 7).differences(durableSequence: 8)
                == ["the last acknowledged sequence is 7, the server's is 8"])
    }

    @Test func aGapIsFound() {
        var ledger = SequenceLedger(lastSequence: 0)
        ledger.add(first: 1, count: 2)
        ledger.add(first: 5, count: 2)
        #expect(
            ledger.differences(durableSequence: 6)
                == ["sequences 3 to 4 were never acknowledged"])
    }

    @Test func aLostTailIsFound() {
        var ledger = SequenceLedger(lastSequence: 0)
        ledger.add(first: 1, count: 4)
        #expect(
            ledger.differences(durableSequence: 2)
                == ["the last acknowledged sequence is 4, the server's is 2"])
    }

    @Test(arguments: [
        (1, 4), (1, 1), (4, 1), (4, 2), (2, 2), (8, 2), (9, 1), (5, 4), (10, 1), (7, 9),
    ])
    func overlapsAreFound(first: UInt64, count: UInt64) {
        var ledger = SequenceLedger(lastSequence: 0)
        ledger.add(first: 1, count: 4)
        ledger.add(first: 8, count: 3)
        ledger.add(first: first, count: count)
        ledger.add(first: 5, count: 3)
        #expect(ledger.differences(durableSequence: 10).contains { $0.hasSuffix("more than once") })
    }
}
