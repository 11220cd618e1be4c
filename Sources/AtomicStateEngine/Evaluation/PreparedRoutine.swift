internal import AtomicStateSchema

/// A routine with its frame, in memory that stays in place for as long as the engine.
struct PreparedRoutine: ~Copyable {
    let code: UnsafePointer<Instruction>
    /// One, or one for each transaction of a step of the look-ahead.
    let frames: UnsafeMutablePointer<UInt64>
    /// From a transaction's frame to that of the next one; 0 if all have the same.
    let frameStride: Int
    let parameters: UnsafeBufferPointer<ParameterSlot>
    // Of the run under way.
    let lookaheadMemory: RowLookaheadMemory
    let cursorMemory: ArgumentCursorMemory
    private let codeMemory: UnsafeMutableBufferPointer<Instruction>
    private let textConstants: [UnsafeMutableRawBufferPointer]

    init(_ routine: Routine) {
        let codeMemory = UnsafeMutableBufferPointer<Instruction>.allocate(
            capacity: routine.code.count)
        _ = codeMemory.initialize(from: routine.code)
        self.codeMemory = codeMemory
        // SAFETY: a routine has at least one instruction.
        code = UnsafePointer(codeMemory.baseAddress!)

        let frameWordCount = max(routine.registerCount, 1)
        let frameCount = routine.allowsBindingAhead ? Lookahead.rows.step : 1
        frameStride = frameCount > 1 ? frameWordCount : 0
        frames = .allocate(capacity: frameCount * frameWordCount)
        frames.initialize(repeating: 0, count: frameCount * frameWordCount)
        var textConstants: [UnsafeMutableRawBufferPointer] = []
        for constant in routine.constants {
            switch constant {
            case .word(let register, let word):
                frames[Int(register)] = word
            case .text(let register, let text):
                let memory = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: max(text.count, 1), alignment: 1)
                memory.copyBytes(from: text)
                textConstants.append(memory)
                frames[Int(register)] = UInt64(UInt(bitPattern: memory.baseAddress))
                frames[Int(register) + 1] = UInt64(text.count)
            }
        }
        self.textConstants = textConstants
        for index in 1..<frameCount {
            (frames + index * frameWordCount).update(from: frames, count: frameWordCount)
        }

        parameters = UnsafeBufferPointer(copying: routine.parameters)
        lookaheadMemory = RowLookaheadMemory(routine.parameters)
        cursorMemory = ArgumentCursorMemory(columnCount: routine.parameters.count)
    }

    deinit {
        codeMemory.deallocate()
        frames.deallocate()
        for constant in textConstants { constant.deallocate() }
        parameters.deallocate()
        lookaheadMemory.deallocate()
        cursorMemory.deallocate()
    }

    /// Whether the arguments of a step's transactions may be bound together.
    var bindsAhead: Bool { frameStride > 0 }
}

extension Routine {
    /// Frames beyond these would take the place of others in the processor's nearest cache.
    private static let aheadRegisterCountMax = 64

    /// Whether all arguments are words or references, and a row that a reference stands for stays until the
    /// routine runs, as those before it delete none.
    fileprivate var allowsBindingAhead: Bool {
        registerCount <= Self.aheadRegisterCountMax
            && parameters.allSatisfy {
                switch $0.kind {
                case .word, .bounded, .reference: true
                case .text, .bytes, .uuid, .time, .key: false
                }
            }
            && code.allSatisfy { $0.opcode != .delete }
    }
}
