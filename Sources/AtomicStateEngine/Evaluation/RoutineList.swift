/// The routines of an engine, by the index of their form.
struct RoutineList: ~Copyable {
    private var routines: UnsafeMutablePointer<PreparedRoutine>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 1)
        routines = .allocate(capacity: self.capacity)
    }

    deinit {
        routines.deinitialize(count: count)
        routines.deallocate()
    }

    subscript(index: Int) -> PreparedRoutine {
        @inline(__always) unsafeAddress { UnsafePointer(routines + index) }
    }

    mutating func append(_ routine: consuming PreparedRoutine) {
        if count == capacity { grow() }
        (routines + count).initialize(to: routine)
        count += 1
    }

    mutating func removeLast(_ removedCount: Int) {
        count -= removedCount
        (routines + count).deinitialize(count: removedCount)
    }

    private mutating func grow() {
        capacity *= 2
        let larger = UnsafeMutablePointer<PreparedRoutine>.allocate(capacity: capacity)
        larger.moveInitialize(from: routines, count: count)
        routines.deallocate()
        routines = larger
    }
}
