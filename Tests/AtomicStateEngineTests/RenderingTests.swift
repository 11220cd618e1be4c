import AtomicStateSchema
import Testing

@testable import AtomicStateEngine

/// Values in messages, as people write them.
@Suite struct RenderingTests {
    @Test(
        arguments: [
            (0, 2, "0.00"), (5, 2, "0.05"), (-5, 2, "-0.05"), (-50, 2, "-0.50"), (100, 2, "1.00"),
            (-12_345, 3, "-12.345"), (7, 0, "7"), (-7, 0, "-7"), (1, 18, "0.000000000000000001"),
            (.max, 18, "9.223372036854775807"), (.min, 18, "-9.223372036854775808"),
            (.min, 2, "-92233720368547758.08"), (.min, 0, "-9223372036854775808"),
        ] as [(Int64, Int, String)])
    func decimal(unscaled: Int64, scale: Int, text: String) {
        #expect(render(UInt64(bitPattern: unscaled), .decimal(scale: scale)) == text)
    }

    @Test func otherTypes() {
        #expect(render(0, .bool) == "false")
        #expect(render(1, .bool) == "true")
        #expect(render(0, .int) == "0")
        #expect(render(.max, .int) == "-1")
        #expect(render(UInt64(bitPattern: Int64.min), .int) == "-9223372036854775808")
        #expect(render(.max, .uint) == "18446744073709551615")
        #expect(render(1, .enumeration(values: ["a", "b"])) == "b")
        #expect(render(2, .enumeration(values: ["a", "b"])) == "value 2")
    }

    private func render(_ word: UInt64, _ type: ValueType) -> String {
        var texts = TextBuffer()
        let text = texts.append(word, as: type)
        return String(decoding: texts.bytes[text], as: UTF8.self)
    }
}
