import AtomicStateSchema
import SeededRandom
import Testing

@testable import AtomicStateEngine

/// Rows and their index against a dictionary: found exactly while they are there, and never moved.
@Suite struct RowStoreTests {
    @Test(arguments: [KeyType.uint64, .string], 1...2 as ClosedRange<UInt64>)
    func agreesWithADictionary(keyType: KeyType, seed: UInt64) {
        var random = SeededGenerator(state: seed)
        var heap = TextHeap()
        var store = RowStore(layout: Self.layout(keyType))
        var expected: [UInt64: Row] = [:]
        for step in 0..<20_000 {
            let key = UInt64.random(in: 0..<6_000, using: &random)
            switch (expected[key], random.oneIn(3)) {
            case (nil, _):
                let row = Self.withKey(key, keyType) { store.insert($0, textHeap: &heap) }
                #expect(row[RowLayout.versionOffset] == 0, "a row is new at step \(step)")
                row[RowLayout.versionOffset] = key
                expected[key] = row
            case (let row?, true):
                store.unlink(row)
                if keyType == .string { heap.free(row[RowLayout.keyOffset]) }
                store.release(row)
                expected[key] = nil
            case (let row?, false):
                store.unlink(row)
                #expect(Self.withKey(key, keyType) { store.find($0) } == nil)
                store.relink(row)
            }
            #expect(Self.withKey(key, keyType) { store.find($0) } == expected[key])
        }
        #expect(store.entityCount == expected.count)
        for key in 0..<6_000 as Range<UInt64> {
            let found = Self.withKey(key, keyType) { store.find($0) }
            #expect(found == expected[key], "key \(key), seed \(seed)")
            #expect(found.map { $0[RowLayout.versionOffset] } ?? key == key)
        }
        var seen: Set<UInt64> = []
        store.forEachRow { seen.insert($0[RowLayout.versionOffset]) }
        #expect(seen == Set(expected.keys))
    }

    @Test func reservedRoomIsEnough() {
        var heap = TextHeap()
        var store = RowStore(layout: Self.layout(.uint64))
        store.reserve(10_000)
        let byteCount = store.byteCount
        for key in 0..<200 as Range<UInt64> { _ = store.insert(.number(key), textHeap: &heap) }
        #expect(
            store.byteCount - byteCount <= TableMemory.hugePageByteCount,
            "one chunk of rows, and no larger index")
        for key in 0..<200 as Range<UInt64> { #expect(store.find(.number(key)) != nil) }
    }

    /// Who knows how one index spreads its keys could choose keys that all meet in it.
    @Test(arguments: [KeyType.uint64, .string])
    func everyIndexSpreadsKeysInItsOwnWay(keyType: KeyType) {
        let first = RowStore(layout: Self.layout(keyType))
        let second = RowStore(layout: Self.layout(keyType))
        for key in 0..<64 as Range<UInt64> {
            let hash = Self.withKey(key, keyType) { first.hash(of: $0) }
            let other = Self.withKey(key, keyType) { second.hash(of: $0) }
            #expect(hash != other, "key \(key)")
        }
    }

    @Test func changedRowIsListedOnce() {
        var heap = TextHeap()
        var store = RowStore(layout: Self.layout(.uint64))
        let row = store.insert(.number(1), textHeap: &heap)
        store.markDirty(row)
        store.markDirty(row)
        #expect(store.dirtySlots.count == 1)
        store.unlink(row)
        store.release(row)
        let again = store.insert(.number(2), textHeap: &heap)
        store.markDirty(again)
        #expect(again == row && store.dirtySlots.count == 1, "the memory is listed already")
    }

    private static func layout(_ keyType: KeyType) -> RowLayout {
        let location = SourceLocation(line: 1, column: 1)
        let field = Field(
            name: "field", type: .int, defaultValue: nil, maximumByteCount: nil, location: location)
        return RowLayout(
            of: EntityType(
                name: "Entity", keyType: keyType, fields: [field], derived: [], uniqueKeys: [],
                invariants: [], isGeneric: false, location: location),
            isReferredTo: true)
    }

    private static func withKey<Result>(
        _ number: UInt64, _ keyType: KeyType, _ body: (Key) -> Result
    ) -> Result {
        switch keyType {
        case .uint64: return body(.number(number))
        case .string, .uuid:
            let text = Array(repeating: "key", count: Int(number % 7)).joined() + String(number)
            return Array(text.utf8).withUnsafeBytes { body(.text($0)) }
        }
    }
}
