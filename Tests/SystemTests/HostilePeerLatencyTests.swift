import AtomicStateClient
import AtomicStateProtocol
import Foundation
import Glibc
import SeededRandom
import Synchronization
import Testing

/// Another client's latency while a hostile one does its worst.
///
/// The attackers share the machine's cores with the server and the client that is timed, and other tests
/// run at the same time: the factor is for what the server does, and the constant for the machine.
@Suite(.serialized) struct HostilePeerLatencyTests {
    private static let factorMax = 30.0
    private static let millisecondsMax = 3_000.0

    struct Assault: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let threadCount: Int
        /// What one thread does again and again: its number, the round, the client port, the admin port.
        let round: @Sendable (Int, Int, Int, Int) -> Void
    }

    static let assaults = [
        Assault(testDescription: "connects and disconnects", threadCount: 2) { _, _, port, _ in
            _ = try? RawConnection(port: port)
        },
        Assault(testDescription: "bytes that are no frame", threadCount: 2) { _, _, port, _ in
            guard let raw = try? RawConnection(port: port) else { return }
            raw.send(Array(repeating: 9, count: 1 << 10))
            _ = raw.receiveRest()
        },
        Assault(testDescription: "hellos", threadCount: 2) { _, _, port, _ in
            guard let raw = try? RawConnection(port: port) else { return }
            try? raw.greet()
        },
        Assault(testDescription: "batches, and no wait for the answer", threadCount: 2) {
            _, _, port, _ in
            guard let raw = try? RawConnection(port: port) else { return }
            raw.send(
                RawConnection.frame(.hello(client: "raw", schemaFingerprint: "")) + largeBatch)
        },
        Assault(testDescription: "the largest batches, as many as may be", threadCount: 8) {
            _, _, port, _ in
            exchange(port, Array(repeating: largeBatch, count: 8), 8)
        },
        Assault(testDescription: "small batches, as many as may be", threadCount: 4) {
            _, _, port, _ in
            let batch = HostilePeer.submit(HostilePeer.deposits(10, account: 2))
            exchange(port, Array(repeating: batch, count: 1_000), 64)
        },
        Assault(testDescription: "sequences of steps that are always new", threadCount: 4) {
            number, round, port, _ in
            exchange(port, [newSequences(seed: UInt64(number << 32 + round))], 1)
        },
        Assault(testDescription: "batches of tens of thousands of runs", threadCount: 2) {
            _, _, port, _ in
            exchange(port, Array(repeating: manyRuns, count: 4), 2)
        },
        Assault(testDescription: "health reports, asked for in bulk", threadCount: 2) {
            _, _, port, _ in
            exchange(port, Array(repeating: RawConnection.frame(.health), count: 5_000), 1_000)
        },
        Assault(testDescription: "answers that are not read", threadCount: 4) { _, _, port, _ in
            guard let raw = try? RawConnection(port: port) else { return }
            raw.send(RawConnection.frame(.hello(client: "raw", schemaFingerprint: "")))
            let frames = Array(repeating: RawConnection.frame(.describe), count: 10_000).flatMap {
                $0
            }
            for _ in 0..<20 where raw.offer(frames[...]) != nil { usleep(10_000) }
        },
        Assault(testDescription: "messages of 4 MiB that mean nothing", threadCount: 2) {
            _, _, port, _ in
            guard let raw = try? RawConnection(port: port) else { return }
            try? raw.greet()
            raw.send(emptyRuns)
            _ = raw.receiveRest()
        },
        Assault(testDescription: "scrapes of the admin port", threadCount: 3) {
            _, _, _, adminPort in
            guard let raw = try? RawConnection(port: adminPort) else { return }
            raw.send(Array("GET /statusz HTTP/1.1\r\n\r\n".utf8))
            _ = raw.receiveRest()
        },
    ]

    static let largeBatch = HostilePeer.submit(
        HostilePeer.deposits(ProtocolLimits.batchTransactionCountMax, account: 2))

    static let manyRuns = RawConnection.frame(
        .submit(
            Array(repeating: HostilePeer.deposits(1, account: 2), count: 60_000),
            timeoutMilliseconds: 0))

    static let emptyRuns = HostilePeer.frame(
        HostilePeer.field(
            3, Array(repeating: [0x0A, 0x00] as [UInt8], count: 2_000_000).flatMap { $0 }))

    /// Sends the requests and reads every answer, with no more than so many on their way.
    static func exchange(_ port: Int, _ frames: [[UInt8]], _ window: Int) {
        guard let raw = try? RawConnection(port: port), (try? raw.greet()) != nil else { return }
        for (index, frame) in frames.enumerated() {
            if index >= window { _ = try? raw.receive() }
            guard raw.send(frame) else { return }
        }
        for _ in 0..<min(window, frames.count) { _ = try? raw.receive() }
    }

    /// A batch of as many new sequences as one may have, each of 16 calls that change no balance.
    static func newSequences(seed: UInt64) -> [UInt8] {
        var random = SeededGenerator(state: seed)
        let runs = (0..<64).map { _ in
            let calls = (0..<16).map { _ in [1, 2, 5].randomElement(using: &random) ?? 1 }
            return Run(
                steps: calls.map { .operation($0) }, transactionCount: 1,
                arguments: calls.flatMap { _ in [Column(words: [3]), Column(words: [1])] })
        }
        return RawConnection.frame(.submit(runs, timeoutMilliseconds: 0))
    }

    @Test(arguments: assaults) func anotherClientIsServedDuring(_ assault: Assault) async throws {
        try await HostilePeer.withBank { server, bystander in
            let calm = try await latencies(of: bystander)
            let attack = Attack()
            let (port, adminPort) = (server.address.port, server.adminPort)
            attack.start(threadCount: assault.threadCount) { number, round in
                assault.round(number, round, port, adminPort)
            }
            let attacked: Latencies
            do {
                try await Task.sleep(for: .milliseconds(100))
                attacked = try await latencies(of: bystander)
            } catch {
                try await attack.stop()
                throw error
            }
            try await attack.stop()
            #expect(attack.roundCount.load(ordering: .relaxed) > 0)
            if HostilePeer.secondsAskedFor != nil {
                print(
                    "tried \(assault.testDescription): calm \(calm), attacked \(attacked), "
                        + "\(attack.roundCount.load(ordering: .relaxed)) rounds")
            }
            let bound = max(Self.factorMax * calm.p99, Self.millisecondsMax)
            #expect(attacked.p99 <= bound, "calm \(calm), attacked \(attacked)")
        }
    }

    struct Latencies: CustomStringConvertible {
        let count: Int
        let p50: Double
        let p99: Double
        let max: Double

        var description: String {
            String(
                format: "%d: p50 %.2f ms, p99 %.2f ms, max %.2f ms", count, p50, p99, self.max)
        }
    }

    /// One transaction after the other, for the time of an attack, and not fewer than 20.
    private func latencies(of client: AtomicStateClient) async throws -> Latencies {
        var milliseconds: [Double] = []
        let begin = ContinuousClock.now
        while begin.duration(to: .now) < .milliseconds(HostilePeer.attackMilliseconds)
            || milliseconds.count < 20
        {
            let start = ContinuousClock.now
            let reply = try await client.submit([HostilePeer.deposits(1)])
            #expect(reply.acceptedCount == 1)
            milliseconds.append(start.duration(to: .now) / .milliseconds(1))
        }
        milliseconds.sort()
        return Latencies(
            count: milliseconds.count, p50: milliseconds[milliseconds.count / 2],
            p99: milliseconds[milliseconds.count * 99 / 100],
            max: milliseconds[milliseconds.count - 1])
    }
}
