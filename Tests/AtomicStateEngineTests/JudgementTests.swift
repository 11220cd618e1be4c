import Testing

/// Which rules a transaction is judged by, and in which order: cases that went wrong once.
@Suite struct JudgementTests {
    /// An entity that stops fulfilling a `where` leaves a total without changing its holder.
    @Test func leavingATotalByItsCondition() throws {
        let checked = try CheckedEngine(Self.tickets)
        try checked.accept("board", 1)
        try checked.accept("ticket", 1, 1)
        try checked.reject("set_open", 1, 0)
    }

    /// Rules about a change stand in the order of the schema with the others.
    @Test func rulesInTheOrderOfTheSchema() throws {
        let checked = try CheckedEngine(Self.tickets)
        try checked.accept("board", 1)
        try checked.accept("ticket", 1, 1)
        try checked.accept("set_weight", 1, 5)
        try checked.reject("set_weight", 1, -1)
    }

    /// A total can take any change whose result fits.
    @Test func widestChangeOfATotal() throws {
        let checked = try CheckedEngine(Self.tickets)
        try checked.accept("board", 1)
        try checked.accept("board", 2)
        try checked.accept("free_ticket", 1, 1)
        try checked.accept("set_weight", 1, .int(.min))
        try checked.accept("move", 1, 2)
        try checked.accept("set_weight", 1, .int(.max))
        try checked.accept("free_ticket", 2, 2)
        try checked.reject("set_weight", 2, 1)
        try checked.accept("drop", 1)
    }

    /// A total that a rule reads as it was is a reason to judge it.
    @Test func aTotalAsItWas() throws {
        let checked = try CheckedEngine(Self.tickets)
        try checked.accept("board", 1)
        for ticket: Int64 in 1...3 { try checked.accept("ticket", .int(ticket), 1) }
        try checked.reject("ticket", 4, 1)
        try checked.reject("drop", 3)
    }

    /// `self` as a value is the entity, before the transaction and after it.
    @Test func anEntityThatRefersToItself() throws {
        let checked = try CheckedEngine(Self.trees)
        try checked.accept("tree", 1)
        for node: Int64 in 1...2 { try checked.accept("node", .int(node), 1, .int(10 * node)) }
        try checked.accept("set_parent", 1, 1)
        try checked.accept("set_since", 1, 7)
        try checked.accept("set_parent", 1, 2)
        try checked.accept("set_since", 1, 5)
        try checked.accept("set_parent", 2, 2)
        try checked.accept("set_parent", 1, 1)
        try checked.reject("three_roots", 1)
        checked.closeGroup()
        try checked.crashAndRecover()
        try checked.replayJournal()
    }

    /// A message may show what was before, of a rule that reads only what is.
    @Test func aMessageThatReadsWhatWas() throws {
        let checked = try CheckedEngine(Self.trees)
        try checked.accept("tree", 1)
        #expect(try checked.reject("node", 1, 1, -1).message == "no value to -1")
        try checked.accept("node", 1, 1, 4)
        #expect(try checked.reject("set_since", 1, -2).message == "4 to -2")
    }

    /// What leads to a member may be without a value.
    @Test func presenceBehindAnOptionalReference() throws {
        let checked = try CheckedEngine(Self.trees)
        try checked.accept("tree", 1)
        try checked.accept("node", 1, 1, 4)
        try checked.reject("has_parents_since", 1)
        try checked.accept("set_parent", 1, 1)
        try checked.accept("has_parents_since", 1)
    }

    private static let trees = """
        schema: 1
        name: trees
        entities:
          Tree:
            key: uint64
            derived:
              roots: { count: Node, by: tree, where: has(self.parent) && self.parent == self }
              inner: { count: Node, by: tree, where: has(self.parent) && self.parent != self }
              first: { min: Node.since, by: tree, where: '!has(self.parent) || self.parent != self' }
          Node:
            key: uint64
            fields:
              tree: { ref: Tree }
              parent: { ref: Node, optional: true }
              since: int
            invariants:
              - { id: since, rule: self.since >= 0, message: '{oldSelf.since} to {self.since}' }
        operations:
          tree:
            parameters: { tree: uint64 }
            effects: ['create Tree(tree) {}']
          node:
            parameters: { node: uint64, tree: { ref: Tree }, since: int }
            effects: ['create Node(node) { tree: tree, since: since }']
          set_parent:
            parameters: { node: { ref: Node }, parent: { ref: Node } }
            effects: [node.parent = parent]
          set_since:
            parameters: { node: { ref: Node }, since: int }
            effects: [node.since = since]
          three_roots:
            parameters: { node: { ref: Node } }
            require: [{ id: three, rule: node.tree.roots == 3 }]
            effects: [node.since = node.since]
          has_parents_since:
            parameters: { node: { ref: Node } }
            require: [{ id: has, rule: has(node.parent.since) }]
            effects: [node.since = node.since]
        """

    private static let tickets = """
        schema: 1
        name: tickets
        entities:
          Board:
            key: uint64
            derived:
              open: { count: Ticket, by: board, where: self.open }
              tickets: { count: Ticket, by: board, where: self.limited }
              weight: { sum: Ticket.weight, by: board }
            invariants:
              - { id: one_open, rule: self.tickets == 0 || self.open > 0 }
              - { id: few, rule: oldSelf.tickets < 3 }
          Ticket:
            key: uint64
            fields:
              board: { ref: Board }
              open: { type: bool, default: true }
              limited: { type: bool, default: true }
              weight: { type: int, default: 0 }
            invariants:
              - { id: grows, rule: '!self.limited || self.weight >= oldSelf.weight' }
              - { id: has_weight, rule: '!self.limited || self.weight >= 0' }
        operations:
          board:
            parameters: { board: uint64 }
            effects: ['create Board(board) {}']
          ticket:
            parameters: { ticket: uint64, board: { ref: Board } }
            effects: ['create Ticket(ticket) { board: board }']
          free_ticket:
            parameters: { ticket: uint64, board: { ref: Board } }
            effects: ['create Ticket(ticket) { board: board, limited: false }']
          set_open:
            parameters: { ticket: { ref: Ticket }, open: bool }
            effects: [ticket.open = open]
          set_weight:
            parameters: { ticket: { ref: Ticket }, weight: int }
            effects: [ticket.weight = weight]
          move:
            parameters: { ticket: { ref: Ticket }, board: { ref: Board } }
            effects: [ticket.board = board]
          drop:
            parameters: { ticket: { ref: Ticket } }
            effects: [delete ticket]
        """
}
