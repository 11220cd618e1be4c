internal import Synchronization

/// What all connections together hold of requests and answers, and how much that may be.
final class ConnectionMemory: Sendable {
    private let limit: Int
    private let held = Atomic<Int>(0)

    init(limit: Int) {
        self.limit = limit
    }

    var byteCount: Int { held.load(ordering: .relaxed) }

    var isExceeded: Bool { byteCount > limit }

    func change(by difference: Int) {
        held.add(difference, ordering: .relaxed)
    }

    var refusal: String {
        "all connections together hold more than \(limit) bytes of requests and answers, and this one "
            + "holds most"
    }
}
