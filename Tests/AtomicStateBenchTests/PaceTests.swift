import NIOPosix
import Testing

@testable import atomic_state_bench

@Suite struct PaceTests {
    private let eventLoop = MultiThreadedEventLoopGroup.singleton.next()

    /// A server that stood still until the end would otherwise have had nobody to keep waiting.
    @Test func whatWasDueBeforeTheEndIsSentAfterIt() async throws {
        let start = ContinuousClock.now - .seconds(10)
        let pace = Pace(start: start, duration: .seconds(1), batchesPerSecond: 100)
        for index in 0..<100 {
            let next = try await pace.nextStart(on: eventLoop)
            #expect(next == start + .milliseconds(10) * index)
        }
        #expect(try await pace.nextStart(on: eventLoop) == nil)
    }

    @Test func nothingIsSentBeforeItIsDue() async throws {
        let pace = Pace(start: .now, duration: .milliseconds(50), batchesPerSecond: 100)
        while let next = try await pace.nextStart(on: eventLoop) { #expect(next <= .now) }
    }

    @Test func aClosedLoopEndsInTime() async throws {
        let start = ContinuousClock.now
        let running = Pace(start: start, duration: .seconds(60), batchesPerSecond: nil)
        let next = try #require(try await running.nextStart(on: eventLoop))
        #expect((start...ContinuousClock.now).contains(next))
        let ended = Pace(start: start - .seconds(1), duration: .seconds(1), batchesPerSecond: nil)
        #expect(try await ended.nextStart(on: eventLoop) == nil)
    }

    @Test(arguments: [100, nil])
    func nothingIsSentOnceItWasStopped(batchesPerSecond: Double?) async throws {
        let pace = Pace(start: .now, duration: .seconds(60), batchesPerSecond: batchesPerSecond)
        pace.stop()
        #expect(try await pace.nextStart(on: eventLoop) == nil)
    }
}
