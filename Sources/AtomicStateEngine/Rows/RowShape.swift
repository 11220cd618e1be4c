internal import AtomicStateSchema

/// A `RowLayout` as the hot path reads it: numbers and pointers, nothing that is reference-counted.
struct RowShape {
    let keyType: KeyType
    let wordCount: Int
    let referenceCountOffset: Int?
    let textOffsets: UnsafeBufferPointer<Int>
    let references: UnsafeBufferPointer<RowLayout.Reference>

    /// The shape's memory is freed by `deallocate`.
    init(_ layout: RowLayout) {
        keyType = layout.keyType
        wordCount = layout.wordCount
        referenceCountOffset = layout.referenceCountOffset
        textOffsets = UnsafeBufferPointer(copying: layout.textOffsets)
        references = UnsafeBufferPointer(copying: layout.references)
    }

    func deallocate() {
        textOffsets.deallocate()
        references.deallocate()
    }
}

/// A `DerivedLayout` likewise.
struct TotalShape {
    let holder: Int
    let totalOffset: Int
    let groupByOffset: Int
    let summandOffset: Int?
    let settledMask: UInt64

    init(_ layout: DerivedLayout) {
        holder = layout.holder
        totalOffset = layout.totalOffset
        groupByOffset = layout.groupByOffset
        summandOffset = layout.summandOffset
        settledMask = 1 << UInt64(layout.settledBit)
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
