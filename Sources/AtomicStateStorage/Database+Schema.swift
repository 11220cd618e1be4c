internal import CRocksDB

// The versions of the schema, in the meta family:
//
//     schema/N           the text of version N, for each from 1 to the one in force
//     schema_version     the number of the version in force: two little-endian bytes
//
// So a change of the schema first writes all rows of the next version, which are not in force yet (see
// `Database+Rows.swift`), and then, in one write, enforces both. A crash before that write leaves the version
// before and its rows as they were.

extension Database {
    /// The greatest number of a version; the one after it is that of a schema which is only tried.
    package static let schemaVersionMax = UInt16.max - 1

    /// The number of the version in force; nil for a database that was just created.
    package func schemaVersion() throws(StorageError) -> UInt16? {
        guard let bytes = try get(.schemaVersion) else { return nil }
        guard bytes.count == 2, bytes != [0, 0] else {
            throw StorageError(
                "meta: \(MetaKey.schemaVersion.rawValue) is \(bytes): expected two bytes from 1")
        }
        return UInt16(bytes[0]) | UInt16(bytes[1]) << 8
    }

    /// The text of a version up to the one in force.
    package func schemaText(version: UInt16) throws(StorageError) -> String {
        guard let bytes = try get(Self.schemaKey(version)) else {
            throw StorageError("meta: \(Self.schemaKey(version)) is missing")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw StorageError("meta: \(Self.schemaKey(version)) is not UTF-8")
        }
        return text
    }

    /// Makes a version and its rows those in force, durably and at once.
    package func enforce(
        schemaVersion: UInt16, text: String, _ rows: RowsInForce
    ) throws(StorageError) {
        precondition((1...Self.schemaVersionMax).contains(schemaVersion))
        try put([
            (Self.schemaKey(schemaVersion), Array(text.utf8)),
            (MetaKey.schemaVersion.rawValue, littleEndianBytes(schemaVersion)),
            (MetaKey.rows.rawValue, rows.bytes),
        ])
    }

    /// Notes another text that says the same as a version's text.
    package func replaceSchemaText(
        version: UInt16, with text: String
    ) throws(StorageError) {
        try put([(Self.schemaKey(version), Array(text.utf8))])
    }

    private static func schemaKey(_ version: UInt16) -> String { "schema/\(version)" }
}

func littleEndianBytes(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
}
