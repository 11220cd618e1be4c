import Testing

@testable import atomic_state_bench

@Suite struct TimeSpanTests {
    @Test(arguments: [
        ("500ms", 0.5), ("20s", 20), ("1.5s", 1.5), ("10m", 600), ("2h", 7_200),
    ])
    func reads(text: String, seconds: Double) {
        #expect(TimeSpan(argument: text)?.duration.seconds == seconds)
    }

    @Test(arguments: ["", "s", "20", "-1s", "0s", "1d", "nans", "infs", "1e9h", "20 s", "20S"])
    func refuses(text: String) {
        #expect(TimeSpan(argument: text) == nil)
    }
}
