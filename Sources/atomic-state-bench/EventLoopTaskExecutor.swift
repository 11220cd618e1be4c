internal import NIOCore

/// Runs tasks on an event loop.
///
/// A worker whose task runs where its connection is served needs no thread change between a reply
/// and the next request, and leaves the other cores to the server.
final class EventLoopTaskExecutor: TaskExecutor {
    let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
