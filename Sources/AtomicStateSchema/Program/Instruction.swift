/// One step of a flat program. The registers `a`, `b` and `c` are words of the operation's frame;
/// text takes two, its address and its byte count.
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
/// register r; "text r" is the pair r, r+1; a `row` is a row's address, 0 for none.
package enum Opcode: UInt16, Sendable, BitwiseCopyable {
    // Values
    /// a = b
    case move
    /// text a = text b
    case moveText
    /// a = [b + operand]
    case load
    /// text a = the text block at [b + operand]
    case loadText
    /// a = !b
    case not

    // Arithmetic; overflow and division by zero fail
    case addInt, subtractInt, multiplyInt, divideInt, remainderInt, negateInt
    case addUInt, subtractUInt, multiplyUInt, divideUInt, remainderUInt
    /// a = b, which fails unless b is the same number as int and as uint
    case convertSign
    /// a = b / c, which fails unless it is exact
    case divideExactly
    /// text a = text b followed by text c
    case concatenate

    // Comparisons; a = 0 or 1
    case equal, notEqual
    case lessInt, lessOrEqualInt
    case lessUInt, lessOrEqualUInt
    case equalText, lessText, lessOrEqualText
    /// a = the code points of text b
    case sizeOfText
    /// a = text b starts with, ends with or contains text c
    case startsWith, endsWith, contains

    // Control
    /// go to operand
    case jump
    /// go to operand if a is 1, or 0
    case jumpIfTrue, jumpIfFalse
    /// go to operand if a and b are the same word
    case jumpIfEqual
    /// a = the code in the error register
    case takeError
    /// put a into the error register and go to onError
    case raise

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
    /// [a + operand] = b
    case store
    /// [a + operand] = a new text block that holds text b, of at most c bytes
    case storeText
    /// [a + operand] = row b, with both targets' counts; c is the target's reference count offset
    case storeReference
    /// a = a new row of type operand whose key is b, or text b. Fails if there is one.
    case create
    /// Delete row a of type operand.
    case delete
    /// Apply how row b changed to the total `Program.derived[operand]`: registers c and c+1 say
    /// whether it took part before and takes part now; a and a+1 receive the rows that hold the total
    /// it left and the one it joined, 0 for none.
    case settle
    /// Fail if row a is gone but referred to; the operand is its reference count offset.
    case checkUnreferenced

    // Ends
    /// Note for the rejection what the rule read: the value in b, or text b, as observation operand.
    case observe, observeText
    /// Reject: rule operand is false. Row a, or 0 if c is 0, is the entity it is false for.
    case rejectRule
    /// Reject with the code in the error register; otherwise as `rejectRule`.
    case rejectError
    /// The transaction is accepted.
    case accept
}
