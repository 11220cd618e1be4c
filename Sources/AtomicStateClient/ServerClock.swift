internal import AtomicStateValues
internal import Synchronization

/// The server's clock, as its last greeting told it, or its last refusal of a name for its time, and what is made
/// of its time.
final class ServerClock: Sendable {
    /// Milliseconds of a clock that never steps back.
    private let elapsedMilliseconds: @Sendable () -> UInt64
    /// The server's time when the other clock was at 0.
    private let origin = Atomic<UInt64>(0)
    private let producer = UInt64.random(in: 0...UInt64.max)
    private let lastNumber = Atomic<UInt64>(0)
    private let lastKey = Mutex<IdempotencyKey?>(nil)

    init(elapsedMilliseconds: (@Sendable () -> UInt64)? = nil) {
        let start = ContinuousClock.now
        self.elapsedMilliseconds =
            elapsedMilliseconds ?? { UInt64((ContinuousClock.now - start) / .milliseconds(1)) }
    }

    /// - Parameter milliseconds: what the server has just told, since 1970-01-01T00:00:00Z.
    func set(to milliseconds: UInt64) {
        origin.store(milliseconds &- elapsedMilliseconds(), ordering: .relaxed)
    }

    /// Since 1970-01-01T00:00:00Z. Late by the time that the telling was on its way.
    var milliseconds: UInt64 {
        min(
            origin.load(ordering: .relaxed) &+ elapsedMilliseconds(),
            IdempotencyKey.millisecondsMax)
    }

    /// The name of the next batch.
    func nextName() -> BatchName {
        BatchName(
            producer: producer, number: lastNumber.wrappingAdd(1, ordering: .relaxed).newValue,
            sentMilliseconds: milliseconds)
    }

    /// Keys that follow those that were made before, in what is random of them. Their columns then pack to
    /// next to nothing in the server's records.
    func nextKeys(_ count: Int) -> [IdempotencyKey] {
        let now = milliseconds
        return lastKey.withLock { last in
            var keys: [IdempotencyKey] = []
            keys.reserveCapacity(count)
            var key = last?.next(at: now) ?? .random(now)
            for _ in 0..<count {
                keys.append(key)
                last = key
                key = key.next(at: now)
            }
            return keys
        }
    }
}

extension IdempotencyKey {
    /// The first one; 2^61 can follow it before they begin anew.
    fileprivate static func random(_ milliseconds: UInt64) -> IdempotencyKey {
        IdempotencyKey(
            milliseconds: milliseconds, high: .random(in: 0...UInt64.max),
            low: .random(in: 0..<1 << 61))
    }
}
