import AtomicStateProtocol
import AtomicStateSchema
import AtomicStateValues

let transactionCountPerBatch = 8_000

/// The transactions that are measured, and those that put the entities there for them, which are all
/// accepted.
protocol Load {
    var preparation: [Run] { get }

    /// Of the transactions of each batch.
    var rejectionCountPerBatch: Int { get }

    /// The next batch, of `transactionCountPerBatch`.
    func batch(_ generator: inout SeededGenerator) -> Run
}

extension Load {
    var rejectionCountPerBatch: Int { 0 }
}

extension CompiledSchema {
    func operation(_ name: String) -> Int {
        guard let index = schema.operations.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("the schema has no operation \(name)")
        }
        return index
    }
}

/// Puts runs into the frames that a client would send.
struct Frames {
    let isKeyed: Bool
    private var number: UInt64 = 0

    init(isKeyed: Bool) {
        self.isKeyed = isKeyed
    }

    mutating func frame(of run: Run) -> [UInt8] {
        number += 1
        var run = run
        var name: BatchName?
        if isKeyed {
            // A batch a millisecond, and keys that ascend within it, as those of a client do.
            run.idempotencyKeys = (0..<UInt64(run.transactionCount)).map {
                IdempotencyKey(milliseconds: number, high: 0, low: number << 20 | $0)
            }
            name = BatchName(producer: 1, number: number, sentMilliseconds: number)
        }
        var frame: [UInt8] = []
        RequestBody.submit([run], timeoutMilliseconds: 0, name: name).encodeFrame(id: 1) {
            byteCount, fill in
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
