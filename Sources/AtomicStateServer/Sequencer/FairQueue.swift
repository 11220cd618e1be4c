internal import struct NIOCore.CircularBuffer

/// The requests that wait for the writer: those of a connection in their order, the connections by turns.
///
/// A turn is worth a number of transactions, which a connection saves up until they pay for its next
/// request (deficit round robin: Shreedhar and Varghese, 1995). So a small request does not wait for more
/// than a turn of each other connection, and the request that is carried out already.
struct FairQueue {
    /// The requests of a connection. It belongs to the queue, and lies with the connection so that nobody
    /// has to look for it.
    final class Lane {
        fileprivate var items = CircularBuffer<WorkItem>(initialCapacity: 1)
        fileprivate var credit = 0
    }

    /// The lanes that hold requests; the next one's first.
    private var turns = CircularBuffer<Lane>()

    var isEmpty: Bool { turns.isEmpty }

    mutating func append(_ item: WorkItem) {
        let lane = laneWithTurn(of: item)
        lane.items.append(item)
    }

    /// Queues an item again that was taken and not carried out: before its connection's others, at the end
    /// of the turns.
    mutating func putBack(_ item: WorkItem) {
        let lane = laneWithTurn(of: item)
        lane.items.prepend(item)
        lane.credit += item.transactionCount
    }

    mutating func removeFirst() -> WorkItem? {
        while let lane = turns.popFirst() {
            guard let item = lane.items.popFirst() else {
                preconditionFailure("a connection that has a turn has a request")
            }
            lane.credit += ServerLimits.turnTransactionCount
            let isPaid = item.transactionCount <= lane.credit
            if isPaid {
                lane.credit -= item.transactionCount
            } else {
                lane.items.prepend(item)
            }
            if lane.items.isEmpty {
                lane.credit = 0
            } else {
                turns.append(lane)
            }
            if isPaid { return item }
        }
        return nil
    }

    /// - Returns: the requests of a connection, which are in the queue no more.
    mutating func removeAll(of lane: Lane) -> [WorkItem] {
        guard !lane.items.isEmpty else { return [] }
        turns.removeAll { $0 === lane }
        defer {
            lane.items.removeAll()
            lane.credit = 0
        }
        return Array(lane.items)
    }

    private mutating func laneWithTurn(of item: WorkItem) -> Lane {
        let lane = item.connection.lane
        if lane.items.isEmpty { turns.append(lane) }
        return lane
    }
}
