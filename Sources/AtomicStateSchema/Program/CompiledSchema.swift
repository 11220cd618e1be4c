internal import COpenSSL

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
        fingerprint = Self.sha256(of: text)
        program = try Program(compiling: Schema(parsing: text))
    }

    /// As sha256sum(1) prints it.
    private static func sha256(of text: String) -> String {
        let bytes = Array(text.utf8)
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        SHA256(bytes, bytes.count, &digest)
        return digest.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
