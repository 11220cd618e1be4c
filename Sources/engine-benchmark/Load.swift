import AtomicStateProtocol
import AtomicStateSchema

let transactionCountPerBatch = 8_000

/// The transactions that are measured, and those that put the entities there for them. All are
/// accepted.
protocol Load {
    var preparation: [Run] { get }

    /// The next batch, of `transactionCountPerBatch`.
    func batch(_ generator: inout SeededGenerator) -> Run
}

extension CompiledSchema {
    func operation(_ name: String) -> Int {
        guard let index = schema.operations.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("the schema has no operation \(name)")
        }
        return index
    }
}

extension Run {
    var frame: [UInt8] {
        var frame: [UInt8] = []
        RequestBody.submit([self], timeoutMilliseconds: 0).encodeFrame(id: 1) { byteCount, fill in
            frame = [UInt8](repeating: 0, count: byteCount)
            frame.withUnsafeMutableBytes { fill($0) }
        }
        return frame
    }
}

extension Range<Int> {
    /// In parts of up to a batch.
    var batches: [Range<Int>] {
        stride(from: lowerBound, to: upperBound, by: transactionCountPerBatch).map {
            $0..<Swift.min($0 + transactionCountPerBatch, upperBound)
        }
    }
}

/// SplitMix64 (https://prng.di.unimi.it/splitmix64.c).
struct SeededGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
