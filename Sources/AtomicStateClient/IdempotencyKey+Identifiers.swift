public import AtomicStateValues
internal import COpenSSL

extension IdempotencyKey {
    /// The key of something that the caller has an identifier of its own for, "order-123": the same for
    /// the same time and identifier, wherever it is made. 74 bits of the identifier's SHA-256 are in it.
    ///
    /// - Parameters:
    ///   - milliseconds: when the thing came into being, since 1970-01-01T00:00:00Z, by a clock that is
    ///     close to the server's: a server refuses keys from more than a second ahead, and those from
    ///     before what it remembers. At most `millisecondsMax`.
    ///   - identifier: unique among what has the same time.
    public init(milliseconds: UInt64, of identifier: String) {
        let bytes = Array(identifier.utf8)
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        SHA256(bytes, bytes.count, &digest)
        let words = digest.withUnsafeBytes { digest in
            (
                UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        self.init(milliseconds: milliseconds, high: words.0, low: words.1)
    }
}
