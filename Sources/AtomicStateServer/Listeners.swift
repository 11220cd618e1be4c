internal import Glibc
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Opens the server's two ports.
enum Listeners {
    /// Large enough for a batch of thousands to arrive in one read or two. A connection begins with little,
    /// because it keeps the memory of its reads.
    private static let readByteCountMax = 512 << 10
    private static let backlog: Int32 = 1_024

    static func clients(
        on address: Configuration.Address, group: any EventLoopGroup, service: RequestService,
        logger: Logger
    ) async throws -> any Channel {
        let bootstrap = bootstrap(group, logger)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // The connection asks for each read, so that a full queue stops them.
            .childChannelOption(.autoRead, value: false)
            // Writable is what has sent all: a connection gives its channel one part of its answers at a time.
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 1, high: 1))
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 4_096, initial: 4_096, maximum: readByteCountMax)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Connection(eventLoop: channel.eventLoop, service: service))
                }
            }
        return try await listen(keepingAlive(bootstrap), on: address)
    }

    private static func bootstrap(
        _ group: any EventLoopGroup, _ logger: Logger
    ) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(logger: logger))
                }
            }
    }

    /// A peer that is gone without a word is found out by the system: tcp(7).
    private static func keepingAlive(_ bootstrap: ServerBootstrap) -> ServerBootstrap {
        let seconds = [
            (TCP_KEEPIDLE, ServerLimits.keepAliveIdleSeconds),
            (TCP_KEEPINTVL, ServerLimits.keepAliveIntervalSeconds),
            (TCP_KEEPCNT, ServerLimits.keepAliveProbeCount),
        ]
        return seconds.reduce(bootstrap.childChannelOption(.socketOption(.so_keepalive), value: 1))
        {
            $0.childChannelOption(
                .tcpOption(NIOBSDSocket.Option(rawValue: $1.0)), value: $1.1)
        }
    }

    /// Finds out early whether clients can be listened for: a start may take long, and change the data's schema
    /// for good.
    static func checkClients(
        on address: Configuration.Address, group: any EventLoopGroup, logger: Logger
    ) async throws {
        try await listen(bootstrap(group, logger), on: address).close()
    }

    static func admin(
        on address: Configuration.Address, group: any EventLoopGroup, site: AdminSite,
        statistics: Statistics, logger: Logger
    ) async throws -> any Channel {
        let openCount = AdminConnectionCount()
        let bootstrap = bootstrap(group, logger)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AdminGuard(statistics: statistics, openCount: openCount))
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(AdminHandler(site: site))
                }
            }
        return try await listen(bootstrap, on: address)
    }

    private static func listen(
        _ bootstrap: ServerBootstrap, on address: Configuration.Address
    ) async throws -> any Channel {
        do {
            return try await bootstrap.bind(host: address.host, port: address.port).get()
        } catch {
            throw ListenError(address: address, cause: error)
        }
    }
}

/// An address that can't be listened on, and why.
struct ListenError: Error, CustomStringConvertible {
    let address: Configuration.Address
    let cause: any Error

    var description: String {
        let reason = (cause as? IOError).map { String(cString: strerror($0.errnoCode)) }
        return "listen on \(address): \(reason ?? "\(cause)")"
    }
}
