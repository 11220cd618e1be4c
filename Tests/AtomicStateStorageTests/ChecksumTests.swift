import CRocksDBAdditions
import Glibc
import Testing

/// The checksum of RocksDB's logs, in whose place another function is linked.
@Suite struct ChecksumTests {
    /// Test vectors of RFC 3720, appendix B.4, and the check value of the CRC catalogue.
    @Test(
        arguments: [
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
            ([UInt8](0..<32), 0x46DD_794E), (Array("123456789".utf8), 0xE306_9283), ([], 0),
        ] as [([UInt8], UInt32)])
    func vectors(_ bytes: [UInt8], _ checksum: UInt32) {
        #expect(rocksdb_crc32c(bytes, bytes.count) == checksum)
    }

    private typealias Extend = @convention(c) (UInt32, UnsafeRawPointer?, Int) -> UInt32

    /// The function that all call.
    private let linked = dlsym(nil, Self.name)
    /// The library's own. The handle is RTLD_NEXT of dlsym(3): what comes after this program.
    private let library = dlsym(UnsafeMutableRawPointer(bitPattern: -1), Self.name)
    private static let name = "_ZN7rocksdb6crc32c6ExtendEjPKcm"

    @Test func asTheLibrarys() throws {
        let library = unsafeBitCast(try #require(library), to: Extend.self)
        let linked = unsafeBitCast(try #require(linked), to: Extend.self)
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<40_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        try bytes.withUnsafeBytes { bytes in
            let start = try #require(bytes.baseAddress)
            for byteCount in Array(0..<70) + [1_000, 32_761, 39_990] {
                for offset in 0..<9 {
                    for before in [0, UInt32.random(in: 0...UInt32.max, using: &generator)] {
                        #expect(
                            linked(before, start + offset, byteCount)
                                == library(before, start + offset, byteCount))
                    }
                }
            }
        }
    }

    #if arch(x86_64)
        /// What Debian's library is built without.
        @Test func ofThisProgram() throws {
            #expect(try #require(linked) != #require(library))
        }
    #endif
}
