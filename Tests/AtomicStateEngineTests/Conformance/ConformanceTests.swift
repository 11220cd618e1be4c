import AtomicStateEngine
import AtomicStateSchema
import Foundation
import Testing

/// The cases of the CEL specification's test suite, by the parser, checker, compiler and evaluator
/// that rules go through.
///
/// They are read from the folder that the environment variable CEL_CASES names.
@Suite struct ConformanceTests {
    private static var folder: URL {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        guard let path = ProcessInfo.processInfo.environment["CEL_CASES"] else {
            return root.appending(path: "../shared/cel-conformance")
        }
        return URL(fileURLWithPath: path, relativeTo: root)
    }

    @Test func everyCaseInScopePasses() throws {
        guard FileManager.default.fileExists(atPath: Self.folder.path) else {
            print("conformance: no cases in \(Self.folder.path); set CEL_CASES to where they are")
            return
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
            .filter { $0.hasSuffix(".json") }
        try #require(!names.isEmpty, "the folder holds no cases")
        let runner = try ConformanceRunner()
        for name in names.sorted() {
            let data = try Data(contentsOf: Self.folder.appending(path: name))
            let file = try JSONDecoder().decode(ConformanceFile.self, from: data)
            print(runner.run(file))
        }
    }
}

/// Judges cases. One engine without entities is enough for all of them.
private final class ConformanceRunner {
    private var engine: Engine

    init() throws(SchemaError) {
        let schema = Schema(
            name: "none", entities: [], operations: [], transactionInvariants: [])
        engine = Engine(program: try Program(compiling: schema), schemaVersion: 1)
    }

    private enum Verdict {
        case passed
        case failed(String)
        case skipped(String)
    }

    /// The file's counts, and why cases were skipped.
    func run(_ file: ConformanceFile) -> String {
        var passed = 0
        var failed = 0
        var skipped: [String] = []
        for test in file.cases {
            switch judge(test) {
            case .passed:
                passed += 1
            case .failed(let reason):
                failed += 1
                Issue.record("\(file.file) \(test.section)/\(test.name): \(test.expr): \(reason)")
            case .skipped(let reason):
                skipped.append("  skipped \(test.section)/\(test.name): \(reason)")
            }
        }
        let counts = "\(file.file): \(passed) passed, \(failed) failed, \(skipped.count) skipped"
        return ([counts] + skipped).joined(separator: "\n")
    }

    private func judge(_ test: ConformanceCase) -> Verdict {
        if let reason = test.reasonToSkip { return .skipped(reason) }
        let names = Set((test.type_env ?? [:]).keys).union((test.bindings ?? [:]).keys).sorted()
        let variables = names.compactMap { name in
            let type =
                test.type_env?[name].flatMap(ConformanceCase.valueType)
                ?? test.bindings?[name]?.type
            return type.map { CompiledExpression.Variable(name: name, type: $0) }
        }
        let compiled: CompiledExpression
        do throws(SchemaError) {
            compiled = try CompiledExpression(test.expr, variables: variables)
        } catch {
            if test.expectsError { return .passed }
            if let reason = test.reasonToSkip(refusedWith: error.diagnostics) {
                return .skipped(reason)
            }
            return .failed(error.diagnostics.map(\.message).joined(separator: "; "))
        }
        if test.check_only == true { return .passed }
        let arguments = ConformanceArguments(names.map { test.bindings?[$0] ?? .null })
        switch engine.evaluate(compiled, arguments: arguments.columns) {
        case .failure(let code):
            return test.expectsError ? .passed : .failed("rejected: \(code)")
        case .success(let values):
            var values = values[...]
            let found = ConformanceValue(compiled.expression, &values)
            return found.isSame(as: test.expect.value) ? .passed : .failed("found \(found)")
        }
    }
}

/// The bindings of a case as columns of one value.
private final class ConformanceArguments {
    private(set) var columns: [ArgumentColumn] = []
    private var memory: [UnsafeMutableRawBufferPointer] = []

    init(_ values: [ConformanceValue]) {
        for value in values {
            switch value {
            case .null, .list, .foreign: append(words: [0])
            case .bool(let value): append(words: [value ? 1 : 0])
            case .int(let value): append(words: [UInt64(bitPattern: value)])
            case .uint(let value): append(words: [value])
            case .double(let value): append(words: [value.bitPattern])
            case .timestamp(let seconds, let nanoseconds), .duration(let seconds, let nanoseconds):
                columns.append(
                    ArgumentColumn(
                        words: copy([UInt64(bitPattern: seconds)]),
                        nanoseconds: copy([UInt32(nanoseconds)])))
            case .string(let text): append(text: Array(text.utf8))
            case .bytes(let bytes): append(text: bytes)
            }
        }
    }

    deinit {
        for part in memory { part.deallocate() }
    }

    private func append(words: [UInt64]) {
        columns.append(ArgumentColumn(words: copy(words)))
    }

    private func append(text: [UInt8]) {
        columns.append(
            ArgumentColumn(
                text: UnsafeRawBufferPointer(copy(text)), lengths: copy([UInt32(text.count)])))
    }

    private func copy<Element: BitwiseCopyable>(
        _ elements: [Element]
    ) -> UnsafeBufferPointer<Element> {
        let copy = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = copy.initialize(from: elements)
        memory.append(UnsafeMutableRawBufferPointer(copy))
        return UnsafeBufferPointer(copy)
    }
}

extension ConformanceValue {
    /// The type that a variable of this value has.
    fileprivate var type: ValueType? {
        switch self {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        case .timestamp: .timestamp
        case .duration: .duration
        case .list, .foreign: nil
        }
    }

    /// What an expression led to: its value, or those in its lists, from the front of `values`.
    fileprivate init(
        _ expression: AtomicStateSchema.Expression, _ values: inout ArraySlice<EvaluatedValue>
    ) {
        if case .list(let elements) = expression.kind {
            self = .list(elements.map { ConformanceValue($0, &values) })
            return
        }
        switch (values.removeFirst(), expression.type) {
        case (.word(let word), .bool): self = .bool(word != 0)
        case (.word(let word), .int): self = .int(Int64(bitPattern: word))
        case (.word(let word), .uint): self = .uint(word)
        case (.word(let word), .double): self = .double(Double(bitPattern: word))
        case (.word, .null): self = .null
        case (.bytes(let bytes), .string): self = .string(String(decoding: bytes, as: UTF8.self))
        case (.bytes(let bytes), .bytes): self = .bytes(bytes)
        case (.time(let time), .timestamp):
            self = .timestamp(seconds: time.seconds, nanoseconds: time.nanoseconds)
        case (.time(let time), .duration):
            self = .duration(seconds: time.seconds, nanoseconds: time.nanoseconds)
        case (_, let type): self = .foreign("\(type)")
        }
    }

    /// Texts by code points, and doubles by their bits: no number is as good as another.
    fileprivate func isSame(as other: ConformanceValue?) -> Bool {
        switch (self, other) {
        case (.double(let left), .double(let right)):
            left.isNaN && right.isNaN || left.bitPattern == right.bitPattern
        case (.string(let left), .string(let right)):
            left.unicodeScalars.elementsEqual(right.unicodeScalars)
        case (.list(let left), .list(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
        default: self == other
        }
    }
}
