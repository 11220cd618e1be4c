import AtomicStateSchema
import Foundation

/// The schemas that random transactions run against.
enum TestSchema: String, CaseIterable, Sendable {
    case bank, seats, warehouse, registry

    func program() throws -> Program {
        Program(compiling: try Schema(parsing: try text()))
    }

    private func text() throws -> String {
        switch self {
        case .bank, .seats:
            let root = URL(fileURLWithPath: #filePath)
                .deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
            return try String(
                contentsOf: root.appending(path: "examples/\(rawValue).yaml"), encoding: .utf8)
        case .warehouse: return Self.warehouse
        case .registry: return Self.registry
        }
    }

    /// Totals of every kind over one type by two references, and operations in which two names may
    /// mean one entity.
    private static let warehouse = """
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

    /// Three types in a row, text keys of every kind, and rules over text and mixed numbers.
    private static let registry = """
        schema: 1
        name: registry
        entities:
          Zone:
            key: uint64
            fields:
              most: { type: int, default: 4 }
              tag: { type: string, max_length: 9, default: z }
            derived:
              offices: { count: Office, by: zone }
              budget: { sum: Office.budget, by: zone }
              named: { count: Office, by: zone, where: "size(self.name + '!') > 3" }
            invariants:
              - { id: offices_limit, rule: self.offices <= self.most }
              - { id: budget_holds, rule: self.budget >= oldSelf.budget - 1000 }
              - { id: high_zones, rule: 'self.key < 1000u || int(self.key) % 2 == 1' }
              - { id: named_half, rule: self.named * 2 >= self.offices - 3 }
          Office:
            key: string
            fields:
              zone: { ref: Zone }
              budget: { type: decimal, scale: 4, default: 0 }
              name: { type: string, max_length: 20, default: '' }
            derived:
              desks: { count: Desk, by: office, where: "self.state in ['free', 'taken']" }
              height: { sum: Desk.height, by: office }
            invariants:
              - { id: no_nameless_desks, rule: "self.desks == 0 || self.name != ''" }
              - { id: height_budget, rule: self.height * 0.5 <= self.budget + 50 }
              - { id: name_grows, rule: "self.name == oldSelf.name || self.name > oldSelf.name" }
          Desk:
            key: string
            fields:
              office: { ref: Office }
              height: { type: decimal, scale: 1, default: 0.5 }
              state: { type: enum, values: [free, taken, broken], default: free }
              label: { type: string, max_length: 300, default: desk }
            invariants:
              - { id: label_of_broken, rule: "self.state != 'broken' || self.label.contains('b')" }
              - { id: mended_first, rule: "oldSelf.state != 'broken' || self.state != 'taken'" }
        operations:
          zone:
            parameters: { zone: uint64, most: int }
            require:
              - { id: sensible, rule: 'uint(most) < 100u || zone == 7u' }
            effects: ['create Zone(zone) { most: most }']
          zone_by_number:
            parameters: { number: int }
            effects: ['create Zone(uint(number)) {}']
          office:
            parameters:
              office: { type: string, max_length: 500 }
              zone: { ref: Zone }
              budget: { type: decimal, scale: 2 }
              name: string
            effects: ['create Office(office) { zone: zone, budget: budget, name: name }']
          desk:
            parameters:
              desk: string
              office: { ref: Office }
              state: { type: enum, values: [free, taken, broken] }
            effects: ['create Desk(desk) { office: office, state: state }']
          twin:
            parameters: { desk: { ref: Desk }, suffix: string }
            effects:
              - 'create Desk(desk.key + suffix) { office: desk.office, label: desk.key + desk.label,
                height: desk.height }'
          set_desk:
            parameters:
              desk: { ref: Desk }
              height: { type: decimal, scale: 0 }
              state: { type: enum, values: [free, taken, broken] }
              label: { type: string, max_length: 500 }
            require:
              - { id: other, rule: "desk.label != label && (size(label) < 9 || label.startsWith('b'))" }
            effects:
              - desk.height = height
              - desk.state = state
              - desk.label = label
              - "desk.label = (desk.state == 'taken' ? desk.label + '*' : desk.label)"
          carry:
            parameters: { desk: { ref: Desk }, office: { ref: Office } }
            effects:
              - desk.office = office
              - desk.office.zone.tag = desk.office.zone.tag + '+'
          fund:
            parameters: { desk: { ref: Desk }, amount: { type: decimal, scale: 4 } }
            require:
              - { id: has_budget, rule: '10 / desk.office.zone.offices > 1 || amount > 0.5' }
            effects:
              - desk.office.budget += amount
              - desk.office.zone.most += 1
              - "desk.office.name = desk.office.name + 'x'"
          shift_zone:
            parameters: { office: { ref: Office }, zone: { ref: Zone } }
            effects: [office.zone = zone]
          merge:
            parameters: { from: { ref: Office }, into: { ref: Office }, desk: { ref: Desk } }
            effects:
              - into.budget += from.budget
              - from.budget = 0
              - desk.office = into
              - delete from
          merge_zones:
            parameters: { from: { ref: Zone }, into: { ref: Zone }, office: { ref: Office } }
            effects:
              - office.zone = into
              - into.most += from.most
              - delete from
          remove_desk:
            parameters: { desk: { ref: Desk } }
            effects: [delete desk]
          remove_office:
            parameters: { office: { ref: Office } }
            effects: [delete office]
          remove_zone:
            parameters: { zone: { ref: Zone } }
            effects: [delete zone]
          rename_desk:
            parameters: { desk: { ref: Desk }, source: { ref: Desk }, name: string }
            effects:
              - delete desk
              - 'create Desk(name) { office: source.office, label: source.label, state: source.state }'
        """
}
