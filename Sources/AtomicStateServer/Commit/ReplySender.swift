internal import NIOCore

/// Sends the answers of a durable group: one task for each event loop, one flush for each connection.
struct ReplySender: Sendable {
    func send(_ replies: [PendingReply]) {
        guard let first = replies.first else { return }
        let firstLoop = first.connection.eventLoop
        if replies.allSatisfy({ $0.connection.eventLoop === firstLoop }) {
            deliver(replies, on: firstLoop)
            return
        }
        var byLoop: [ObjectIdentifier: [PendingReply]] = [:]
        for reply in replies {
            byLoop[ObjectIdentifier(reply.connection.eventLoop), default: []].append(reply)
        }
        for replies in byLoop.values { deliver(replies, on: replies[0].connection.eventLoop) }
    }

    private func deliver(_ replies: [PendingReply], on loop: any EventLoop) {
        // A loop that has carried the request out itself sends the answer at once.
        guard !loop.inEventLoop else { return deliver(replies) }
        let parcel = Parcel(replies: replies)
        loop.execute { deliver(parcel.replies) }
    }

    private func deliver(_ replies: [PendingReply]) {
        // By place: to take an answer out of the list would copy and count all that it refers to.
        for index in replies.indices { replies[index].connection.write(replies[index]) }
        for index in replies.indices { replies[index].connection.flushReplies() }
    }

    private struct Parcel: @unchecked Sendable {  // Guarded by being handed over, not shared.
        let replies: [PendingReply]
    }
}
