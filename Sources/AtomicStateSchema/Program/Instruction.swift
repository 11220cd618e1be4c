/// One step of a flat program. The registers `a`, `b` and `c` are words of the operation's frame;
/// a pair takes two: a text's address and byte count, or a time's seconds and nanoseconds.
///
/// A step that can fail goes to `onError` with its code in the machine's error register. Control
/// only moves forward, so a program's length bounds its cost.
package struct Instruction: Sendable, BitwiseCopyable {
    package var opcode: Opcode
    package var a: UInt16
    package var b: UInt16
    package var c: UInt16
    /// The next step if this one fails.
    package var onError: UInt32
    /// A jump's target, or what the opcode says.
    package var operand: UInt32

    package init(
        _ opcode: Opcode, a: Register = 0, b: Register = 0, c: Register = 0, onError: Int = 0,
        operand: Int = 0
    ) {
        self.opcode = opcode
        self.a = a
        self.b = b
        self.c = c
        self.onError = UInt32(onError)
        self.operand = UInt32(operand)
    }
}

/// An index into a frame.
package typealias Register = UInt16

/// In the comments, `[r + n]` is the word at offset n (the operand) of the row whose address is in
/// register r; "text r" and "time r" are the pair r, r+1; a `row` is a row's address, 0 for none.
package enum Opcode: UInt16, Sendable, BitwiseCopyable {
    // Values
    /// a = b
    case move
    /// a, a+1 = b, b+1
    case movePair
    /// a = [b + operand]
    case load
    /// text a = the text block at [b + operand]
    case loadText
    /// a, a+1 = [b + operand], [b + operand + 1]
    case loadPair
    /// time a = the commit time
    case now
    /// a = the register c + b, or the pair c + 2b; fails unless b is less than the operand
    case pick, pickPair
    /// a = !b
    case not

    // Arithmetic; overflow and division by zero fail
    case addInt, subtractInt, multiplyInt, divideInt, remainderInt, negateInt
    case addUInt, subtractUInt, multiplyUInt, divideUInt, remainderUInt
    /// a = b, which fails unless b is the same number as int and as uint
    case convertSign
    /// Doubles; a result may be infinite or no number.
    case addDouble, subtractDouble, multiplyDouble, divideDouble, negateDouble
    /// time a = time b + or - time c; the operand is the `TimeKind` that has to hold the result
    case addTime, subtractTime
    /// text a = text b followed by text c
    case concatenate

    // Conversions; what the target can't hold fails
    case doubleFromInt, doubleFromUInt, intFromDouble, uintFromDouble
    /// time a = the timestamp of b seconds
    case timestampFromInt
    /// text a = b as text; the operand is its `TextForm`, c a decimal's scale
    case format
    /// a, a+1 or text a = text b read as the operand's `TextForm`
    case parse
    /// text a = the bytes b, which fails unless they are UTF-8
    case validateText
    /// a = the offset of the time zone that text b names, in seconds
    case zoneOffset
    /// a = the `TimePart` operand of the timestamp b in the zone of offset c, or of the duration b
    case timestampPart, durationPart

    // Comparisons; a = 0 or 1
    case equal, notEqual
    case lessInt, lessOrEqualInt
    case lessUInt, lessOrEqualUInt
    case equalDouble, lessDouble, lessOrEqualDouble
    case equalText, lessText, lessOrEqualText
    case equalTime, lessTime, lessOrEqualTime
    /// a = whether b and c compare as the `NumberComparison` operand says
    case compareNumbers
    /// a = the code points of text b
    case sizeOfText
    /// a = text b starts with, ends with or contains text c
    case startsWith, endsWith, contains

    // Control
    /// go to operand
    case jump
    /// go to operand if a is 1, or 0
    case jumpIfTrue, jumpIfFalse
    /// go to operand if a and b compare so
    case jumpIfEqual, jumpIfNotEqual
    case jumpIfLessInt, jumpIfLessOrEqualInt
    case jumpIfLessUInt, jumpIfLessOrEqualUInt
    /// a = the code in the error register
    case takeError
    /// put a into the error register and go to onError
    case raise
    /// put a into the error register
    case restoreError

    // Rows
    /// Keep the row a as it is before its first change; the operand is its type. Fails for a row
    /// that this transaction deleted.
    case touch
    /// a = the address of row b as it was before the transaction
    case before
    /// a = 1 if row b existed before the transaction; 0 for no row
    case existedBefore
    /// a = 1 if row b exists now; 0 for no row
    case exists
    /// a = the row of type operand whose key is b, or text b. Fails if there is none.
    case find
    /// Fail unless the version of row a is b.
    case checkVersion
    // Of optional fields: bit c of [row + operand] tells whether there is a value.
    /// a = bit c of [b + operand]
    case isPresent
    /// fail unless bit c of [b + operand] is 1
    case requirePresent
    // Of optional derived values: [row + operand] is the root of a tree, or 0.
    /// a = 1 unless [b + operand] is 0
    case hasRoot
    /// fail if [b + operand] is 0
    case requireRoot
    /// bit c of [a + operand] = 1, or 0
    case markPresent, markAbsent

    /// [a + operand] = b
    case store
    /// [a + operand] = [a + operand] + b, or - b; overflow fails
    case addIntToField, subtractIntFromField
    /// [a + operand], [a + operand + 1] = b, b+1
    case storePair
    /// [a + operand] = a new text block that holds text b, of at most c bytes
    case storeText
    /// [a + operand] = row b or none, with both targets' counts; c is the target's reference count
    /// offset
    case storeReference
    /// a = a new row of type operand whose key is b, or text b. Fails if there is one.
    case create
    /// Delete row a of type operand.
    case delete
    /// Apply how row b changed to the derived value `Program.derived[operand]`: registers c and c+1
    /// say whether it took part before and takes part now; a and a+1 receive the rows that hold the
    /// value it left and the one it joined, 0 for none.
    case settle
    /// The same for a sum that row b has taken part in and takes part in with one holder, or none, whose
    /// row a receives.
    case settleInPlace
    /// Take row a, as it was before, out of the index `Program.uniqueKeys[operand]`.
    case releaseUnique
    /// Enter row a, as it is now, into that index. Fails if another row has the same values.
    case claimUnique
    /// a = by how much the transaction changes the sum of [row + operand] over all rows of type c; if b
    /// is 1, the number of rows
    case delta
    /// Fail if row a is gone but referred to; the operand is its reference count offset.
    case checkUnreferenced

    // Ends
    /// Note for the rejection what the rule read: the value in b, the text or time b, or that there was
    /// none, as observation operand; c is its `ObservationRole`.
    case observe, observeText, observeTime, observeAbsent
    /// Reject: rule operand is false. Row a, or 0 if c is 0, is the entity it is false for.
    case rejectRule
    /// Reject with the code in the error register; otherwise as `rejectRule`.
    case rejectError
    /// The transaction is accepted.
    case accept
}

/// What a noted value is to the rule.
package enum ObservationRole: UInt16, Sendable {
    /// A value that it read.
    case read
    /// The same value before the transaction.
    case before
    /// What it compared with its limit.
    case compared
    case limit
}

/// How a value that is no text is written as text.
package enum TextForm: UInt32, Sendable {
    case bool, int, uint, double, decimal, timestamp, duration, uuid
}

/// A comparison of numbers of two types, as the operand of `compareNumbers`.
package struct NumberComparison: Sendable {
    package enum Number: UInt8, Sendable {
        case int, uint, double
    }

    package let left: Number
    package let comparison: Expression.ComparisonOperator
    package let right: Number

    package init(
        _ left: Number, _ comparison: Expression.ComparisonOperator, _ right: Number
    ) {
        self.left = left
        self.comparison = comparison
        self.right = right
    }

    package init(operand: Int) {
        guard let left = Number(rawValue: UInt8(truncatingIfNeeded: operand)),
            let comparison = Expression.ComparisonOperator(
                rawValue: UInt8(truncatingIfNeeded: operand >> 8)),
            let right = Number(rawValue: UInt8(truncatingIfNeeded: operand >> 16))
        else { preconditionFailure("the compiler writes the operand") }
        self.init(left, comparison, right)
    }

    package var operand: Int {
        Int(left.rawValue) | Int(comparison.rawValue) << 8 | Int(right.rawValue) << 16
    }
}
