/// The values that a `min` or `max` is taken of: for each holder a balanced tree with a node for each
/// distinct value, which counts how often it occurs. All trees of an engine share one pool of nodes.
///
/// AVL trees (Adelson-Velsky and Landis, 1962): a change visits as many nodes as the tree is high,
/// which is at most 1.44 times the logarithm of their number.
struct ValueTree: ~Copyable {
    /// A value of one word, or the seconds and nanoseconds of a time. Ordered by its words as signed
    /// integers, the first before the second.
    struct Value: Equatable {
        let first: UInt64
        let second: UInt64

        /// The value at a place of a row.
        init(at place: UnsafePointer<UInt64>, wordCount: Int) {
            first = place[0]
            second = wordCount > 1 ? place[1] : 0
        }

        fileprivate init(_ first: UInt64, _ second: UInt64) {
            self.first = first
            self.second = second
        }

        func isLess(than other: Value) -> Bool {
            first == other.first
                ? Int64(bitPattern: second) < Int64(bitPattern: other.second)
                : Int64(bitPattern: first) < Int64(bitPattern: other.first)
        }
    }

    private struct Node {
        var value: Value
        var count: Int
        var left: Address
        var right: Address
        var height: Int
    }

    /// Of a node; 0 for none, and so for an empty tree.
    typealias Address = UInt64

    private static let nodesPerChunk = 1024

    private var chunks: [UnsafeMutablePointer<Node>] = []
    private var nodesInLastChunk = Self.nodesPerChunk
    /// The first free node; a free node's `left` is the next one.
    private var firstFree: Address = 0

    deinit {
        for chunk in chunks { chunk.deallocate() }
    }

    var byteCount: Int { chunks.count * Self.nodesPerChunk * MemoryLayout<Node>.stride }

    /// Adds an occurrence of the value. Returns the tree's new root.
    mutating func insert(_ value: Value, into root: Address) -> Address {
        guard root != 0 else { return makeNode(value) }
        let node = Self.node(root)
        if value == node.pointee.value {
            node.pointee.count += 1
        } else if value.isLess(than: node.pointee.value) {
            node.pointee.left = insert(value, into: node.pointee.left)
        } else {
            node.pointee.right = insert(value, into: node.pointee.right)
        }
        return Self.balanced(root)
    }

    /// Takes away an occurrence of the value, which must be in the tree. Returns the new root.
    mutating func remove(_ value: Value, from root: Address) -> Address {
        precondition(root != 0, "a value that is removed from a tree is in it")
        let node = Self.node(root)
        if value.isLess(than: node.pointee.value) {
            node.pointee.left = remove(value, from: node.pointee.left)
        } else if value != node.pointee.value {
            node.pointee.right = remove(value, from: node.pointee.right)
        } else if node.pointee.count > 1 {
            node.pointee.count -= 1
        } else {
            return removeNode(root)
        }
        return Self.balanced(root)
    }

    /// The least or the greatest value of a tree that is not empty.
    static func extreme(of root: Address, isGreatest: Bool) -> Value {
        var place = root
        while true {
            let node = node(place).pointee
            let next = isGreatest ? node.right : node.left
            if next == 0 { return node.value }
            place = next
        }
    }

    /// Gives all nodes of a tree back.
    mutating func removeAll(from root: Address) {
        guard root != 0 else { return }
        let node = Self.node(root).pointee
        removeAll(from: node.left)
        removeAll(from: node.right)
        free(root)
    }
}

// MARK: Nodes

extension ValueTree {
    @inline(__always)
    private static func node(_ address: Address) -> UnsafeMutablePointer<Node> {
        // SAFETY: an address other than 0 is that of a node of a chunk.
        UnsafeMutablePointer(bitPattern: UInt(address)).unsafelyUnwrapped
    }

    private mutating func makeNode(_ value: Value) -> Address {
        let place: UnsafeMutablePointer<Node>
        if firstFree != 0 {
            place = Self.node(firstFree)
            firstFree = place.pointee.left
        } else {
            if nodesInLastChunk == Self.nodesPerChunk {
                chunks.append(.allocate(capacity: Self.nodesPerChunk))
                nodesInLastChunk = 0
            }
            place = chunks[chunks.count - 1] + nodesInLastChunk
            nodesInLastChunk += 1
        }
        place.initialize(to: Node(value: value, count: 1, left: 0, right: 0, height: 1))
        return UInt64(UInt(bitPattern: place))
    }

    private mutating func free(_ address: Address) {
        Self.node(address).pointee.left = firstFree
        firstFree = address
    }

    /// Takes the root out of its tree, whose new root is returned.
    private mutating func removeNode(_ root: Address) -> Address {
        let node = Self.node(root)
        let (left, right) = (node.pointee.left, node.pointee.right)
        guard left != 0, right != 0 else {
            free(root)
            return left | right
        }
        // The next value takes the root's place, with all its occurrences.
        var next = Self.node(right)
        while next.pointee.left != 0 { next = Self.node(next.pointee.left) }
        node.pointee.value = next.pointee.value
        node.pointee.count = next.pointee.count
        next.pointee.count = 1
        node.pointee.right = remove(next.pointee.value, from: right)
        return Self.balanced(root)
    }

    static func height(_ address: Address) -> Int {
        address == 0 ? 0 : node(address).pointee.height
    }

    private static func updateHeight(_ address: Address) {
        let node = node(address)
        node.pointee.height = 1 + max(height(node.pointee.left), height(node.pointee.right))
    }

    /// Restores the order of heights at a root whose sides differ by at most two.
    private static func balanced(_ root: Address) -> Address {
        let node = node(root)
        let difference = height(node.pointee.left) - height(node.pointee.right)
        if difference > 1 {
            let left = Self.node(node.pointee.left).pointee
            if height(left.left) < height(left.right) {
                node.pointee.left = rotatedLeft(node.pointee.left)
            }
            return rotatedRight(root)
        }
        if difference < -1 {
            let right = Self.node(node.pointee.right).pointee
            if height(right.right) < height(right.left) {
                node.pointee.right = rotatedRight(node.pointee.right)
            }
            return rotatedLeft(root)
        }
        updateHeight(root)
        return root
    }

    private static func rotatedRight(_ root: Address) -> Address {
        let top = node(root).pointee.left
        node(root).pointee.left = node(top).pointee.right
        node(top).pointee.right = root
        updateHeight(root)
        updateHeight(top)
        return top
    }

    private static func rotatedLeft(_ root: Address) -> Address {
        let top = node(root).pointee.right
        node(root).pointee.right = node(top).pointee.left
        node(top).pointee.left = root
        updateHeight(root)
        updateHeight(top)
        return top
    }
}
