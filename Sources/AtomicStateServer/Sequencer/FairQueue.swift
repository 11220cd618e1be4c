/// The requests that wait for the writer: those of a connection in their order, the connections by turns,
/// so that none waits for more than one request of each other.
struct FairQueue {
    private var lanes: [ObjectIdentifier: FirstInFirstOut<WorkItem>] = [:]
    /// The connections whose requests wait; the next one's first.
    private var turns = FirstInFirstOut<ObjectIdentifier>()

    var isEmpty: Bool { turns.isEmpty }

    mutating func append(_ item: WorkItem) {
        let lane = ObjectIdentifier(item.connection)
        if lanes[lane] == nil { turns.append(lane) }
        lanes[lane, default: FirstInFirstOut()].append(item)
    }

    mutating func removeFirst() -> WorkItem? {
        guard let lane = turns.removeFirst() else { return nil }
        guard let item = lanes[lane]?.removeFirst() else {
            preconditionFailure("a connection that has a turn has a request")
        }
        if lanes[lane]?.isEmpty == true {
            lanes.removeValue(forKey: lane)
        } else {
            turns.append(lane)
        }
        return item
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

    mutating func removeFirst() -> Element? {
        if outgoing.isEmpty {
            outgoing = incoming.reversed()
            incoming.removeAll(keepingCapacity: true)
        }
        return outgoing.popLast()
    }
}
