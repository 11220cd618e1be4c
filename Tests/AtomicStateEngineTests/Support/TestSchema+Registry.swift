extension TestSchema {
    /// Three types in a row, text keys of every kind, and rules over text and mixed numbers.
    static let registryText = """
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
