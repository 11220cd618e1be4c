import CRocksDB
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

    private static func extend(in handle: UnsafeMutableRawPointer?) throws -> UnsafeMutableRawPointer {
        try #require(dlsym(handle, "_ZN7rocksdb6crc32c6ExtendEjPKcm"))
    }

    /// The function of the library itself, which nothing calls but for this.
    private static func libraryExtend() throws -> UnsafeMutableRawPointer {
        var info = Dl_info()
        let function: @convention(c) (OpaquePointer?) -> Void = rocksdb_close
        try #require(dladdr(unsafeBitCast(function, to: UnsafeRawPointer.self), &info) != 0)
        return try extend(in: dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD))
    }

    @Test func asTheLibrarys() throws {
        let library = unsafeBitCast(try Self.libraryExtend(), to: Extend.self)
        let linked = unsafeBitCast(try Self.extend(in: nil), to: Extend.self)
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
        @Test func ofThisProgram() throws {
            #expect(try Self.extend(in: nil) != Self.libraryExtend())
        }
    #endif
}
