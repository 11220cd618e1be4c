extension TestSchema {
    /// Totals of every kind over one type by two references, and operations in which two names may
    /// mean one entity.
    static let warehouseText = """
        schema: 1
        name: warehouse
        entities:
          Site:
            key: string
            fields:
              capacity: { type: int, default: 100 }
              open: { type: bool, default: true }
            derived:
              units: { sum: Lot.units, by: site }
              graded: { sum: Lot.units, by: site, where: self.grade != 'scrap' }
              lots: { count: Lot, by: site }
              scarce: { count: Lot, by: site, where: 100 / self.units > 20 }
              returns: { count: Lot, by: origin }
              worth:
                sum: Lot.price
                by: origin
                where: self.note.startsWith('r') || self.price > 5
            invariants:
              - { id: slow, rule: oldSelf.units - self.units <= 60 || !oldSelf.open }
              - { id: room, rule: self.units <= self.capacity }
              - { id: scarce_lots, rule: self.lots - self.scarce <= 4 && self.returns < 6 }
              - { id: closed_is_empty, rule: self.open || self.units == 0 }
              - { id: mean, rule: self.lots == 0 || self.units / self.lots >= -50 }
              - { id: mostly_graded, rule: 2 * self.graded >= self.units - 50 }
              - { id: worth_limit, rule: self.worth < 10000.0 }
          Lot:
            key: uint64
            fields:
              site: { ref: Site }
              origin: { ref: Site }
              units: { type: int, default: 1 }
              grade: { type: enum, values: [good, fair, scrap], default: good }
              price: { type: decimal, scale: 2, default: 1.5 }
              note: { type: string, max_length: 12, default: '' }
              sealed: { type: bool, default: false }
            invariants:
              - { id: stays_sealed, rule: '!oldSelf.sealed || self.sealed' }
              - { id: cheap_scrap, rule: "self.grade == 'scrap' ? self.price < 4 : true" }
              - { id: keeps_units, rule: '!oldSelf.sealed || self.units == oldSelf.units' }
              - { id: short_note, rule: "size(self.note) < 8 || self.note.endsWith('!')" }
              - { id: same_lot, rule: self == oldSelf && self.key == oldSelf.key }
        operations:
          build:
            parameters: { site: { type: string, max_length: 400 }, capacity: int, open: bool }
            effects: ['create Site(site) { capacity: capacity, open: open }']
          store:
            parameters:
              lot: uint64
              site: { ref: Site }
              origin: { ref: Site }
              units: int
              grade: { type: enum, values: [good, fair, scrap] }
              price: { type: decimal, scale: 2 }
              note: string
            effects:
              - 'create Lot(lot) { site: site, origin: origin, units: units, grade: grade,
                price: price, note: note }'
          store_plain:
            parameters: { lot: uint64, site: { ref: Site } }
            effects: ['create Lot(lot) { site: site, origin: site }']
          store_two:
            parameters: { lot: uint64, other: uint64, site: { ref: Site }, units: int }
            effects:
              - 'create Lot(lot) { site: site, origin: site, units: units }'
              - 'create Lot(other) { site: site, origin: site, units: -units }'
          move:
            parameters: { lot: { ref: Lot }, site: { ref: Site } }
            effects: [lot.site = site]
          exchange:
            parameters: { first: { ref: Lot }, second: { ref: Lot } }
            effects:
              - first.site = second.origin
              - second.origin = first.site
              - first.units = second.units
          adjust:
            parameters: { lot: { ref: Lot }, change: int }
            effects: [lot.units += change]
          multiply:
            parameters: { lot: { ref: Lot }, factor: int }
            effects: [lot.units = lot.units * factor]
          split:
            parameters: { from: { ref: Lot }, to: { ref: Lot }, count: int }
            require:
              - { id: one_site, rule: from.site == to.site || from.site.open }
            effects:
              - from.units -= count
              - to.units += count
          two_sides:
            parameters: { first: { ref: Lot }, second: { ref: Lot }, note: string, units: int }
            effects:
              - first.note = note
              - second.units = units
              - first.price += 0.25
          regrade:
            parameters:
              lot: { ref: Lot }
              grade: { type: enum, values: [good, fair, scrap] }
            effects: [lot.grade = grade]
          annotate:
            parameters: { lot: { ref: Lot }, note: string }
            effects: [lot.note = lot.note + note]
          seal:
            parameters: { lot: { ref: Lot }, sealed: bool }
            effects: [lot.sealed = sealed]
          discard:
            parameters: { lot: { ref: Lot } }
            effects: [delete lot]
          discard_two:
            parameters: { first: { ref: Lot }, second: { ref: Lot } }
            effects: [delete first, delete second]
          change_and_discard:
            parameters: { first: { ref: Lot }, second: { ref: Lot }, grade: int }
            effects:
              - first.units = grade
              - first.note = 'gone'
              - delete second
          discard_and_change:
            parameters: { first: { ref: Lot }, second: { ref: Lot }, units: int }
            effects:
              - delete first
              - second.units = units
          replace:
            parameters: { old: { ref: Lot }, pattern: { ref: Lot }, lot: uint64 }
            effects:
              - delete old
              - 'create Lot(lot) { site: pattern.site, origin: pattern.origin,
                units: pattern.units + 1, note: pattern.note + "r" }'
          rebuild:
            parameters: { site: { ref: Site }, name: string, capacity: int }
            effects:
              - delete site
              - 'create Site(name) { capacity: capacity }'
          enlarge:
            parameters: { lot: { ref: Lot }, more: int, open: bool }
            effects:
              - lot.site.capacity += more
              - lot.site.open = open
              - lot.origin.capacity += more
          move_and_enlarge:
            parameters: { lot: { ref: Lot }, site: { ref: Site } }
            effects:
              - lot.site.capacity -= 1
              - lot.site = site
              - lot.site.capacity = lot.site.capacity + lot.site.lots
          demolish:
            parameters: { site: { ref: Site } }
            effects: [delete site]
          demolish_lot_site:
            parameters: { lot: { ref: Lot } }
            effects: [delete lot.site, delete lot]
          vacate_and_demolish:
            parameters: { lot: { ref: Lot }, site: { ref: Site }, refuge: { ref: Site } }
            effects:
              - lot.site = refuge
              - lot.origin = refuge
              - delete site
          demolish_and_move:
            parameters: { lot: { ref: Lot }, site: { ref: Site }, refuge: { ref: Site } }
            effects:
              - delete site
              - lot.site = refuge
          close:
            parameters: { site: { ref: Site }, open: bool }
            effects: [site.open = open]
        """
}
