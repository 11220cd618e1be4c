/// The requests that wait for the writer: those of a connection in their order, the connections by turns.
///
/// A turn is worth a number of transactions, which a connection saves up until they pay for its next
/// request (deficit round robin: Shreedhar and Varghese, 1995). So a small request does not wait for more
/// than a turn of each other connection, and the request that is carried out already.
struct FairQueue {
    private struct Lane {
        var items = FirstInFirstOut<WorkItem>()
        var credit = 0
    }

    private var lanes: [ObjectIdentifier: Lane] = [:]
    /// The connections whose requests wait; the next one's first.
    private var turns = FirstInFirstOut<ObjectIdentifier>()

    var isEmpty: Bool { turns.isEmpty }

    mutating func append(_ item: WorkItem) {
        withLane(of: item) { $0.items.append(item) }
    }

    /// Queues an item again that was taken and not carried out: before its connection's others, at the end
    /// of the turns.
    mutating func putBack(_ item: WorkItem) {
        withLane(of: item) { lane in
            lane.items.prepend(item)
            lane.credit += item.transactionCount
        }
    }

    mutating func removeFirst() -> WorkItem? {
        while let identifier = turns.removeFirst() {
            guard var lane = lanes.removeValue(forKey: identifier) else {
                preconditionFailure("a connection that has a turn has a request")
            }
            lane.credit += ServerLimits.turnTransactionCount
            let item = lane.items.removeFirst { $0.transactionCount <= lane.credit }
            lane.credit -= item?.transactionCount ?? 0
            if !lane.items.isEmpty {
                lanes[identifier] = lane
                turns.append(identifier)
            }
            if let item { return item }
        }
        return nil
    }

    private mutating func withLane(of item: WorkItem, _ body: (inout Lane) -> Void) {
        let identifier = ObjectIdentifier(item.connection)
        if lanes[identifier] == nil { turns.append(identifier) }
        body(&lanes[identifier, default: Lane()])
    }
}

/// A queue whose ends both take constant time.
struct FirstInFirstOut<Element> {
    private var incoming: [Element] = []
    private var outgoing: [Element] = []

    var isEmpty: Bool { incoming.isEmpty && outgoing.isEmpty }

    mutating func append(_ element: Element) {
        incoming.append(element)
    }

    mutating func prepend(_ element: Element) {
        outgoing.append(element)
    }

    mutating func removeFirst() -> Element? {
        removeFirst { _ in true }
    }

    /// The first element, if it is one that the closure wants.
    mutating func removeFirst(if isWanted: (Element) -> Bool) -> Element? {
        if outgoing.isEmpty {
            outgoing = incoming.reversed()
            incoming.removeAll(keepingCapacity: true)
        }
        guard let first = outgoing.last, isWanted(first) else { return nil }
        return outgoing.popLast()
    }
}
