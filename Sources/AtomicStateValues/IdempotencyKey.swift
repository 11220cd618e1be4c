/// Names a transaction, so that repeating it is harmless: a UUID of version 7 (RFC 9562, section 5.7).
///
/// Its first 48 bits are the time it was made, in milliseconds since 1970-01-01T00:00:00Z, by which a
/// server knows a key that is older than what it remembers.
public struct IdempotencyKey: Sendable, Hashable {
    /// The first eight bytes: the time, the version, twelve free bits.
    public let high: UInt64
    /// The last eight bytes: the variant and 62 free bits.
    public let low: UInt64

    public static let byteCount = 16
    /// The greatest time: some 8,900 years from now.
    public static let millisecondsMax: UInt64 = 1 << 48 - 1

    /// - Parameters:
    ///   - milliseconds: since 1970-01-01T00:00:00Z, at most `millisecondsMax`.
    ///   - high: its low twelve bits are used.
    ///   - low: its low 62 bits are used.
    public init(milliseconds: UInt64, high: UInt64, low: UInt64) {
        precondition(milliseconds <= Self.millisecondsMax)
        self.high = milliseconds << 16 | Self.version | high & 0xFFF
        self.low = Self.variant | low & ~Self.variantMask
    }

    /// Nil unless the bytes are a UUID of version 7.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        let high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        let low = bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
        guard Self.isValid(high: high, low: low) else { return nil }
        self.high = high
        self.low = low
    }

    /// Nil unless the text is a UUID of version 7: `01890a5d-ac96-774b-bcce-b302099a8057`.
    public init?(_ text: String) {
        guard let uuid = UUIDValue(text) else { return nil }
        self.init(bytes: uuid.bytes)
    }

    /// When it was made, in milliseconds since 1970-01-01T00:00:00Z.
    public var milliseconds: UInt64 { high >> 16 }

    /// The one after this one, made at a time in milliseconds since 1970-01-01T00:00:00Z, at most
    /// `millisecondsMax`. 62 bits do not run out.
    public func next(at milliseconds: UInt64) -> IdempotencyKey {
        IdempotencyKey(milliseconds: milliseconds, high: high, low: low &+ 1)
    }

    public var bytes: [UInt8] {
        [high, low].flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
    }

    @inline(__always)
    package static func isValid(high: UInt64, low: UInt64) -> Bool {
        high & versionMask == version && low & variantMask == variant
    }

    private static let version: UInt64 = 0x7000
    private static let versionMask: UInt64 = 0xF000
    private static let variant: UInt64 = 1 << 63
    private static let variantMask: UInt64 = 3 << 62
}

extension IdempotencyKey: CustomStringConvertible {
    public var description: String { UUIDValue(bytes)?.text ?? "" }
}
