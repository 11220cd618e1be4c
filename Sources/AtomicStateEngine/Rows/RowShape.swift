internal import AtomicStateSchema

/// A `RowLayout` as the hot path reads it: numbers and pointers, nothing that is reference-counted.
struct RowShape {
    let keyType: KeyType
    let wordCount: Int
    /// The same in whole lines.
    let lineWordCount: Int
    /// What an undo puts back; behind it are the roots of trees.
    let imageWordCount: Int
    let referenceCountOffset: Int?
    let presenceOffset: Int?
    let textOffsets: UnsafeBufferPointer<Int>
    let references: UnsafeBufferPointer<RowLayout.Reference>
    let imageParts: UnsafeBufferPointer<RowImagePart>

    /// The shape's memory is freed by `deallocate`.
    init(_ layout: RowLayout) {
        keyType = layout.keyType
        wordCount = layout.wordCount
        lineWordCount = RowLines.wordCount(of: layout.wordCount)
        imageWordCount = layout.imageWordCount
        referenceCountOffset = layout.referenceCountOffset
        presenceOffset = layout.presenceOffset
        textOffsets = UnsafeBufferPointer(copying: layout.textOffsets)
        references = UnsafeBufferPointer(copying: layout.references)
        imageParts = UnsafeBufferPointer(copying: RowImagePart.all(of: layout))
    }

    func deallocate() {
        textOffsets.deallocate()
        references.deallocate()
        imageParts.deallocate()
    }
}

/// Rows are copied by lines, which a few wide moves do sooner than a call does: behind a row there is as much
/// memory as its last line may reach into.
enum RowLines {
    private typealias Line = SIMD8<UInt64>

    /// A row's words, rounded up to whole lines.
    static func wordCount(of rowWordCount: Int) -> Int {
        (rowWordCount + Line.scalarCount - 1) / Line.scalarCount * Line.scalarCount
    }

    /// - Parameter wordCount: that of whole lines, at least one. Neither place has to be aligned.
    @inline(__always)
    static func copy(_ row: Row, to copy: Row, wordCount: Int) {
        copyLine(row, to: copy)
        if wordCount > Line.scalarCount { copyFurtherLines(row, to: copy, wordCount: wordCount) }
    }

    /// Not inlined, as the loop of `Engine.evaluate` has to have none in it.
    @inline(never)
    private static func copyFurtherLines(_ row: Row, to copy: Row, wordCount: Int) {
        for offset in stride(from: Line.scalarCount, to: wordCount, by: Line.scalarCount) {
            copyLine(row + offset, to: copy + offset)
        }
    }

    @inline(__always)
    private static func copyLine(_ words: Row, to copy: Row) {
        let line = UnsafeRawPointer(words).loadUnaligned(as: Line.self)
        UnsafeMutableRawPointer(copy).storeBytes(of: line, as: Line.self)
    }
}

/// A `DerivedLayout` likewise.
struct DerivedShape {
    enum Function {
        case sum, count, minimum, maximum
    }

    let function: Function
    let holder: Int
    let valueOffset: Int
    /// 0 for a sum or count.
    let rootOffset: Int
    let wordCount: Int
    let groupByOffset: Int
    /// 0 for a count.
    let operandOffset: Int
    let operandPresence: RowLayout.Presence?
    let settledMask: UInt64

    init(_ layout: DerivedLayout) {
        function =
            switch layout.function {
            case .sum: .sum
            case .count: .count
            case .minimum: .minimum
            case .maximum: .maximum
            }
        holder = layout.holder
        valueOffset = layout.valueOffset
        rootOffset = layout.rootOffset ?? 0
        wordCount = layout.wordCount
        groupByOffset = layout.groupByOffset
        operandOffset = layout.operandOffset ?? 0
        operandPresence = layout.operandPresence
        settledMask = 1 << UInt64(layout.settledBit)
    }

    /// What the source's row adds to a total.
    @inline(__always)
    func summand(_ source: Row) -> Int64 {
        function == .count ? 1 : Int64(bitPattern: source[operandOffset])
    }

    /// What the source's row puts into a tree, if it has the value.
    func treeValue(_ source: Row) -> ValueTree.Value? {
        if let presence = operandPresence, source[presence.offset] & presence.mask == 0 {
            return nil
        }
        return ValueTree.Value(at: source + operandOffset, wordCount: wordCount)
    }
}

extension UnsafeBufferPointer where Element: BitwiseCopyable {
    /// A copy that lives until it is deallocated.
    init(copying elements: [Element]) {
        let copy = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = copy.initialize(from: elements)
        self.init(copy)
    }
}
