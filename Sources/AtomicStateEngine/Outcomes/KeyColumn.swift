internal import AtomicStateValues

/// The idempotency keys of a run, in memory owned by the caller.
struct KeyColumn: BitwiseCopyable {
    private let bytes: UnsafeRawBufferPointer

    /// - Parameter bytes: 16 for each key.
    init(_ bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)) {
        self.bytes = bytes
    }

    var count: Int { bytes.count / IdempotencyKey.byteCount }
    var isEmpty: Bool { bytes.isEmpty }

    @inline(__always)
    func high(_ index: Int) -> UInt64 { word(index &<< 1) }

    @inline(__always)
    func low(_ index: Int) -> UInt64 { word(index &<< 1 | 1) }

    @inline(__always)
    private func word(_ index: Int) -> UInt64 {
        // SAFETY: the places come from ranges of `count`.
        let base = bytes.baseAddress.unsafelyUnwrapped
        return UInt64(bigEndian: base.loadUnaligned(fromByteOffset: index &<< 3, as: UInt64.self))
    }
}

/// The keys of a run, and hashes of what they stand for, in memory owned by others.
struct KeyedTransactions: BitwiseCopyable {
    private let keys: KeyColumn
    private let contents: UnsafeBufferPointer<UInt32>

    init(_ keys: KeyColumn, _ contents: ContentHashes) {
        self.keys = keys
        self.contents = contents.kept
    }

    var count: Int { contents.count }

    @inline(__always)
    func high(_ index: Int) -> UInt64 { keys.high(index) }

    @inline(__always)
    func low(_ index: Int) -> UInt64 { keys.low(index) }

    @inline(__always)
    func content(_ index: Int) -> UInt32 { contents[index] }
}

extension IdempotencyKey {
    /// The time of a key, by its first eight bytes.
    @inline(__always)
    static func milliseconds(high: UInt64) -> UInt64 { high >> 16 }
}
