internal import AtomicStateSchema
internal import Glibc

/// How a routine ended.
enum Verdict {
    case accepted
    case rejected(RejectionCode, rule: Int, entity: Row?)
}

extension Engine {
    /// Runs a routine on its frame. What a failed rule read goes to the outcome.
    ///
    /// One switch, longer than a screen: each case is one instruction of `Opcode`, whose comment is
    /// its specification. No case has a loop in itself: the compiler aligns innermost loops (scripts/swift-flags),
    /// and a step takes a quarter more time where the jump to the next one spans two lines of the cache.
    mutating func evaluate(
        _ code: UnsafePointer<Instruction>, _ frame: UnsafeMutablePointer<UInt64>,
        outcome: inout BatchOutcome
    ) -> Verdict {
        var next = code
        var error = RejectionCode.arithmeticOverflow
        while true {
            // SAFETY: the compiler ends every path with `accept` or a rejection, jumps inside of the
            // code, and addresses registers inside of the frame.
            let step = next
            next += 1
            // Each case reads the operands that its instruction has, and no others.
            var a: Int { @inline(__always) get { Int(step.pointee.a) } }
            var b: Int { @inline(__always) get { Int(step.pointee.b) } }
            var c: Int { @inline(__always) get { Int(step.pointee.c) } }
            var operand: Int { @inline(__always) get { Int(step.pointee.operand) } }
            @inline(__always)
            func fail(_ reason: RejectionCode) {
                error = reason
                next = code + Int(step.pointee.onError)
            }
            // A branch, which the processor predicts. Without the hint the compiler selects the next step by a
            // conditional move, and whatever follows waits until the condition is known: a wrongly predicted
            // dispatch then costs several times as much.
            @inline(__always)
            func jump(if condition: Bool) {
                if _fastPath(condition) { next = code + operand }
            }
            switch step.pointee.opcode {
            case .move:
                frame[a] = frame[b]
            case .movePair:
                frame[a] = frame[b]
                frame[a + 1] = frame[b + 1]
            case .load:
                frame[a] = rowAt(frame[b])[operand]
            case .loadText:
                let text = TextHeap.text(at: rowAt(frame[b])[operand])
                frame[a] = UInt64(UInt(bitPattern: text.baseAddress))
                frame[a + 1] = UInt64(text.count)
            case .loadPair:
                let row = rowAt(frame[b])
                frame[a] = row[operand]
                frame[a + 1] = row[operand + 1]
            case .now:
                // The remainder is below a second, and the seconds below 2^63.
                frame[a] = commitMicroseconds / 1_000_000
                frame[a + 1] = commitMicroseconds % 1_000_000 * 1_000
            case .pick:
                if frame[b] < operand {
                    frame[a] = frame[c + Int(frame[b])]
                } else {
                    fail(.indexOutOfRange)
                }
            case .pickPair:
                if frame[b] < operand {
                    let place = c + 2 * Int(frame[b])
                    frame[a] = frame[place]
                    frame[a + 1] = frame[place + 1]
                } else {
                    fail(.indexOutOfRange)
                }
            case .not:
                frame[a] = frame[b] ^ 1

            case .addInt:
                let (sum, overflow) = int(frame[b]).addingReportingOverflow(int(frame[c]))
                frame[a] = UInt64(bitPattern: sum)
                if overflow { fail(.arithmeticOverflow) }
            case .subtractInt:
                let (difference, overflow) = int(frame[b]).subtractingReportingOverflow(
                    int(frame[c]))
                frame[a] = UInt64(bitPattern: difference)
                if overflow { fail(.arithmeticOverflow) }
            case .multiplyInt:
                let (product, overflow) = int(frame[b]).multipliedReportingOverflow(
                    by: int(frame[c]))
                frame[a] = UInt64(bitPattern: product)
                if overflow { fail(.arithmeticOverflow) }
            case .divideInt:
                let (quotient, overflow) = int(frame[b]).dividedReportingOverflow(by: int(frame[c]))
                frame[a] = UInt64(bitPattern: quotient)
                if overflow {
                    fail(frame[c] == 0 ? .divisionByZero : .arithmeticOverflow)
                }
            case .remainderInt:
                // The least integer modulo -1 overflows in hardware; in CEL it is an error too.
                let (remainder, overflow) = int(frame[b]).remainderReportingOverflow(
                    dividingBy: int(frame[c]))
                frame[a] = UInt64(bitPattern: remainder)
                if overflow {
                    fail(frame[c] == 0 ? .divisionByZero : .arithmeticOverflow)
                }
            case .negateInt:
                let (negative, overflow) = Int64(0).subtractingReportingOverflow(int(frame[b]))
                frame[a] = UInt64(bitPattern: negative)
                if overflow { fail(.arithmeticOverflow) }
            case .addUInt:
                let (sum, overflow) = frame[b].addingReportingOverflow(frame[c])
                frame[a] = sum
                if overflow { fail(.arithmeticOverflow) }
            case .subtractUInt:
                let (difference, overflow) = frame[b].subtractingReportingOverflow(frame[c])
                frame[a] = difference
                if overflow { fail(.arithmeticOverflow) }
            case .multiplyUInt:
                let (product, overflow) = frame[b].multipliedReportingOverflow(by: frame[c])
                frame[a] = product
                if overflow { fail(.arithmeticOverflow) }
            case .divideUInt:
                let (quotient, overflow) = frame[b].dividedReportingOverflow(by: frame[c])
                frame[a] = quotient
                if overflow { fail(.divisionByZero) }
            case .remainderUInt:
                let (remainder, overflow) = frame[b].remainderReportingOverflow(
                    dividingBy: frame[c])
                frame[a] = remainder
                if overflow { fail(.divisionByZero) }
            case .convertSign:
                frame[a] = frame[b]
                if int(frame[b]) < 0 { fail(.conversionFailed) }
            case .addDouble:
                frame[a] = (double(frame[b]) + double(frame[c])).bitPattern
            case .subtractDouble:
                frame[a] = (double(frame[b]) - double(frame[c])).bitPattern
            case .multiplyDouble:
                frame[a] = (double(frame[b]) * double(frame[c])).bitPattern
            case .divideDouble:
                frame[a] = (double(frame[b]) / double(frame[c])).bitPattern
            case .negateDouble:
                frame[a] = (-double(frame[b])).bitPattern
            case .concatenate:
                if !concatenate(text(frame, b), text(frame, c), into: frame + a) {
                    fail(.textTooLong)
                }
            case .doubleFromInt, .doubleFromUInt, .intFromDouble, .uintFromDouble,
                .timestampFromInt, .format, .parse, .validateText, .zoneOffset:
                if let code = convert(step.pointee, frame) { fail(code) }
            case .addTime, .subtractTime, .equalTime, .lessTime, .lessOrEqualTime, .timestampPart,
                .durationPart:
                if let code = calculateTime(step.pointee, frame) { fail(code) }

            case .equal:
                frame[a] = frame[b] == frame[c] ? 1 : 0
            case .notEqual:
                frame[a] = frame[b] == frame[c] ? 0 : 1
            case .lessInt:
                frame[a] = int(frame[b]) < int(frame[c]) ? 1 : 0
            case .lessOrEqualInt:
                frame[a] = int(frame[b]) <= int(frame[c]) ? 1 : 0
            case .lessUInt:
                frame[a] = frame[b] < frame[c] ? 1 : 0
            case .lessOrEqualUInt:
                frame[a] = frame[b] <= frame[c] ? 1 : 0
            case .equalDouble:
                frame[a] = double(frame[b]) == double(frame[c]) ? 1 : 0
            case .lessDouble:
                frame[a] = double(frame[b]) < double(frame[c]) ? 1 : 0
            case .lessOrEqualDouble:
                frame[a] = double(frame[b]) <= double(frame[c]) ? 1 : 0
            case .compareNumbers:
                frame[a] = compareNumbers(frame[b], frame[c], operand) ? 1 : 0
            case .equalText:
                frame[a] = areEqual(text(frame, b), text(frame, c)) ? 1 : 0
            case .lessText:
                frame[a] = compare(text(frame, b), text(frame, c)) < 0 ? 1 : 0
            case .lessOrEqualText:
                frame[a] = compare(text(frame, b), text(frame, c)) <= 0 ? 1 : 0
            case .sizeOfText:
                frame[a] = UInt64(codePointCount(text(frame, b)))
            case .startsWith:
                frame[a] = starts(text(frame, b), with: text(frame, c)) ? 1 : 0
            case .endsWith:
                frame[a] = ends(text(frame, b), with: text(frame, c)) ? 1 : 0
            case .contains:
                frame[a] = contains(text(frame, b), text(frame, c)) ? 1 : 0

            case .jump:
                next = code + operand
            case .jumpIfTrue:
                jump(if: frame[a] != 0)
            case .jumpIfFalse:
                jump(if: frame[a] == 0)
            case .jumpIfEqual:
                jump(if: frame[a] == frame[b])
            case .jumpIfNotEqual:
                jump(if: frame[a] != frame[b])
            case .jumpIfLessInt:
                jump(if: int(frame[a]) < int(frame[b]))
            case .jumpIfLessOrEqualInt:
                jump(if: int(frame[a]) <= int(frame[b]))
            case .jumpIfLessUInt:
                jump(if: frame[a] < frame[b])
            case .jumpIfLessOrEqualUInt:
                jump(if: frame[a] <= frame[b])
            case .takeError:
                frame[a] = UInt64(error.rawValue)
            case .raise:
                guard let raised = RejectionCode(rawValue: UInt32(frame[a])) else {
                    preconditionFailure("an error register holds what takeError put there")
                }
                fail(raised)
            case .restoreError:
                guard let restored = RejectionCode(rawValue: UInt32(frame[a])) else {
                    preconditionFailure("an error register holds what takeError put there")
                }
                error = restored

            case .touch:
                let row = rowAt(frame[a])
                if row[RowLayout.flagsOffset] & RowFlags.exists == 0 {
                    fail(.entityMissing)
                } else {
                    touch(row, type: operand)
                }
            case .before:
                frame[a] = UInt64(UInt(bitPattern: changes.before(rowAt(frame[b]))))
            case .existedBefore:
                guard frame[b] != 0 else {
                    frame[a] = 0
                    break
                }
                let before = changes.before(rowAt(frame[b]))
                frame[a] = before[RowLayout.flagsOffset] & RowFlags.exists
            case .exists:
                frame[a] =
                    frame[b] == 0 ? 0 : rowAt(frame[b])[RowLayout.flagsOffset] & RowFlags.exists
            case .find:
                if let row = find(type: operand, key: frame + b) {
                    frame[a] = UInt64(UInt(bitPattern: row))
                } else {
                    fail(.entityMissing)
                }
            case .checkVersion:
                if rowAt(frame[a])[RowLayout.versionOffset] != frame[b] {
                    fail(.versionMismatch)
                }
            case .hasRoot:
                frame[a] = rowAt(frame[b])[operand] == 0 ? 0 : 1
            case .requireRoot:
                if rowAt(frame[b])[operand] == 0 { fail(.valueAbsent) }
            case .isPresent:
                frame[a] = rowAt(frame[b])[operand] >> UInt64(c) & 1
            case .requirePresent:
                if rowAt(frame[b])[operand] >> UInt64(c) & 1 == 0 {
                    fail(.valueAbsent)
                }
            case .markPresent:
                rowAt(frame[a])[operand] |= 1 << UInt64(c)
            case .markAbsent:
                rowAt(frame[a])[operand] &= ~(1 << UInt64(c))
            case .store:
                rowAt(frame[a])[operand] = frame[b]
            case .addIntToField:
                let row = rowAt(frame[a])
                let (sum, overflow) = int(row[operand]).addingReportingOverflow(int(frame[b]))
                if overflow {
                    fail(.arithmeticOverflow)
                } else {
                    row[operand] = UInt64(bitPattern: sum)
                }
            case .subtractIntFromField:
                let row = rowAt(frame[a])
                let (difference, overflow) = int(row[operand]).subtractingReportingOverflow(
                    int(frame[b]))
                if overflow {
                    fail(.arithmeticOverflow)
                } else {
                    row[operand] = UInt64(bitPattern: difference)
                }
            case .storePair:
                let row = rowAt(frame[a])
                row[operand] = frame[b]
                row[operand + 1] = frame[b + 1]
            case .storeText:
                if Int(frame[b + 1]) > c {
                    fail(.textTooLong)
                } else {
                    storeText(text(frame, b), in: rowAt(frame[a]), at: operand)
                }
            case .storeReference:
                let row = rowAt(frame[a])
                if row[operand] != 0 { rowAt(row[operand])[c] -= 1 }
                if frame[b] != 0 { rowAt(frame[b])[c] += 1 }
                row[operand] = frame[b]
            case .create:
                if let code = create(type: operand, frame: frame, key: b, result: a) {
                    fail(code)
                }
            case .delete:
                let row = rowAt(frame[a])
                if row[RowLayout.flagsOffset] & RowFlags.exists == 0 {
                    fail(.entityMissing)
                } else {
                    delete(row, type: operand)
                }
            case .settle:
                let membership = (before: frame[c] != 0, now: frame[c + 1] != 0)
                if !settle(operand, of: rowAt(frame[b]), membership, holders: frame + a) {
                    fail(.arithmeticOverflow)
                }
            case .settleInPlace:
                if !settleInPlace(operand, of: rowAt(frame[b]), holder: frame + a) {
                    fail(.arithmeticOverflow)
                }
            case .releaseUnique:
                releaseUnique(operand, rowAt(frame[a]))
            case .claimUnique:
                if let other = claimUnique(operand, rowAt(frame[a])) {
                    frame[b] = UInt64(UInt(bitPattern: other))
                    fail(.notUnique)
                }
            case .delta:
                if b != 0 {
                    frame[a] = UInt64(bitPattern: countDelta(type: c))
                } else if let sum = delta(type: c, offset: operand) {
                    frame[a] = UInt64(bitPattern: sum)
                } else {
                    fail(.arithmeticOverflow)
                }
            case .checkUnreferenced:
                let row = rowAt(frame[a])
                if row[RowLayout.flagsOffset] & RowFlags.exists == 0 && row[operand] != 0 {
                    fail(.entityReferenced)
                }

            case .observe:
                outcome.observe(operand, c, .word(frame[b]))
            case .observeText:
                outcome.observe(operand, c, outcome.record(beginningOf: text(frame, b)))
            case .observeTime:
                outcome.observe(operand, c, .time((frame + b).time))
            case .observeAbsent:
                outcome.observe(operand, c, .absent)
            case .rejectRule:
                let code: RejectionCode =
                    forms.rules[operand].kind == .requirement
                    ? .requirementFailed : .invariantViolated
                return .rejected(code, rule: operand, entity: c == 0 ? nil : rowAt(frame[a]))
            case .rejectError:
                return .rejected(error, rule: operand, entity: c == 0 ? nil : rowAt(frame[a]))
            case .accept:
                return .accepted
            }
        }
    }
}

// MARK: Registers

@inline(__always)
func rowAt(_ word: UInt64) -> Row {
    // SAFETY: the compiler takes rows only from registers that hold the address of one.
    Row(bitPattern: UInt(word)).unsafelyUnwrapped
}

@inline(__always)
private func int(_ word: UInt64) -> Int64 { Int64(bitPattern: word) }

@inline(__always)
private func double(_ word: UInt64) -> Double { Double(bitPattern: word) }

@inline(__always)
func text(_ frame: UnsafeMutablePointer<UInt64>, _ register: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
        start: UnsafeRawPointer(bitPattern: UInt(frame[register])), count: Int(frame[register + 1]))
}
