import Foundation
import Testing

@testable import AtomicStateSchema

/// Files and rules for the tests to read.
enum Fixture {
    /// A schema with one of everything that a rule can read. `extra` is put into place as it is.
    static func file(
        invariant: String = "true", condition: String = "true", requirement: String = "true",
        effect: String = "order.units = 1"
    ) -> String {
        """
        schema: 1
        name: shop
        entities:
          Customer:
            key: uint64
            fields:
              credit: { type: decimal, scale: 2, default: 0 }
            derived:
              owed: { sum: Order.price, by: customer }
              shipped:
                count: Order
                by: customer
                where: |
                  \(condition)
          Order:
            key: string
            fields:
              customer: { ref: Customer }
              units: int
              price: { type: decimal, scale: 2, default: 1.5 }
              rate: { type: decimal, scale: 17, default: 0 }
              state: { type: enum, values: [open, shipped], default: open }
              note: { type: string, default: '' }
              urgent: { type: bool, default: false }
            derived:
              parts: { count: Part, by: order }
            invariants:
              - id: rule
                rule: |
                  \(invariant)
          Part:
            key: uint64
            fields:
              order: { ref: Order }
        operations:
          change:
            parameters:
              order: { ref: Order }
              other: { ref: Order }
              customer: { ref: Customer }
              count: int
              number: uint64
              money: { type: decimal, scale: 2 }
              fine: { type: decimal, scale: 3 }
              text: string
              choice: { type: enum, values: [open, shipped] }
              color: { type: enum, values: [red, green] }
            require:
              - id: rule
                rule: |
                  \(requirement)
            effects:
              - |
                \(effect)

        """
    }

    /// Where each of the four texts above begins.
    enum Place {
        case invariant, condition, requirement, effect

        var column: Int {
            switch self {
            case .condition, .invariant, .requirement: 11
            case .effect: 9
            }
        }

        func file(_ text: String) -> String {
            switch self {
            case .invariant: Fixture.file(invariant: text)
            case .condition: Fixture.file(condition: text)
            case .requirement: Fixture.file(requirement: text)
            case .effect: Fixture.file(effect: text)
            }
        }

        /// The diagnostics of a one-line rule or effect, as "column: message", columns from 1 at
        /// the start of the rule.
        func mistakes(_ text: String) -> [String] {
            diagnostics(of: file(text)).map {
                "\($0.location.column - column + 1): \($0.message)"
            }
        }
    }

    static func diagnostics(of text: String) -> [Diagnostic] {
        do throws(SchemaError) {
            _ = try Schema(parsing: text)
            return []
        } catch {
            return error.diagnostics
        }
    }

    /// The diagnostics of a file, as "line:column: message".
    static func mistakes(_ text: String) -> [String] {
        diagnostics(of: text).map { "\($0.location.line):\($0.location.column): \($0.message)" }
    }

    static func example(_ name: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try String(
            contentsOf: root.appending(path: "examples/\(name).yaml"), encoding: .utf8)
    }
}

extension LocatedText {
    /// Text that stands alone on line 1.
    init(_ text: String) {
        let scalars = Array(text.unicodeScalars)
        self.init(
            scalars: scalars,
            locations: (0...scalars.count).map { SourceLocation(line: 1, column: $0 + 1) })
    }
}
