import Testing

@testable import AtomicStateValues

@Suite struct SortedSearchTests {
    @Test(arguments: 0...9)
    func findsWhatIsThereAndNothingElse(count: Int) {
        let even = (0..<count).map { 2 * $0 }
        for number in -1...(2 * count) {
            let isThere = number >= 0 && number % 2 == 0 && number < 2 * count
            #expect(even.first(numbered: number, by: { $0 }) == (isThere ? number : nil))
        }
    }
}
