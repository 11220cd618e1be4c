/// A stream of random numbers that a seed determines: SplitMix64, of G. Steele, D. Lea and
/// C. Flood, "Fast splittable pseudorandom number generators", 2014; constants as in S. Vigna's
/// https://prng.di.unimi.it/splitmix64.c.
struct RandomStream: RandomNumberGenerator {
    private var state: UInt64

    /// - Parameter index: streams of one seed with different indices are unrelated.
    init(seed: UInt64, index: UInt64) {
        var origin = RandomStream(state: seed)
        var stream = RandomStream(state: origin.next() ^ index)
        state = stream.next()
    }

    private init(state: UInt64) {
        self.state = state
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// From 0 to `bound` - 1, uniform but for a bias of at most `bound` / 2^64.
    mutating func next(below bound: UInt64) -> UInt64 {
        next().multipliedFullWidth(by: bound).high
    }
}
