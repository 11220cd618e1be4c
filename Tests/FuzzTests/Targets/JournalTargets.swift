import AtomicStateSchema

@testable import AtomicStateEngine

extension InputTarget {
    /// A journal record that follows those of `Depot.journal`.
    static let record = InputTarget(
        name: "record",
        seeds: {
            Depot.requests.compactMap { ServedEngine.served([$0]).journal.first?.bytes }
        },
        words: { [[0xFF, 0xFF], [0, 0, 0, 0], [8], [1, 0]] }
    ) { (bytes) throws(Finding) in
        if bytes.count >= 16 {
            let key = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            let header = try? JournalRecordHeader(bytes, key: UInt64(littleEndian: key))
            try expect(
                header.map { $0.lastSequence >= key } ?? true, "a record ends before it begins")
        }
        var engine = Depot.engine()
        var twin = Depot.engine()
        do throws(CorruptionError) {
            try engine.load(journal: Depot.journal, then: bytes)
        } catch {
            try expect(!error.description.isEmpty, "a record is refused without a reason")
            return
        }
        do throws(CorruptionError) {
            try twin.load(journal: Depot.journal, then: bytes)
        } catch {
            throw Finding(description: "a record is accepted once, and then refused: \(error)")
        }
        let differences = twin.differences(from: engine, limit: 5)
        try expect(differences == [], "replayed twice, a record differs: \(differences)")
        try checkImages(of: &engine)
        try carryOutAgain(bytes)
    }

    /// Whatever was accepted for a record, the audit gets through it.
    private static func carryOutAgain(_ bytes: UnsafeRawBufferPointer) throws(Finding) {
        var engine = Depot.engine()
        do throws(CorruptionError) {
            try engine.load(journal: Depot.journal)
            var buffer = ByteBuffer()
            let record = try JournalRecord(bytes, forms: engine.forms)
            let outcome = engine.carryOutAgain(record, into: &buffer)
            _ = outcome.describeRejections(engine.program.schema)
            _ = engine.inspectInvariants(limit: 5)
        } catch {
            throw Finding(description: "a record is accepted once, and then refused: \(error)")
        }
    }

    /// The images of all rows that changed lead to the state that they were taken from.
    private static func checkImages(of engine: inout Engine) throws(Finding) {
        var loaded = Depot.engine()
        do throws(CorruptionError) {
            try engine.drained(ofAll: false).forEach { (block) throws(CorruptionError) in
                _ = try loaded.load(block)
            }
            loaded.resume(after: engine.lastSequence)
            try loaded.finishLoading()
        } catch {
            throw Finding(description: "the rows' own images are refused: \(error)")
        }
        let differences = loaded.differences(from: engine, limit: 5)
        try expect(differences == [], "loaded from their images, rows differ: \(differences)")
    }

    /// What was accepted is in the journal, and there only once.
    static func checkJournal(of served: ServedEngine) throws(Finding) {
        var replayed = Depot.engine()
        var repeated = Depot.engine()
        var buffer = ByteBuffer()
        do throws(CorruptionError) {
            try replayed.load(journal: Depot.journal + served.journal)
            try repeated.load(journal: Depot.journal)
        } catch {
            throw Finding(description: "the server's own records are refused: \(error)")
        }
        for record in served.journal {
            do throws(CorruptionError) {
                try record.bytes.withBytes { (bytes) throws(CorruptionError) in
                    let record = try JournalRecord(bytes, forms: repeated.forms)
                    _ = repeated.carryOutAgain(record, into: &buffer)
                }
            } catch {
                throw Finding(description: "the server's own record is refused: \(error)")
            }
            let again = buffer.withBytes { Array($0) }
            try expect(again == record.bytes, "carried out again, a record becomes another")
        }
        let differences = repeated.differences(from: replayed, limit: 5)
        try expect(differences == [], "replayed and carried out again, rows differ: \(differences)")
    }

    /// A block of rows that comes behind others.
    static let row = InputTarget(
        name: "row",
        seeds: {
            let served = ServedEngine.served(Depot.requests)
            return try [true, false].flatMap { ofAll in
                var engine = Depot.engine()
                try engine.load(journal: Depot.journal + served.journal)
                return engine.drained(ofAll: ofAll).blocks
            }
        },
        words: { [Array("east".utf8), [4, 0, 0, 0], [8, 0, 0, 0], [0, 1]] }
    ) { (bytes) throws(Finding) in
        var engine = Depot.engine()
        var others = Depot.engine()
        do throws(CorruptionError) {
            try others.load(journal: Depot.journal)
            try others.drained(ofAll: true).forEach { (block) throws(CorruptionError) in
                _ = try engine.load(block)
            }
            _ = try engine.load(bytes)
            engine.resume(after: .max - 1)
            try engine.finishLoading()
        } catch {
            try expect(!error.description.isEmpty, "a row is refused without a reason")
            return
        }
        let found = images(in: engine.drained(ofAll: true).blocks)
        for (entity, image) in images(in: [Array(bytes)]) {
            try expect(found[entity] ?? [] == image, "an accepted image is written otherwise")
        }
    }

    /// The last image of each entity, by type and key.
    private static func images(in blocks: [[UInt8]]) -> [[UInt8]: [UInt8]] {
        var images: [[UInt8]: [UInt8]] = [:]
        for block in blocks {
            block.withUnsafeBytes { bytes in
                guard
                    var rows = try? RowBlock(
                        bytes, schemaVersion: Depot.schemaVersion,
                        typeCount: Depot.compiled.schema.entities.count)
                else { return }
                while let entity = try? rows.next() {
                    images[[UInt8(entity.type)] + entity.key] = Array(entity.image)
                }
            }
        }
        return images
    }
}

extension Engine {
    /// - Parameter last: a record whose memory outlives the call.
    mutating func load(
        journal: [(number: UInt64, bytes: [UInt8])], then last: UnsafeRawBufferPointer? = nil
    ) throws(CorruptionError) {
        for record in journal {
            try record.bytes.withBytes { (bytes) throws(CorruptionError) in
                try replay(try JournalRecord(bytes, forms: forms))
            }
        }
        if let last { try replay(try JournalRecord(last, forms: forms)) }
        try finishLoading()
    }

    /// The images of all entities, or of those that have changed.
    mutating func drained(ofAll: Bool) -> RowBlocks {
        var rows = RowBlocks(schemaVersion: schemaVersion)
        if ofAll { beginDrainingAll() } else { beginDraining(deleted: &rows) }
        drain(limit: .max, into: &rows)
        return rows
    }
}

extension RowBlocks {
    fileprivate var blocks: [[UInt8]] {
        var blocks: [[UInt8]] = []
        forEach { blocks.append(Array($0)) }
        return blocks
    }
}
