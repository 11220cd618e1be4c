internal import NIOCore

/// Sends the answers of a durable group: one task for each event loop, one flush for each connection.
struct ReplySender: Sendable {
    func send(_ items: [WorkItem]) {
        guard let first = items.first else { return }
        let firstLoop = first.connection.eventLoop
        if items.allSatisfy({ $0.connection.eventLoop === firstLoop }) {
            deliver(items, on: firstLoop)
            return
        }
        var byLoop: [ObjectIdentifier: [WorkItem]] = [:]
        for item in items {
            byLoop[ObjectIdentifier(item.connection.eventLoop), default: []].append(item)
        }
        for items in byLoop.values { deliver(items, on: items[0].connection.eventLoop) }
    }

    private func deliver(_ items: [WorkItem], on loop: any EventLoop) {
        // A loop that has carried the request out itself sends the answer at once.
        guard !loop.inEventLoop else { return deliver(items) }
        loop.execute { deliver(items) }
    }

    private func deliver(_ items: [WorkItem]) {
        for item in items { item.connection.answer(item) }
        for item in items { item.connection.flushAnswers() }
    }
}
