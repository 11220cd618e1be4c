internal import Crypto

/// A schema file with the program it compiles to.
package struct CompiledSchema: Sendable {
    /// The schema file as it was read.
    package let text: String
    /// The SHA-256 of the text, in hexadecimal.
    package let fingerprint: String
    package let program: Program

    package var schema: Schema { program.schema }

    package init(text: String) throws(SchemaError) {
        self.text = text
        fingerprint = SHA256.hash(data: Array(text.utf8))
            .map { byte in
                let digits = String(byte, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }
            .joined()
        program = Program(compiling: try Schema(parsing: text))
    }
}
