internal import AtomicStateValues

/// Collects a routine's code: hands out registers and constants, and resolves labels at the end.
struct RoutineBuilder {
    struct Label: Hashable {
        fileprivate let index: Int
    }

    private var code: [Instruction] = []
    private var registerCount = 0
    private var constants: [Routine.Constant] = []
    private var wordConstants: [UInt64: Register] = [:]
    private var textConstants: [[UInt8]: Register] = [:]
    private var timeConstants: [TimeValue: Register] = [:]
    private var labelPositions: [Int?] = []
    private var lastLabelPosition = -1
    /// By label.
    private var errorTargets: Set<Int> = []
    private var operandFixups: [(instruction: Int, label: Label)] = []
    private var errorFixups: [(instruction: Int, label: Label)] = []
    /// Whether more registers were asked for than an instruction can name. The code is then useless.
    private(set) var exceedsFrame = false
    /// What is still to be emitted behind the code that accepts.
    var failureBlocks: [FailureBlock] = []

    mutating func register(for type: ValueType) -> Register {
        switch type.form {
        case .word: registers(1)
        case .text, .time: registers(2)
        }
    }

    mutating func registers(_ count: Int) -> Register {
        let first = registerCount
        registerCount += count
        guard registerCount <= Int(Register.max) else {
            exceedsFrame = true
            return 0
        }
        return Register(first)
    }

    mutating func constant(_ word: UInt64) -> Register {
        if let known = wordConstants[word] { return known }
        let register = registers(1)
        wordConstants[word] = register
        constants.append(.word(register, word))
        return register
    }

    mutating func constant(_ value: Int64) -> Register {
        constant(UInt64(bitPattern: value))
    }

    mutating func constant(_ text: [UInt8]) -> Register {
        if let known = textConstants[text] { return known }
        let register = registers(2)
        textConstants[text] = register
        constants.append(.text(register, text))
        return register
    }

    mutating func constant(_ time: TimeValue) -> Register {
        if let known = timeConstants[time] { return known }
        let register = registers(2)
        timeConstants[time] = register
        constants.append(.word(register, UInt64(bitPattern: time.seconds)))
        constants.append(.word(register + 1, UInt64(bitPattern: time.nanoseconds)))
        return register
    }

    /// Texts in consecutive pairs, for `pickPair`.
    mutating func constants(_ texts: [String]) -> Register {
        let first = registers(texts.count * 2)
        for (index, text) in texts.enumerated() {
            constants.append(.text(first + Register(index * 2), Array(text.utf8)))
        }
        return first
    }

    mutating func label() -> Label {
        labelPositions.append(nil)
        return Label(index: labelPositions.count - 1)
    }

    /// The label's place is the next instruction.
    mutating func place(_ label: Label) {
        precondition(labelPositions[label.index] == nil, "a label has one place")
        labelPositions[label.index] = code.count
        lastLabelPosition = code.count
    }

    mutating func emit(
        _ opcode: Opcode, a: Register = 0, b: Register = 0, c: Register = 0, operand: Int = 0,
        onError: Label? = nil
    ) {
        if let onError {
            errorFixups.append((code.count, onError))
            errorTargets.insert(onError.index)
        }
        code.append(Instruction(opcode, a: a, b: b, c: c, operand: operand))
    }

    mutating func jump(_ opcode: Opcode, a: Register = 0, b: Register = 0, to label: Label) {
        if let comparison = comparison(decidingBy: opcode, a) {
            code.removeLast()
            jump(comparison.opcode, a: comparison.a, b: comparison.b, to: label)
            return
        }
        operandFixups.append((code.count, label))
        code.append(Instruction(opcode, a: a, b: b))
    }

    /// The jump that stands for a comparison and a jump on its outcome, if the last instruction is one
    /// that every way to the jump takes. Nothing else reads the outcome of such a comparison.
    private func comparison(
        decidingBy jump: Opcode, _ outcome: Register
    ) -> (opcode: Opcode, a: Register, b: Register)? {
        guard jump == .jumpIfTrue || jump == .jumpIfFalse, let last = code.last,
            last.a == outcome, lastLabelPosition != code.count
        else { return nil }
        switch (last.opcode, jump) {
        case (.equal, .jumpIfTrue), (.notEqual, .jumpIfFalse):
            return (.jumpIfEqual, last.b, last.c)
        case (.equal, _), (.notEqual, _): return (.jumpIfNotEqual, last.b, last.c)
        case (.lessInt, .jumpIfTrue): return (.jumpIfLessInt, last.b, last.c)
        case (.lessInt, _): return (.jumpIfLessOrEqualInt, last.c, last.b)
        case (.lessOrEqualInt, .jumpIfTrue): return (.jumpIfLessOrEqualInt, last.b, last.c)
        case (.lessOrEqualInt, _): return (.jumpIfLessInt, last.c, last.b)
        case (.lessUInt, .jumpIfTrue): return (.jumpIfLessUInt, last.b, last.c)
        case (.lessUInt, _): return (.jumpIfLessOrEqualUInt, last.c, last.b)
        case (.lessOrEqualUInt, .jumpIfTrue): return (.jumpIfLessOrEqualUInt, last.b, last.c)
        case (.lessOrEqualUInt, _): return (.jumpIfLessUInt, last.c, last.b)
        default: return nil
        }
    }

    /// Whether an instruction so far can fail to the label.
    func isErrorTarget(_ label: Label) -> Bool {
        errorTargets.contains(label.index)
    }

    mutating func emitFailureBlocks() {
        for block in failureBlocks { block.emit(into: &self) }
        failureBlocks = []
    }

    /// - Parameter name: of what the routine is for, and `location` its place.
    /// - Throws: that the routine is too large.
    consuming func finish(
        _ name: String, _ location: SourceLocation, parameters: [ParameterSlot] = [],
        targets: [WriteTarget] = []
    ) throws(SchemaError) -> Routine {
        guard !exceedsFrame else {
            let message =
                "\(name) and the rules that it can break take \(registerCount) registers; expected at "
                + "most \(Register.max)"
            throw SchemaError(diagnostics: [Diagnostic(location, message)])
        }
        for (instruction, label) in operandFixups {
            code[instruction].operand = UInt32(position(of: label))
        }
        for (instruction, label) in errorFixups {
            code[instruction].onError = UInt32(position(of: label))
        }
        return Routine(
            code: code, registerCount: registerCount, constants: constants, parameters: parameters,
            targets: targets)
    }

    private func position(of label: Label) -> Int {
        guard let position = labelPositions[label.index] else {
            preconditionFailure("a label that is used is placed")
        }
        return position
    }
}
