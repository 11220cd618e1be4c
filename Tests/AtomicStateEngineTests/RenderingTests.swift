import AtomicStateEngine
import AtomicStateSchema
import Testing

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
        let word = UInt64(bitPattern: unscaled)
        #expect(ValueType.decimal(scale: scale).render(word) == text)
    }

    @Test func otherTypes() {
        #expect(ValueType.bool.render(0) == "false")
        #expect(ValueType.bool.render(1) == "true")
        #expect(ValueType.int.render(.max) == "-1")
        #expect(ValueType.uint.render(.max) == "18446744073709551615")
        #expect(ValueType.enumeration(values: ["a", "b"]).render(1) == "b")
        #expect(ValueType.enumeration(values: ["a", "b"]).render(2) == "value 2")
    }
}
