internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What a person needs to know of an error of the network: "Connection refused".
package func failureReason(_ error: any Error) -> String {
    switch error {
    case let error as IOError:
        // SAFETY: strerror returns a text for every number; it is copied before any other call.
        return String(cString: strerror(error.errnoCode))
    case let failure as NIOConnectionError:
        // A name's addresses usually fail for one reason: the last one tells it.
        let lookupError = failure.dnsAError ?? failure.dnsAAAAError
        let last = failure.connectionErrors.last?.error ?? lookupError
        return last.map(failureReason) ?? "the host has no address"
    case ChannelError.connectTimeout(let limit):
        return "no connection within \(limit.nanoseconds / 1_000_000) ms"
    case ChannelError.eof:
        return "the connection was closed"
    default:
        return "\(error)"
    }
}
