// swift-tools-version: 6.1
import PackageDescription

// One list of settings for every Swift target. Overflow and bounds stay checked in release builds.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

// The two programs' malloc. With thousands of requests in flight, glibc's takes so long that the server spends
// a tenth more processor time on a request of one transaction. A sanitizer has its own.
let allocator: [LinkerSetting] =
    Context.environment["ATOMIC_STATE_SANITIZER"] == nil ? [.linkedLibrary("jemalloc")] : []

let package = Package(
    name: "atomic-state",
    products: [
        .library(name: "AtomicStateClient", targets: ["AtomicStateClient"]),
        .executable(name: "atomic-state", targets: ["atomic-state"]),
        .executable(name: "atomic-state-bench", targets: ["atomic-state-bench"]),
        // For the system tests.
        .library(name: "FaultyDisk", type: .dynamic, targets: ["FaultyDisk"]),
    ],
    dependencies: [
        // The schema file's YAML. Used by AtomicStateSchema alone.
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        // Sockets and HTTP/1. Used by AtomicStateServer, AtomicStateClient and atomic-state-bench.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        // Structured logs. Used by AtomicStateServer and the executables.
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        // Start and graceful shutdown on signals. Used by AtomicStateServer.
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        // Command lines. Used by the executables.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // Latency percentiles. Used by atomic-state-bench.
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // C headers and generated C, nothing else.
        .systemLibrary(name: "CRocksDB", providers: [.apt(["librocksdb-dev"])]),
        // A few lines of C++ for what RocksDB's C API leaves out.
        .target(name: "CRocksDBAdditions", linkerSettings: [.linkedLibrary("rocksdb")]),
        // SHA-256: the schema's fingerprint, idempotency keys of identifiers. A package of Swift's own would compile all of BoringSSL.
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .target(
            name: "CProtocol",
            linkerSettings: [.linkedLibrary("protobuf-c")]),

        // A few lines of C that Swift has no name for.
        .systemLibrary(name: "CPlatform"),

        // Values and their text: times, decimals, UUIDs. Pure.
        .target(name: "AtomicStateValues", swiftSettings: settings),
        // YAML and CEL to a checked, flat program. Pure.
        .target(
            name: "AtomicStateSchema",
            dependencies: [
                "AtomicStateValues", "COpenSSL",
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        // Rows, evaluation, derived values, journal records. Deterministic, no I/O.
        .target(
            name: "AtomicStateEngine",
            dependencies: ["AtomicStateSchema", "AtomicStateValues", "CPlatform"],
            swiftSettings: settings),
        // The only importer of CRocksDB.
        .target(
            name: "AtomicStateStorage",
            dependencies: ["CRocksDB", "CRocksDBAdditions", "CPlatform"],
            swiftSettings: settings),
        // Framing and codec; the only importer of CProtocol.
        .target(
            name: "AtomicStateProtocol",
            dependencies: ["AtomicStateValues", "CProtocol"],
            swiftSettings: settings),
        // Ingress, sequencer, writer, committer, recovery, audit, admin.
        .target(
            name: "AtomicStateServer",
            dependencies: [
                "AtomicStateEngine", "AtomicStateProtocol", "AtomicStateSchema",
                "AtomicStateStorage", "CPlatform",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        // The SDK.
        .target(
            name: "AtomicStateClient",
            dependencies: [
                "AtomicStateProtocol", "AtomicStateValues", "COpenSSL",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),

        .executableTarget(
            name: "atomic-state",
            dependencies: [
                "AtomicStateClient", "AtomicStateProtocol", "AtomicStateSchema",
                "AtomicStateServer",
                "AtomicStateStorage", "AtomicStateValues",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings, linkerSettings: allocator),
        .executableTarget(
            name: "atomic-state-bench",
            dependencies: [
                "AtomicStateClient", "AtomicStateProtocol",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: settings, linkerSettings: allocator),
        // The stages of a transaction, for bench/instructions.py and bench/evaluation.py to measure.
        .executableTarget(
            name: "engine-benchmark",
            dependencies: [
                "AtomicStateEngine", "AtomicStateProtocol", "AtomicStateSchema",
                "AtomicStateServer", "AtomicStateValues",
            ],
            swiftSettings: settings),

        // What tests draw at random, so that a seed repeats it.
        .target(name: "SeededRandom", path: "Tests/SeededRandom", swiftSettings: settings),
        // The slow, obvious executor of any schema, for tests to compare with.
        .target(
            name: "ReferenceModel",
            dependencies: ["AtomicStateSchema", "AtomicStateValues"],
            path: "Tests/ReferenceModel", swiftSettings: settings),
        // Whether what clients were told can be true. For tests.
        .target(
            name: "HistoryChecker",
            dependencies: ["AtomicStateSchema", "AtomicStateValues", "ReferenceModel"],
            path: "Tests/HistoryChecker", swiftSettings: settings),

        .testTarget(
            name: "AtomicStateValuesTests",
            dependencies: ["AtomicStateValues"], swiftSettings: settings),
        .testTarget(
            name: "AtomicStateSchemaTests",
            dependencies: ["AtomicStateSchema", "SeededRandom"], swiftSettings: settings),
        .testTarget(
            name: "AtomicStateEngineTests",
            dependencies: [
                "AtomicStateEngine", "AtomicStateSchema", "AtomicStateValues", "ReferenceModel",
                "SeededRandom",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "HistoryCheckerTests",
            dependencies: [
                "AtomicStateSchema", "AtomicStateValues", "HistoryChecker", "ReferenceModel",
                "SeededRandom",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "AtomicStateStorageTests",
            dependencies: ["AtomicStateStorage", "CRocksDB", "CRocksDBAdditions", "SeededRandom"],
            swiftSettings: settings),
        .testTarget(
            name: "AtomicStateProtocolTests",
            dependencies: ["AtomicStateProtocol", "SeededRandom"], swiftSettings: settings),
        .testTarget(
            name: "AtomicStateClientTests",
            dependencies: [
                "AtomicStateClient", "AtomicStateProtocol", "AtomicStateValues",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "AtomicStateBenchTests",
            dependencies: ["AtomicStateClient", "AtomicStateProtocol", "atomic-state-bench"],
            swiftSettings: settings),
        .testTarget(
            name: "AtomicStateCommandTests",
            dependencies: [
                "AtomicStateClient", "AtomicStateProtocol", "atomic-state",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "AtomicStateServerTests",
            dependencies: [
                "AtomicStateEngine", "AtomicStateProtocol", "AtomicStateSchema",
                "AtomicStateServer", "AtomicStateStorage", "AtomicStateValues", "CPlatform",
                "SeededRandom",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            swiftSettings: settings),
        // Loaded into the server by the system tests: what it does to the disk, and faults of the disk.
        // Nothing links it.
        .target(name: "FaultyDisk", path: "Tests/FaultyDisk"),
        // Real binaries over real sockets: examples, bad input, kill and restart, power cuts, faults.
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "AtomicStateClient", "AtomicStateProtocol", "AtomicStateSchema",
                "AtomicStateValues", "HistoryChecker", "ReferenceModel", "SeededRandom",
            ],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)

// What reads bytes from outside, on inputs that are known; or, with libFuzzer's instrumentation in
// everything, as a program that makes inputs up: scripts/fuzz-inputs.sh.
let fuzzDependencies: [Target.Dependency] = [
    "AtomicStateEngine", "AtomicStateProtocol", "AtomicStateSchema", "AtomicStateServer",
    "AtomicStateStorage", "AtomicStateValues",
    .product(name: "Logging", package: "swift-log"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOEmbedded", package: "swift-nio"),
]
if Context.environment["ATOMIC_STATE_FUZZER"] == nil {
    package.targets.append(
        .testTarget(
            name: "FuzzTests", dependencies: fuzzDependencies + ["SeededRandom"],
            exclude: ["Cases", "Driver"],
            swiftSettings: settings))
} else {
    package.targets += [
        .executableTarget(
            name: "fuzzer", dependencies: fuzzDependencies, path: "Tests/FuzzTests",
            sources: ["Targets", "Driver"], swiftSettings: settings)
    ]
}
