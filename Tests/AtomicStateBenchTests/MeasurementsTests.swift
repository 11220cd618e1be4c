import AtomicStateProtocol
import Testing

@testable import atomic_state_bench

@Suite struct MeasurementsTests {
    private let reply = SubmitReply(firstSequence: 1, acceptedCount: 10, rejections: [])

    @Test func anIntervalHasOnlyWhatCameSinceTheOneBefore() {
        let measurements = Measurements(start: .now - .seconds(10))
        measurements.add(reply, latency: .milliseconds(1))
        let first = measurements.endInterval()
        measurements.add(reply, latency: .milliseconds(100))
        let second = measurements.endInterval()
        #expect(first.latencies.map { $0.maximum < 2 } == true)
        #expect(second.latencies.map { $0.median > 50 } == true)
        #expect((0.5...1).contains(first.itemsPerSecond))
        #expect(first.endSeconds >= 10 && second.endSeconds >= first.endSeconds)
        #expect(measurements.counts.accepted == 20)
        #expect(measurements.latencies.maximum > 50)
        #expect(measurements.intervals.count == 2)
    }

    @Test func anIntervalWithoutBatchesHasNoLatency() {
        let measurements = Measurements(start: .now - .seconds(1))
        #expect(measurements.endInterval().latencies == nil)
    }
}
