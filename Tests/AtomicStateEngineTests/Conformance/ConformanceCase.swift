import Foundation

/// A file of cases of the CEL specification's own test suite.
struct ConformanceFile: Decodable {
    let file: String
    let cases: [ConformanceCase]
}

struct ConformanceCase: Decodable {
    struct Expectation: Decodable {
        let value: ConformanceValue?
        let type: String?
        let error: Bool?
    }

    let section: String
    let name: String
    let expr: String
    let disable_check: Bool?
    let check_only: Bool?
    let type_env: [String: String]?
    let bindings: [String: ConformanceValue]?
    let expect: Expectation

    var expectsError: Bool { expect.error == true }
}

/// A value of a case.
indirect enum ConformanceValue: Decodable, Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case timestamp(seconds: Int64, nanoseconds: Int64)
    case duration(seconds: Int64, nanoseconds: Int64)
    case list([ConformanceValue])
    /// Maps, messages, types: what rules don't have.
    case foreign(String)

    private struct Key: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private struct Time: Decodable {
        let seconds: Int64
        let nanos: Int64

        private enum CodingKeys: CodingKey { case seconds, nanos }

        /// Numbers, or numbers as text; what is missing is 0.
        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            func number(_ key: CodingKeys) throws -> Int64 {
                guard container.contains(key) else { return 0 }
                if let number = try? container.decode(Int64.self, forKey: key) { return number }
                return try ConformanceValue.number(try container.decode(String.self, forKey: key))
            }
            seconds = try number(.seconds)
            nanos = try number(.nanos)
        }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard let key = container.allKeys.first else { throw Mistake.noValue }
        func decode<Value: Decodable>(_: Value.Type) throws -> Value {
            try container.decode(Value.self, forKey: key)
        }
        switch key.stringValue {
        case "null": self = .null
        case "bool": self = .bool(try decode(Bool.self))
        case "int": self = .int(try Self.number(try decode(String.self)))
        case "uint": self = .uint(try Self.number(try decode(String.self)))
        case "double": self = .double(try Self.number(try decode(String.self)))
        case "string": self = .string(try decode(String.self))
        case "bytes_hex": self = .bytes(try Self.bytes(try decode(String.self)))
        case "timestamp":
            let time = try decode(Time.self)
            self = .timestamp(seconds: time.seconds, nanoseconds: time.nanos)
        case "duration":
            let time = try decode(Time.self)
            // The format gives both parts the duration's sign.
            let isNegative = time.nanos < 0
            self = .duration(
                seconds: time.seconds - (isNegative ? 1 : 0),
                nanoseconds: time.nanos + (isNegative ? 1_000_000_000 : 0))
        case "list": self = .list(try decode([ConformanceValue].self))
        default: self = .foreign(key.stringValue)
        }
    }

    private enum Mistake: Error {
        case noValue
        case notANumber(String)
        case notHexadecimal(String)
    }

    private static func number<Number: LosslessStringConvertible>(_ text: String) throws -> Number {
        guard let number = Number(text) else { throw Mistake.notANumber(text) }
        return number
    }

    private static func bytes(_ text: String) throws -> [UInt8] {
        let digits = Array(text)
        return try stride(from: 0, to: digits.count, by: 2).map { index in
            guard let byte = UInt8(String(digits[index..<(index + 2)]), radix: 16) else {
                throw Mistake.notHexadecimal(text)
            }
            return byte
        }
    }
}
