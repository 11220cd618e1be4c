import AtomicStateSchema

/// A small schema for directed tests: leagues of clubs of players.
enum ClubSchema {
    static let text = """
        schema: 1
        name: clubs
        entities:
          League:
            key: string
            fields:
              limit: { type: int, default: 100 }
            derived:
              points: { sum: Club.points, by: league }
              clubs: { count: Club, by: league }
              best: { max: Club.best, by: league }
              strong: { count: Club, by: league, where: self.points >= 10 }
              first: { min: Club.first, by: league }
            invariants:
              - id: limit
                rule: self.points <= self.limit
                message: '{self.points} of {self.limit} points, {self.clubs} clubs in {{{self.key}}}'
              - { id: never_weaker, rule: self.strong >= oldSelf.strong - 1 }
          Club:
            key: uint64
            generic: true
            fields:
              league: { ref: League, optional: true }
              name: { type: string, max_length: 8 }
              city: { type: string, max_length: 8, optional: true }
            derived:
              points: { sum: Player.points, by: club }
              best: { max: Player.points, by: club }
              worst: { min: Player.points, by: club }
              first: { min: Player.since, by: club }
            unique: [[league, name], city]
          Player:
            key: uint64
            generic: true
            fields:
              club: { ref: Club }
              points: { type: int, default: 0 }
              since: { type: timestamp, optional: true }
            invariants:
              - { id: not_negative, rule: self.points >= 0 }
        operations:
          league: { parameters: { league: string }, effects: ['create League(league) {}'] }
          first_league: { effects: ["create League('first') {}"] }
          club:
            parameters: { club: uint64, league: { ref: League }, name: string }
            effects: ['create Club(club) { league: league, name: name }']
          settle:
            parameters: { club: { ref: Club }, city: string }
            effects: [club.city = city]
          exchange_cities:
            parameters: { first: { ref: Club }, second: { ref: Club }, old: string }
            effects: [first.city = second.city, second.city = old]
          move_club:
            parameters: { club: { ref: Club }, league: { ref: League } }
            effects: [club.league = league]
          player:
            parameters: { player: uint64, club: { ref: Club }, points: int }
            effects: ['create Player(player) { club: club, points: points, since: now }']
          score:
            parameters: { player: { ref: Player }, points: int }
            effects: [player.points += points]
          pass:
            parameters: { from: { ref: Player }, to: { ref: Player }, points: int, lost: int }
            effects: [from.points -= points, to.points += points - lost]
          move:
            parameters: { player: { ref: Player }, club: { ref: Club } }
            effects: [player.club = club]
          later:
            parameters: { player: { ref: Player }, by: duration }
            require: [{ id: is_later, rule: now >= player.since + by, message: '{now} is before {by}' }]
            effects: [player.since = now]
          leave: { parameters: { player: { ref: Player } }, effects: [delete player] }
          close: { parameters: { club: { ref: Club } }, effects: [delete club] }
          dissolve: { parameters: { league: { ref: League } }, effects: [delete league] }
        transaction_invariants:
          - id: points_stay
            rule: delta(Player.points) == 0
            message: '{delta(Player.points)} points'
            only: [pass]
          - { id: few_players, rule: delta(Player) <= 2, except: [player] }
          - { id: clubs_slowly, rule: delta(League.points) <= 60 }
        """

    static let league = 0
    static let club = 1
    static let player = 2

    /// Two leagues with clubs 1 and 2, and 3; players 10 with 5 and 11 with 8 points in club 1.
    static func checked() throws -> CheckedEngine {
        let checked = try CheckedEngine(text)
        try checked.accept("league", "north")
        try checked.accept("league", "south")
        try checked.accept("club", 1, "north", "a")
        try checked.accept("club", 2, "north", "b")
        try checked.accept("club", 3, "south", "a")
        try checked.accept("player", 10, 1, 5)
        try checked.accept("player", 11, 1, 8)
        return checked
    }
}

extension TransactionStep {
    static func set(_ type: Int, _ field: Int, expectsVersion: Bool = false) -> TransactionStep {
        .update(
            type: type, changes: [FieldChange(field: field, kind: .set)],
            expectsVersion: expectsVersion)
    }

    static func add(_ type: Int, _ field: Int) -> TransactionStep {
        .update(
            type: type, changes: [FieldChange(field: field, kind: .add)], expectsVersion: false)
    }

    static func clear(_ type: Int, _ field: Int) -> TransactionStep {
        .update(
            type: type, changes: [FieldChange(field: field, kind: .clear)], expectsVersion: false)
    }
}
