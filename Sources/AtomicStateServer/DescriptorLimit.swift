internal import Glibc

/// The file descriptors that the system allows the process.
enum DescriptorLimit {
    /// Asks for as many as may be had, and returns how many that are.
    static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return ServerLimits.reservedDescriptorCount
        }
        var raised = limit
        raised.rlim_cur = limit.rlim_max
        if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        return Int(clamping: limit.rlim_cur)
    }

    /// The connections that leave storage its descriptors; half of very few.
    static func connectionCountMax(wanted: Int, descriptorCount: Int) -> Int {
        min(
            wanted,
            max(descriptorCount / 2, descriptorCount - ServerLimits.reservedDescriptorCount))
    }
}
