internal import NIOCore

/// Sends the answers of a durable group: one task for each event loop, one flush for each connection.
struct ReplySender: Sendable {
    func send(_ items: consuming [WorkItem]) {
        guard let first = items.first else { return }
        let firstLoop = first.connection.eventLoop
        if items.allSatisfy({ $0.connection.eventLoop === firstLoop }) {
            Delivery(items).start(on: firstLoop)
            return
        }
        var byLoop: [ObjectIdentifier: [WorkItem]] = [:]
        for item in items {
            byLoop[ObjectIdentifier(item.connection.eventLoop), default: []].append(item)
        }
        for items in byLoop.values {
            Delivery(items).start(on: items[0].connection.eventLoop)
        }
    }
}

/// Requests of one event loop that are ready to be answered.
private final class Delivery: @unchecked Sendable {  // Guarded by being handed over, not shared.
    private var items: [WorkItem]

    init(_ items: consuming [WorkItem]) {
        self.items = items
    }

    func start(on loop: any EventLoop) {
        // A loop that has carried the request out itself sends the answer at once.
        guard !loop.inEventLoop else { return answer() }
        loop.execute { self.answer() }
    }

    /// A request is let go of as soon as it is answered, while the processor has it near.
    private func answer() {
        var answered: [Connection] = []
        items.reverse()
        while let item = items.popLast() {
            let connection = item.connection
            if !connection.hasAnswers { answered.append(connection) }
            connection.answer(item)
        }
        for connection in answered { connection.flushAnswers() }
    }
}
