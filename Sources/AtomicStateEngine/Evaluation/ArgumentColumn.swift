internal import CPlatform

/// The arguments of one parameter for every transaction of a run, in memory owned by the caller.
///
/// A parameter of text (string, bytes, uuid, or a reference to a type with such keys) uses `text` and
/// `lengths`, every other one `words`, to which a timestamp or duration adds `nanoseconds` unless all
/// of them are 0; each has a value for every transaction, and the lengths add up to the text.
package struct ArgumentColumn: BitwiseCopyable {
    let words: UnsafePointer<UInt64>?
    let text: UnsafeRawPointer?
    let lengths: UnsafePointer<UInt32>?
    let nanoseconds: UnsafePointer<UInt32>?

    package init(
        words: UnsafeBufferPointer<UInt64>, nanoseconds: UnsafeBufferPointer<UInt32>? = nil
    ) {
        self.words = words.baseAddress
        self.nanoseconds = nanoseconds?.baseAddress
        text = nil
        lengths = nil
    }

    package init(text: UnsafeRawBufferPointer, lengths: UnsafeBufferPointer<UInt32>) {
        words = nil
        nanoseconds = nil
        // A column of empty texts has no memory of its own, and none is read.
        self.text = text.baseAddress ?? UnsafeRawPointer(lengths.baseAddress)
        self.lengths = lengths.baseAddress
    }
}

extension ArgumentColumn {
    /// The texts of a column, one after the other.
    struct Texts: BitwiseCopyable {
        private let lengths: UnsafePointer<UInt32>
        /// Where the next one starts.
        private var start: UnsafeRawPointer

        /// Nil for a column of something else.
        init?(_ source: ArgumentSource) {
            guard let lengths = source.column.lengths, let text = source.text else { return nil }
            self.lengths = lengths
            start = text
        }

        /// - Parameter transaction: the one after that of the last call.
        @inline(__always)
        mutating func next(_ transaction: Int) -> UnsafeRawBufferPointer {
            // SAFETY: the column has a length for each transaction, and as much text as they add up to.
            let text = UnsafeRawBufferPointer(start: start, count: Int(lengths[transaction]))
            start += text.count
            return text
        }
    }

    /// The keys of a column of references, one after the other.
    struct Keys: BitwiseCopyable {
        private let numbers: UnsafePointer<UInt64>?
        private var texts: Texts?

        init(_ source: ArgumentSource) {
            numbers = source.column.words
            texts = Texts(source)
        }

        /// Of no column.
        init() {
            numbers = nil
            texts = nil
        }

        var areText: Bool { numbers == nil }

        @inline(__always)
        func prefetchNumber(of transaction: Int) {
            if let numbers { prefetch(numbers + transaction) }
        }

        /// - Parameter transaction: the one after that of the last call.
        @inline(__always)
        mutating func next(_ transaction: Int) -> Key {
            // SAFETY: the columns have the kinds of the parameters, and a value for each transaction.
            if let numbers { return .number(numbers[transaction]) }
            return .text((texts?.next(transaction)).unsafelyUnwrapped)
        }
    }
}

/// A column from one of its transactions on.
struct ArgumentSource: BitwiseCopyable {
    let column: ArgumentColumn
    /// Where that transaction's text starts, in a column of text.
    let text: UnsafeRawPointer?
}

extension ArgumentSource {
    /// - Parameter transaction: its place in the run.
    @inline(__always)
    func word(of transaction: Int) -> UInt64 {
        // SAFETY: the columns have the kinds of the parameters, and a value for each transaction.
        column.words.unsafelyUnwrapped[transaction]
    }

    /// All of a column.
    init(_ column: ArgumentColumn) {
        self.init(column: column, text: column.text)
    }
}

/// What the cursors of a routine's runs use, one after the other.
struct ArgumentCursorMemory: BitwiseCopyable {
    fileprivate let columns: UnsafeMutableBufferPointer<ArgumentColumn>
    fileprivate let textOffsets: UnsafeMutablePointer<Int>

    init(columnCount: Int) {
        columns = .allocate(capacity: columnCount)
        textOffsets = .allocate(capacity: max(columnCount, 1))
    }

    func deallocate() {
        columns.deallocate()
        textOffsets.deallocate()
    }
}

/// Walks through the columns of a run, a transaction at a time.
struct ArgumentCursor: ~Copyable {
    fileprivate let columns: UnsafeMutableBufferPointer<ArgumentColumn>
    /// Of each text column, where the current transaction's text starts. Set once; a variable for the
    /// reason that `Engine.stores` is one.
    private var textOffsets: UnsafeMutablePointer<Int>
    private let hasTexts: Bool
    /// Of the current transaction in its run.
    private(set) var transaction = 0

    /// - Parameter memory: that of the run's routine, for which there is no other cursor under way.
    init(_ columns: [ArgumentColumn], in memory: ArgumentCursorMemory) {
        precondition(columns.count == memory.columns.count, "a column for each parameter")
        self.columns = memory.columns
        _ = self.columns.initialize(from: columns)
        textOffsets = memory.textOffsets
        textOffsets.initialize(repeating: 0, count: columns.count)
        hasTexts = columns.contains { $0.lengths != nil }
    }

    @inline(__always)
    func word(of parameter: Int) -> UInt64 {
        // SAFETY: the columns have the kinds of the parameters, and a value for each transaction.
        columns[parameter].words.unsafelyUnwrapped[transaction]
    }

    /// Of a timestamp or duration, whose seconds are its word.
    func nanoseconds(of parameter: Int) -> UInt64 {
        columns[parameter].nanoseconds.map { UInt64($0[transaction]) } ?? 0
    }

    @inline(__always)
    func text(of parameter: Int) -> UnsafeRawBufferPointer {
        // SAFETY: as above.
        UnsafeRawBufferPointer(
            start: columns[parameter].text.unsafelyUnwrapped + textOffsets[parameter],
            count: Int(columns[parameter].lengths.unsafelyUnwrapped[transaction]))
    }

    /// Where the arguments of the current transaction and those after it are.
    func source(of parameter: Int) -> ArgumentSource {
        ArgumentSource(
            column: columns[parameter],
            text: columns[parameter].text.map { $0 + textOffsets[parameter] })
    }

    /// Of a parameter that is the key of an entity.
    @inline(__always)
    func key(of parameter: Int) -> Key {
        columns[parameter].words == nil ? .text(text(of: parameter)) : .number(word(of: parameter))
    }

    @inline(__always)
    mutating func advance() {
        if hasTexts { advanceTexts() }
        transaction += 1
    }

    @inline(__always)
    private mutating func advanceTexts() {
        for index in 0..<columns.count {
            if let lengths = columns[index].lengths {
                textOffsets[index] += Int(lengths[transaction])
            }
        }
    }
}

extension ArgumentCursor {
    /// The current transaction's argument, for a rejection that is about it. Text is cut where it
    /// would be too long for a key.
    func recordedValue(of parameter: Int, in outcome: inout BatchOutcome) -> RecordedValue {
        guard columns[parameter].lengths != nil else { return .word(word(of: parameter)) }
        let text = text(of: parameter)
        let shown = text.prefix(EngineLimits.keyByteCountMax)
        return outcome.record(UnsafeRawBufferPointer(rebasing: shown))
    }
}
