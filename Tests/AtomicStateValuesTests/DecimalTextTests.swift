import Testing

@testable import AtomicStateValues

@Suite struct DecimalTextTests {
    @Test(
        arguments: [
            ("0", 2, 0), ("12.50", 2, 1250), ("12.5", 2, 1250), ("12", 2, 1200), ("-0.01", 2, -1),
            ("+3.10", 2, 310), ("007", 0, 7), ("-7", 0, -7), ("0.000001", 6, 1),
            ("92233720368547758.07", 2, .max), ("-92233720368547758.08", 2, .min),
            ("9223372036854775807", 0, .max), ("-9223372036854775808", 0, .min),
        ] as [(String, Int, Int64)])
    func reads(text: String, scale: Int, units: Int64) {
        #expect(DecimalText.units(of: text, scale: scale) == units)
    }

    @Test(arguments: [
        ("", 2), ("-", 2), ("+", 2), (".", 2), ("1.", 2), (".5", 2), ("1.234", 2), ("1.2", 0),
        ("1..2", 2), ("1.2.3", 2), ("--1", 2), ("1-", 2), ("1e3", 2), ("1,000", 2), (" 1", 2),
        ("1 ", 2), ("١", 2), ("0x10", 2), ("1.-5", 2),
        ("92233720368547758.08", 2), ("-92233720368547758.09", 2), ("92233720368547759", 2),
        ("99999999999999999999999999", 0),
    ])
    func refuses(text: String, scale: Int) {
        #expect(DecimalText.units(of: text, scale: scale) == nil)
    }

    @Test(
        arguments: [
            (0, 2, "0.00"), (1250, 2, "12.50"), (-1, 2, "-0.01"), (5, 6, "0.000005"), (-7, 0, "-7"),
            (.max, 2, "92233720368547758.07"), (.min, 2, "-92233720368547758.08"),
        ] as [(Int64, Int, String)])
    func writes(units: Int64, scale: Int, text: String) {
        #expect(DecimalText.text(of: units, scale: scale) == text)
    }

    @Test(arguments: 0...18)
    func readsWhatItWrites(scale: Int) {
        var units = Int64.max
        while units != 0 {
            for units in [units, -units, ~units] {
                let text = DecimalText.text(of: units, scale: scale)
                #expect(DecimalText.units(of: text, scale: scale) == units)
            }
            units /= 3
        }
    }
}
