import NIOCore
import NIOEmbedded
import Testing

@testable import AtomicStateServer

/// Peers that take too long are ended, unless it is the event loop that stood still.
@Suite struct OverdueTests {
    @Test func aLookThatComesLateIsNotTaken() throws {
        let time = SimulatedTime()
        let server = try SimulatedServer(time.clock)
        let connection = Connection(eventLoop: server.loop, service: server.service)
        let channel = EmbeddedChannel(handler: connection, loop: server.loop)
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/overdue")).wait()
        let limits = PeerTimes.Limits(peerSeconds: 30, idleSeconds: 0)

        time.advance(by: 31_000_000_000)
        let asked = time.clock.monotonicNanoseconds
        time.advance(by: ServerLimits.lateNanosecondsMax + 1)
        connection.endIfOverdue(limits, now: asked)
        #expect(!connection.isClosing)

        connection.endIfOverdue(limits, now: time.clock.monotonicNanoseconds)
        #expect(connection.isClosing)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }
}
