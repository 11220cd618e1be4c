extension TestSchema {
    /// Totals of totals over three levels and over one type itself, `min` and `max` of every type,
    /// references without a value, unique keys of every kind, rules about whole transactions, and
    /// generic types.
    static let guildText = """
        schema: 1
        name: guild
        entities:
          Region:
            key: string
            generic: true
            fields:
              cap: { type: int, default: 60 }
              code: { type: string, max_length: 6, optional: true }
              parent: { ref: Region, optional: true }
            derived:
              teams: { count: Team, by: region }
              seats: { sum: Team.used, by: region }
              busy: { count: Team, by: region, where: self.used > 3 && self.members < 3 }
              oldest: { min: Team.first_joined, by: region }
              best: { max: Team.top, by: region, where: has(self.top) && self.top > 0 }
              lowest: { sum: Team.low, by: region }
              parts: { count: Region, by: parent }
              below: { sum: Region.seats, by: parent }
              crowded: { count: Region, by: parent, where: 10 / (self.teams - 3) > -20 }
            unique: [code]
            invariants:
              - id: cap_holds
                rule: self.seats <= self.cap
                message: '{self.seats} of {self.cap} seats in {self.key}'
              - { id: best_bound, rule: '!has(self.best) || self.best < 1000.0' }
              - { id: shrinks_slowly, rule: self.seats >= oldSelf.seats - 20 }
              - { id: few_below, rule: self.below < 90 && self.parts < 4 && self.crowded < 3 }
              - id: oldest_known
                rule: "!has(self.oldest) || self.oldest < timestamp('9000-01-01T00:00:00Z')"
              - id: oldest_stays
                rule: "!has(oldSelf.oldest) || !has(self.oldest) || self.oldest <= oldSelf.oldest
                  || self.teams < 2"
              - { id: lowest_bound, rule: self.lowest + self.busy < 70 }
          Team:
            key: uint64
            generic: true
            fields:
              region: { ref: Region, optional: true }
              name: { type: string, max_length: 8 }
              rank: { type: int, optional: true }
              plan: { type: enum, values: [free, paid], default: free }
            derived:
              used: { sum: Member.seats, by: team, where: '!self.idle' }
              members: { count: Member, by: team }
              first_joined: { min: Member.joined, by: team }
              longest: { max: Member.shift, by: team }
              top: { max: Member.pay, by: team, where: self.seats > 0 }
              low: { min: Member.seats, by: team }
              pay: { sum: Member.pay, by: team }
              mentors: { count: Member, by: mentor_of }
            unique: [[region, name], rank]
            invariants:
              - id: free_is_small
                rule: self.plan == 'paid' || self.used <= 12
              - { id: no_long_shift, rule: "self.members == 0 || self.longest <= duration('100h')" }
              - { id: spread, rule: '!has(self.low) || self.used - self.low <= 40' }
              - { id: pay_covered, rule: '!has(self.top) || self.pay >= self.top - 500' }
              - { id: few_mentors, rule: self.mentors <= 2 }
              - { id: rank_falls, rule: '!has(oldSelf.rank) || has(self.rank)' }
          Member:
            key: string
            generic: true
            fields:
              team: { ref: Team }
              mentor_of: { ref: Team, optional: true }
              seats: { type: int, default: 1 }
              pay: { type: decimal, scale: 2, optional: true }
              joined: { type: timestamp, optional: true }
              shift: { type: duration, default: 8h }
              idle: { type: bool, default: false }
              badge: { type: uuid, optional: true }
              mail: { type: bytes, max_length: 4, optional: true }
            unique: [[team, badge], mail, [joined, shift, idle]]
            invariants:
              - { id: own_mentor, rule: '!has(self.mentor_of) || self.mentor_of != self.team' }
              - { id: seats_not_negative, rule: self.seats >= 0 || self.idle }
        operations:
          found:
            parameters: { region: string, cap: int }
            effects: ['create Region(region) { cap: cap }']
          found_below:
            parameters: { region: string, parent: { ref: Region }, code: { type: string, max_length: 7 } }
            effects: ['create Region(region) { parent: parent, code: code }']
          found_capital:
            effects: ["create Region('a') { code: 'first' }"]
          attach:
            parameters: { region: { ref: Region }, parent: { ref: Region } }
            effects: [region.parent = parent]
          detach:
            parameters: { region: { ref: Region } }
            require: [{ id: is_attached, rule: region.parent.cap > 0 }]
            effects: [region.parent.cap += 1, region.parent = null]
          limit:
            parameters: { region: { ref: Region }, cap: int }
            require: [{ id: sensible, rule: cap < 200 && cap >= region.seats }]
            effects: [region.cap = cap]
          form:
            parameters: { team: uint64, region: { ref: Region }, name: string }
            effects: ['create Team(team) { region: region, name: name, rank: int(team) }']
          form_alone:
            parameters: { team: uint64, name: string, plan: { type: enum, values: [free, paid] } }
            effects: ['create Team(team) { name: name, plan: plan }']
          rename:
            parameters: { team: { ref: Team }, name: string }
            effects: [team.name = name]
          exchange_names:
            parameters: { first: { ref: Team }, second: { ref: Team }, spare: string }
            effects:
              - second.name = first.name + second.name
              - "first.name = spare"
              - "second.name = spare + 'x'"
              - first.rank = second.rank
              - second.rank = null
          exchange_mail:
            parameters: { first: { ref: Member }, second: { ref: Member }, kept: { type: bytes, max_length: 4 } }
            effects:
              - first.mail = second.mail
              - second.mail = kept
          move_team:
            parameters: { team: { ref: Team }, region: { ref: Region } }
            effects: [team.region = region]
          free_team:
            parameters: { team: { ref: Team } }
            effects: [team.region = null, team.plan = 'paid']
          join:
            parameters: { member: string, team: { ref: Team }, seats: int }
            effects: ['create Member(member) { team: team, seats: seats, joined: now }']
          join_paid:
            parameters:
              member: string
              team: { ref: Team }
              pay: { type: decimal, scale: 2 }
              joined: timestamp
              shift: duration
            effects:
              - 'create Member(member) { team: team, pay: pay, joined: joined, shift: shift }'
          move:
            parameters: { member: { ref: Member }, team: { ref: Team } }
            effects: [member.team = team]
          mentor:
            parameters: { member: { ref: Member }, team: { ref: Team } }
            effects: [member.mentor_of = team]
          mentor_own_region:
            parameters: { member: { ref: Member }, other: { ref: Member } }
            require: [{ id: same, rule: member.mentor_of.region == other.team.region }]
            effects: [member.mentor_of = other.mentor_of, other.mentor_of = null]
          raise:
            parameters: { member: { ref: Member }, pay: { type: decimal, scale: 2 } }
            require: [{ id: later, rule: now > member.joined }]
            effects: [member.pay = pay]
          unpay:
            parameters: { member: { ref: Member }, shift: duration }
            effects: [member.pay = null, member.shift = shift, member.joined = null]
          rejoin:
            parameters: { member: { ref: Member }, after: duration }
            effects: [member.joined = now + after]
          badge:
            parameters: { member: { ref: Member }, badge: uuid, mail: { type: bytes, max_length: 5 } }
            effects: [member.badge = badge, member.mail = mail]
          transfer:
            parameters: { from: { ref: Member }, to: { ref: Member }, count: int }
            effects: [from.seats -= count, to.seats += count]
          leak:
            parameters: { from: { ref: Member }, to: { ref: Member }, count: int }
            effects: [from.seats -= count, to.seats += count / 2]
          idle:
            parameters: { member: { ref: Member }, idle: bool }
            effects: [member.idle = idle]
          leave:
            parameters: { member: { ref: Member } }
            effects: [delete member]
          disband:
            parameters: { team: { ref: Team } }
            effects: [delete team]
          disband_with:
            parameters: { team: { ref: Team }, first: { ref: Member }, second: { ref: Member } }
            effects: [second.team = first.mentor_of, delete first, delete team]
          abandon:
            parameters: { region: { ref: Region } }
            effects: [delete region]
        transaction_invariants:
          - { id: seats_move, rule: delta(Member.seats) == 0, only: [transfer, leak, exchange_mail] }
          - id: few_at_once
            rule: delta(Member) <= 2 && delta(Team) > -2
            message: '{delta(Member)} more members and {delta(Team)} more teams, {{really}}'
          - { id: used_slowly, rule: delta(Team.used) < 25, except: [join, limit] }
          - id: ratio
            rule: delta(Member.seats) / delta(Region) < 3 || delta(Region) == 0
          - { id: pay_slowly, rule: delta(Member.pay) <= 700.0 && delta(Team.pay) > -900.0 }
          - id: levels_agree
            rule: delta(Region.seats) <= delta(Team.used) + 3 || delta(Region) < 0
            except: [move_team, free_team]
        """
}
