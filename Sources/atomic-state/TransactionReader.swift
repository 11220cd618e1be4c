import ArgumentParser
import AtomicStateClient

/// Reads transactions from the words of a command line. A step is one of
///
///     OPERATION NAME=VALUE ...
///     create TYPE KEY FIELD=VALUE ...
///     update TYPE KEY [@VERSION] FIELD=VALUE FIELD+=VALUE FIELD- ...
///     delete TYPE KEY [@VERSION]
///
/// `and` joins the steps of a transaction; after `then` the next transaction starts. As an argument of
/// a call has an equals sign and a type's name has none, operations may be called create, update or
/// delete.
struct TransactionReader {
    private static let conjunctions = ["and", "then"]

    private var words: ArraySlice<String>

    /// - Throws: `ValidationError` with the word that does not fit, and what was expected.
    static func transactions(from words: [String]) throws -> [Transaction] {
        var reader = TransactionReader(words: words[...])
        var transactions = [try reader.transaction()]
        while reader.take("then") { transactions.append(try reader.transaction()) }
        return transactions
    }

    private mutating func transaction() throws -> Transaction {
        var steps = [try step()]
        while take("and") { steps.append(try step()) }
        return Transaction(steps: steps)
    }

    private mutating func take(_ conjunction: String) -> Bool {
        guard words.first == conjunction else { return false }
        words.removeFirst()
        return true
    }

    private mutating func step() throws -> Transaction.Step {
        guard let verb = words.popFirst() else {
            throw ValidationError("nothing follows at the end: expected a step")
        }
        guard !Self.conjunctions.contains(verb) else {
            throw ValidationError("expected a step, found '\(verb)'")
        }
        let isGeneric = words.first.map { !$0.contains("=") && !Self.conjunctions.contains($0) }
        guard isGeneric == true, ["create", "update", "delete"].contains(verb) else {
            return .call(verb, try assignments().valuesToSet(in: verb))
        }
        let type = words.removeFirst()
        guard let key = words.popFirst().map({ ArgumentValue($0) }) else {
            throw ValidationError("\(verb) \(type): expected a key")
        }
        let changes = try assignments()
        switch verb {
        case "create":
            return .create(type, key, try changes.valuesToSet(in: "create \(type)"))
        case "update":
            return .update(
                type, key, set: changes.set, add: changes.add, clear: changes.clear,
                expectedVersion: changes.version)
        default:
            guard changes.set.isEmpty, changes.add.isEmpty, changes.clear.isEmpty else {
                throw ValidationError("delete \(type): expected nothing but a key and a @VERSION")
            }
            return .delete(type, key, expectedVersion: changes.version)
        }
    }

    /// The words up to the end of the step.
    private mutating func assignments() throws -> Assignments {
        let end = words.firstIndex { Self.conjunctions.contains($0) } ?? words.endIndex
        defer { words = words[end...] }
        var assignments = Assignments()
        for word in words[..<end] { try assignments.read(word) }
        return assignments
    }
}

/// What a step says of parameters or fields.
private struct Assignments {
    var set: [String: ArgumentValue] = [:]
    var add: [String: ArgumentValue] = [:]
    var clear: [String] = []
    var version: UInt64?

    mutating func read(_ word: String) throws {
        if word.hasPrefix("@") {
            guard let number = UInt64(word.dropFirst()), version == nil else {
                throw ValidationError("\(word): expected one version, as in @7")
            }
            version = number
        } else if let equals = word.firstIndex(of: "=") {
            let name = word[..<equals]
            let value = ArgumentValue(String(word[word.index(after: equals)...]))
            let isAdded = name.hasSuffix("+")
            let previous =
                isAdded
                ? add.updateValue(value, forKey: String(name.dropLast()))
                : set.updateValue(value, forKey: String(name))
            guard previous == nil else { throw ValidationError("\(name) is given twice") }
        } else if word.hasSuffix("-") {
            clear.append(String(word.dropLast()))
        } else {
            throw ValidationError("\(word): expected NAME=VALUE")
        }
    }

    /// The values, if there is nothing else.
    func valuesToSet(in step: String) throws -> [String: ArgumentValue] {
        guard add.isEmpty, clear.isEmpty, version == nil else {
            throw ValidationError("\(step): expected nothing but NAME=VALUE")
        }
        return set
    }
}
