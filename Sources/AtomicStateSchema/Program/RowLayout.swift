/// Where the parts of a row are, in 8-byte words from the row's start.
///
///     0            version: the sequence of the last transaction that changed the row
///     1            touch: the mark of the transaction that is changing the row, see the engine
///     2            flags and the row's slot: `RowFlags`
///     3            the key: the number itself, or the address of a text block
///     4            how many references point here; only for types that are referred to
///     then         presence: bit n tells whether field n has a value; only if one is optional
///     then         a word or two for each field, then for each derived value
///     then         for each `min` and `max`, the root of the tree of its values; see the engine
///
/// A word holds a bool as 0 or 1; int and decimal as two's complement; uint as itself; an
/// enumeration as its index; a string, bytes or uuid as the address of its text block; a reference as
/// the address of the target's row. A timestamp or duration has two words: its seconds as two's
/// complement, and its nanoseconds. A member without a value holds zeros, or an empty text; a `min`
/// or `max` has a value if its tree has a root.
package struct RowLayout: Sendable {
    package static let versionOffset = 0
    package static let touchOffset = 1
    package static let flagsOffset = 2
    package static let keyOffset = 3
    private static let headerWordCount = 4

    package let keyType: KeyType
    /// Nil if no field is optional.
    package let presenceOffset: Int?
    private let optionalFields: Set<Int>
    /// Nil if no type refers to this one.
    package let referenceCountOffset: Int?
    package let fieldOffsets: [Int]
    package let derivedOffsets: [Int]
    /// Of each derived value, where the root of its tree is; nil for one that needs none.
    package let rootOffsets: [Int?]
    /// The words that an entity's image in storage is made of: which fields have a value, and the fields.
    package let storedOffsets: Range<Int>
    /// The words before the roots: what an undo puts back.
    package let imageWordCount: Int
    /// The row's length in words.
    package let wordCount: Int
    /// The fields whose word is the address of a text block.
    package let textOffsets: [Int]
    /// The fields whose word is the address of another row, and that row's type.
    package let references: [Reference]

    package struct Reference: Sendable, BitwiseCopyable {
        package let offset: Int
        package let target: Int
    }

    package init(of type: EntityType, isReferredTo: Bool) {
        var next = Self.headerWordCount
        if isReferredTo {
            referenceCountOffset = next
            next += 1
        } else {
            referenceCountOffset = nil
        }
        let storedStart = next
        optionalFields = Set(type.fields.indices.filter { type.fields[$0].isOptional })
        if optionalFields.isEmpty {
            presenceOffset = nil
        } else {
            presenceOffset = next
            next += 1
        }
        var fieldOffsets: [Int] = []
        for field in type.fields {
            fieldOffsets.append(next)
            next += field.type.wordCount
        }
        self.fieldOffsets = fieldOffsets
        storedOffsets = storedStart..<next
        var derivedOffsets: [Int] = []
        for derived in type.derived {
            derivedOffsets.append(next)
            next += derived.type.wordCount
        }
        self.derivedOffsets = derivedOffsets
        imageWordCount = next
        var rootOffsets: [Int?] = []
        for derived in type.derived {
            rootOffsets.append(derived.function.isOptional ? next : nil)
            next += derived.function.isOptional ? 1 : 0
        }
        self.rootOffsets = rootOffsets
        keyType = type.keyType
        // A row that fits a cache line does not straddle two.
        wordCount = next == 7 ? 8 : next

        var textOffsets: [Int] = []
        var references: [Reference] = []
        for (field, offset) in zip(type.fields, fieldOffsets) {
            switch field.type {
            case .string, .bytes, .uuid: textOffsets.append(offset)
            case .entity(let target): references.append(Reference(offset: offset, target: target))
            case .bool, .int, .uint, .double, .decimal, .timestamp, .duration, .null, .enumeration,
                .list:
                break
            }
        }
        self.textOffsets = textOffsets
        self.references = references
    }

    /// Which word tells whether a member has a value, and by which of its bits; nil for a member that
    /// always has one.
    package func presence(of member: Member) -> Presence? {
        switch member {
        case .field(let field):
            guard let offset = presenceOffset, optionalFields.contains(field) else { return nil }
            return Presence(offset: offset, mask: 1 << UInt64(field))
        case .derived(let derived):
            return rootOffsets[derived].map { Presence(offset: $0, mask: .max) }
        }
    }

    package func offset(of member: Member) -> Int {
        switch member {
        case .field(let field): fieldOffsets[field]
        case .derived(let derived): derivedOffsets[derived]
        }
    }

    /// A member has a value if one of the mask's bits is set in the word.
    package struct Presence: Sendable, BitwiseCopyable {
        package let offset: Int
        package let mask: UInt64

        /// Of a field, the place of its one bit.
        package var bit: Int { mask.trailingZeroBitCount }
    }
}

extension ValueType {
    /// The words that a value takes in a row.
    var wordCount: Int {
        switch form {
        case .word, .text: 1
        case .time: 2
        }
    }
}
