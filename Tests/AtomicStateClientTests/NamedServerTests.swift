import AtomicStateProtocol
import NIOCore
import NIOPosix
import Testing

@testable import AtomicStateClient

/// A server whose name has several addresses, of which one is served.
@Suite(.timeLimit(.minutes(1))) struct NamedServerTests {
    /// As with `localhost` and a server that listens on 127.0.0.1 alone.
    @Test func theNextAddressIsTriedWhereOneRefuses() async throws {
        let server = try await ScriptedServer { _ in .respond(.pong) }
        let greeting = try await greeting(of: server, v6: [.init(host: "::1")], v4: [.init()])
        #expect(greeting.server == "scripted")
    }

    /// Nobody answers at the first one (a queue of connections that is full); the second is tried meanwhile.
    @Test func theNextAddressIsTriedWhereOneIsSilent() async throws {
        let silent = try await SilentServer()
        let server = try await ScriptedServer { _ in .respond(.pong) }
        let greeting = try await greeting(
            of: server, v6: [.init(port: silent.port)], v4: [.init()])
        #expect(greeting.server == "scripted")
        try await silent.close()
    }

    private func greeting(
        of server: ScriptedServer, v6: [Address], v4: [Address]
    ) async throws -> ServerGreeting {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        func addresses(_ list: [Address]) throws -> [SocketAddress] {
            try list.map {
                try SocketAddress(ipAddress: $0.host, port: $0.port ?? server.address.port)
            }
        }
        let resolver = FixedResolver(
            eventLoop: eventLoop, v6: try addresses(v6), v4: try addresses(v4))
        let connection = Connection(on: eventLoop)
        let greeting = try await connection.open(
            to: ServerAddress(host: "database", port: server.address.port), client: "test",
            schemaFingerprint: "", timeout: .seconds(5), patience: .seconds(5), resolver: resolver)
        await connection.close()
        return greeting
    }

    private struct Address {
        var host = "127.0.0.1"
        /// Of another server than the one that is meant.
        var port: Int?
    }
}

private struct FixedResolver: Resolver, Sendable {
    let eventLoop: any EventLoop
    let v6: [SocketAddress]
    let v4: [SocketAddress]

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        eventLoop.makeSucceededFuture(v4)
    }

    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        eventLoop.makeSucceededFuture(v6)
    }

    func cancelQueries() {}
}

/// Takes one connection, of its own, and answers nobody else.
private struct SilentServer {
    private let listener: any Channel
    private let client: any Channel

    init() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 0)
            .serverChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0).get()
        client = try await ClientBootstrap(group: group)
            .connect(host: "127.0.0.1", port: listener.localAddress?.port ?? 0).get()
    }

    var port: Int { listener.localAddress?.port ?? 0 }

    func close() async throws {
        try await client.close()
        try await listener.close()
    }
}
