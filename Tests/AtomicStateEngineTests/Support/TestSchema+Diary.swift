extension TestSchema {
    /// Every type that a field, parameter or key can have, and fields without a value.
    static let diaryText = """
        schema: 1
        name: diary
        entities:
          Room:
            key: uuid
            fields:
              opens: { type: duration, default: 8h }
              seal: { type: bytes, max_length: 8, default: c0ff }
              owner: { type: uuid, optional: true }
              closed: { type: timestamp, optional: true }
            derived:
              slots: { count: Slot, by: room, where: has(self.note) }
              guests: { sum: Slot.guests, by: room }
            invariants:
              - id: few_notes
                rule: self.slots < 3
              - id: few_guests
                rule: self.guests <= 60
              - id: sealed
                rule: size(self.seal) > 0 && self.seal != b'\\\\x00'
              - id: opening
                rule: self.opens >= duration('0s') && self.opens.getHours() < 24
              - id: stays_closed
                rule: "has(oldSelf.closed) ? !has(self.closed) || self.closed >= oldSelf.closed : true"
          Slot:
            key: uuid
            fields:
              room: { ref: Room }
              begin: timestamp
              length: { type: duration, default: 30m }
              guests: { type: int, optional: true }
              note: { type: string, max_length: 12, optional: true }
              photo: { type: bytes, max_length: 4, optional: true }
              kind: { type: enum, values: [open, private], optional: true }
            invariants:
              - id: takes_time
                rule: self.length > duration('0s')
              - id: ends
                rule: self.begin + self.length < timestamp('9999-12-31T23:00:00Z')
              - id: seconds
                rule: self.begin.getSeconds('+00:30') < 50 || self.begin.getFullYear() != 1970
              - id: guests_count
                rule: "!has(self.guests) || double(self.guests) * 0.5 <= 15.0"
              - id: private_has_few
                rule: "!has(self.kind) || self.kind != 'private' || self.guests in [1, 2, 3]"
              - id: note_says
                rule: "!(has(self.note) && self.note == string(self.guests))"
        operations:
          open_room:
            parameters: { room: uuid, seal: { type: bytes, max_length: 9 }, opens: duration }
            effects:
              - "create Room(room) { seal: seal, opens: opens }"
          open_plain_room:
            parameters: { room: uuid }
            effects:
              - "create Room(room) { owner: '00000000-0000-0000-0000-000000000001' }"
          close_room:
            parameters: { room: { ref: Room }, at: timestamp }
            effects:
              - room.closed = at
              - room.owner = null
          reopen_room:
            parameters: { room: { ref: Room }, owner: uuid }
            effects:
              - room.owner = owner
              - room.closed = null
          tear_down: { parameters: { room: { ref: Room } }, effects: [delete room] }
          book:
            parameters: { slot: uuid, room: { ref: Room }, begin: timestamp, guests: int }
            require:
              - { id: open, rule: "!has(room.closed) || begin < room.closed" }
            effects:
              - "create Slot(slot) { room: room, begin: begin, guests: guests }"
          book_quietly:
            parameters: { slot: uuid, room: { ref: Room }, begin: timestamp }
            effects:
              - "create Slot(slot) { room: room, begin: begin, kind: 'private', guests: null }"
          move:
            parameters: { slot: { ref: Slot }, by: duration, to: { ref: Room } }
            require:
              - { id: forwards, rule: by > duration('0s') || uint(slot.begin.getDate()) > 20u }
            effects:
              - slot.begin += by
              - slot.room = to
          stretch:
            parameters: { slot: { ref: Slot }, until: timestamp }
            effects:
              - slot.length = until - slot.begin
          annotate:
            parameters:
              slot: { ref: Slot }
              note: { type: string, max_length: 14 }
              photo: { type: bytes, max_length: 6 }
            effects:
              - slot.note = note
              - slot.photo = photo + b'!'
          clear:
            parameters: { slot: { ref: Slot } }
            effects:
              - slot.note = null
              - slot.photo = null
              - slot.kind = null
          invite:
            parameters: { slot: { ref: Slot }, count: int }
            effects:
              - slot.guests += count
              - "slot.kind = slot.guests > 3 ? 'open' : 'private'"
          cancel: { parameters: { slot: { ref: Slot } }, effects: [delete slot] }

        """
}
