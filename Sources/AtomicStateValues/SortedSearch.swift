extension RandomAccessCollection {
    /// The element with this number, where numbers ascend: found in as many steps as the count has binary
    /// digits.
    package func first(
        numbered number: Int, by numberOf: (Element) -> Int
    ) -> Element? {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = index(low, offsetBy: distance(from: low, to: high) / 2)
            if numberOf(self[middle]) < number {
                low = index(after: middle)
            } else {
                high = middle
            }
        }
        guard low < endIndex, numberOf(self[low]) == number else { return nil }
        return self[low]
    }
}
