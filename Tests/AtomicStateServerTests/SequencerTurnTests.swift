import AtomicStateProtocol
import Glibc
import Synchronization
import Testing

@testable import AtomicStateServer

/// Where one connection alone sends small requests, its event loop takes the writer's steps; in all other
/// cases the writer's thread does.
@Suite struct LoneSenderTests {
    private let one = ObjectIdentifier(String.self)
    private let another = ObjectIdentifier(Int.self)
    private let few = ServerLimits.loneRequestCountMin

    @Test func itIsAloneAfterAFewRequests() {
        var sender = LoneSender()
        let answers = (0..<few + 3).map { _ in sender.note(from: one, serverIsIdle: true) }
        #expect(answers == Array(repeating: false, count: few) + [true, true, true])
    }

    @Test(arguments: [true, false])
    func anotherOrOneBesideStartsTheCountAnew(comesFromAnother: Bool) {
        var sender = LoneSender()
        for _ in 0..<few { _ = sender.note(from: one, serverIsIdle: true) }
        let disturber = comesFromAnother ? another : one
        let answer = sender.note(from: disturber, serverIsIdle: comesFromAnother)
        let answers = (0...few).map { _ in sender.note(from: one, serverIsIdle: true) }
        #expect(!answer && !answers.prefix(few - 1).contains(true) && answers[few])
    }

    @Test func itHasToShowItNowAndThen() {
        var sender = LoneSender()
        for _ in 0..<few { _ = sender.note(from: one, serverIsIdle: true) }
        let count = 10 * (ServerLimits.loneRequestCountMax - few + ServerLimits.loneProofCount)
        let aloneCount = (0..<count).count { _ in sender.note(from: one, serverIsIdle: true) }
        #expect(aloneCount == count - 10 * ServerLimits.loneProofCount)
    }
}

/// With a thread that takes the writer's steps, and the test in the place of the event loop.
@Suite final class SequencerTurnTests {
    private let sequencer = Sequencer()
    private let writer = WriterThread()
    private let one: Connection
    private let another: Connection

    init() throws {
        let server = try SimulatedServer(SimulatedTime().clock)
        one = Connection(eventLoop: server.loop, service: server.service)
        another = Connection(eventLoop: server.loop, service: server.service)
        writer.start(sequencer)
    }

    deinit { stop() }

    @Test func theLoopGetsTheTurnOnce() throws {
        let count = try sendUntilPromised()
        #expect(sequencer.beginTurn() && !sequencer.beginTurn())
        #expect(try takeWork() && !takeWork())
        sequencer.endTurn()
        #expect(!sequencer.beginTurn())
        stop()
        #expect(writer.takenCount == count)
    }

    @Test func whatComesBesideItGoesToTheThreadWithIt() throws {
        let count = try sendUntilPromised()
        #expect(try !send(from: another))
        writer.wait(takenCount: count + 2)
        #expect(!sequencer.beginTurn())
    }

    @Test func whatComesMeanwhileIsLeftToTheThread() throws {
        let count = try sendUntilPromised()
        #expect(sequencer.beginTurn())
        #expect(try !send(from: one))
        #expect(try takeWork())
        #expect(writer.takenCount == count)
        sequencer.endTurn()
        writer.wait(takenCount: count + 1)
    }

    @Test func aLargeRequestGoesToTheThread() throws {
        let count = try sendUntilPromised()
        #expect(sequencer.beginTurn())
        #expect(try takeWork())
        sequencer.endTurn()
        #expect(
            try !send(from: one, transactionCount: ServerLimits.groupTransactionCountSmall + 1))
        writer.wait(takenCount: count + 1)
    }

    @Test func theThreadTakesWhatWasPromisedBeforeItStops() throws {
        let count = try sendUntilPromised()
        stop()
        #expect(writer.takenCount == count + 1)
        #expect(!sequencer.beginTurn())
    }

    /// Requests that nobody waits for any more, as the connection is gone.
    @Test func whatWasAbandonedIsNotCarriedOut() throws {
        let count = try sendUntilPromised()
        #expect(sequencer.beginTurn())
        for _ in 0..<3 { #expect(try !send(from: another, transactionCount: 5)) }
        #expect(sequencer.transactionCount == 16)
        #expect(sequencer.abandonRequests(of: another).count == 3)
        #expect(sequencer.transactionCount == 1)
        #expect(try takeWork() && !takeWork())
        #expect(try !send(from: another))
        sequencer.endTurn()
        writer.wait(takenCount: count + 1)
        stop()
        #expect(writer.takenCount == count + 1)
    }

    /// Small requests that come whatever waits leave the room of the queue to the large ones.
    @Test func lightRequestsTakeNoRoom() throws {
        _ = try sendUntilPromised()
        #expect(sequencer.beginTurn())
        let many = ServerLimits.queuedTransactionCountMax
        #expect(try !send(from: another, transactionCount: many, isLight: true))
        #expect(sequencer.transactionCount > many && sequencer.hasRoom(for: one))
        #expect(try !send(from: another, transactionCount: many))
        #expect(!sequencer.hasRoom(for: one))
        #expect(sequencer.abandonRequests(of: another).count == 2)
        #expect(sequencer.hasRoom(for: one))
        sequencer.endTurn()
    }

    /// - Returns: how many requests the thread has taken.
    private func sendUntilPromised() throws -> Int {
        for count in 0..<1_000 {
            if try send(from: one) {
                #expect(count >= ServerLimits.loneRequestCountMin)
                return count
            }
            writer.wait(takenCount: count + 1)
            // The thread is about to wait again.
            usleep(1_000)
        }
        throw SequencerTurnError.neverPromised
    }

    private func send(
        from connection: Connection, transactionCount: Int = 1, isLight: Bool = false
    ) throws -> Bool {
        let request = try [UInt8]().withUnsafeBytes { try DecodedRequest($0) }
        let admission = sequencer.enqueue(
            WorkItem(
                kind: .submit([], isAtomic: false, name: nil), request: request,
                connection: connection, deadline: nil, transactionCount: transactionCount,
                byteCount: 0, replyByteCount: 0, isLight: isLight, forms: []))
        try #require(admission != .refused)
        return admission == .promisedTurn
    }

    private func takeWork() throws -> Bool {
        guard case .work = sequencer.nextStep(.empty) else { return false }
        return true
    }

    private func stop() {
        sequencer.stop()
        writer.join()
    }
}

private enum SequencerTurnError: Error { case neverPromised }

extension Sequencer.OpenGroup {
    fileprivate static let empty = Self(isEmpty: true, isLarge: false, isFull: false)
}

/// Takes steps until it is told to stop.
private final class WriterThread: Sendable {
    private let count = Atomic(0)
    private let thread = Mutex<WorkerThread?>(nil)

    var takenCount: Int { count.load(ordering: .acquiring) }

    func start(_ sequencer: Sequencer) {
        thread.withLock { thread in
            thread = WorkerThread(name: "writer") {
                while case .work = sequencer.waitForStep(.empty) {
                    self.count.add(1, ordering: .acquiringAndReleasing)
                }
            }
        }
    }

    func wait(takenCount: Int) {
        while self.takenCount < takenCount { usleep(100) }
    }

    /// Once the sequencer was told to stop.
    func join() {
        thread.withLock { $0.take() }?.join()
    }
}
