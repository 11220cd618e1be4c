internal import AtomicStateSchema

/// A routine with its frame, in memory that stays in place for as long as the engine.
struct PreparedRoutine: ~Copyable {
    let code: UnsafePointer<Instruction>
    let frame: UnsafeMutablePointer<UInt64>
    let parameters: UnsafeBufferPointer<ParameterSlot>
    private let codeMemory: UnsafeMutableBufferPointer<Instruction>
    private let textConstants: [UnsafeMutableRawBufferPointer]

    init(_ routine: Routine) {
        let codeMemory = UnsafeMutableBufferPointer<Instruction>.allocate(
            capacity: routine.code.count)
        _ = codeMemory.initialize(from: routine.code)
        self.codeMemory = codeMemory
        // SAFETY: a routine has at least one instruction.
        code = UnsafePointer(codeMemory.baseAddress!)

        frame = .allocate(capacity: max(routine.registerCount, 1))
        frame.initialize(repeating: 0, count: max(routine.registerCount, 1))
        var textConstants: [UnsafeMutableRawBufferPointer] = []
        for constant in routine.constants {
            switch constant {
            case .word(let register, let word):
                frame[Int(register)] = word
            case .text(let register, let text):
                let memory = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: max(text.count, 1), alignment: 1)
                memory.copyBytes(from: text)
                textConstants.append(memory)
                frame[Int(register)] = UInt64(UInt(bitPattern: memory.baseAddress))
                frame[Int(register) + 1] = UInt64(text.count)
            }
        }
        self.textConstants = textConstants

        parameters = UnsafeBufferPointer(copying: routine.parameters)
    }

    deinit {
        codeMemory.deallocate()
        frame.deallocate()
        for constant in textConstants { constant.deallocate() }
        parameters.deallocate()
    }
}
