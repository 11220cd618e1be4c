import AtomicStateSchema
import AtomicStateServer
import AtomicStateStorage

extension SchemaTrial {
    /// Tries a schema on a data folder that no server uses; nil if there is no data in it yet.
    static func run(
        _ compiled: CompiledSchema, data: String, replayCount: UInt64
    ) throws -> SchemaTrial? {
        let folder = try DataFolder(opening: data, schemaName: nil)
        guard !folder.isNew else {
            try folder.requireSchema(compiled.schema.name)
            return nil
        }
        let database = try Database(
            path: folder.databasePath, stagingPath: folder.stagingPath, mayCreate: false,
            isReadOnly: true)
        return try SchemaTrial(of: compiled, on: database, replayCount: replayCount)
    }

    func print(data: String) {
        let version = schema.number
        Swift.print(
            "\(data): \(entityCount) entities, last sequence \(lastSequence), schema version "
                + "\(version) of SHA-256 \(schema.compiled.fingerprint)")
        if case .isRefused(let refusal) = outcome {
            for reason in refusal.reasons { Swift.print(reason) }
            printRest(of: UInt64(refusal.reasonCount), shown: refusal.reasons.count)
        }
        printReplay()
        switch outcome {
        case .isInForce: Swift.print("CHANGE_POSSIBLE there is none: version \(version) it is")
        case .meansTheSame:
            Swift.print("CHANGE_POSSIBLE it means the same as version \(version)")
        case .isPossible: Swift.print("CHANGE_POSSIBLE from version \(version) to \(version + 1)")
        case .isRefused(let refusal):
            let count = refusal.reasonCount
            Swift.print("CHANGE_REFUSED for \(count) \(count == 1 ? "reason" : "reasons")")
        }
    }

    private func printReplay() {
        if let replayObstacle {
            Swift.print("Past transactions were not tried under this schema: \(replayObstacle).")
        }
        guard let replay else { return }
        Swift.print(
            "Of the last \(replay.transactionCount) transactions, this schema would have refused "
                + "\(replay.refusedCount).")
        for (name, calls) in replay.uncallable.sorted(by: { $0.key < $1.key }) {
            Swift.print("\(calls.callCount) calls of \(name): \(calls.reason)")
        }
        for refused in replay.refused { Swift.print(refused) }
        let uncallable = replay.uncallable.values.reduce(0) { $0 + $1.callCount }
        printRest(of: replay.refusedCount - uncallable, shown: replay.refused.count)
    }

    private func printRest(of count: UInt64, shown: Int) {
        if count > shown { Swift.print("and \(count - UInt64(shown)) more") }
    }
}
