internal import CRocksDB

extension Database {
    /// Calls the body with each outcome record, in order: its number and its bytes.
    package func forEachOutcomeRecord<Failure: Error>(
        _ body: (_ number: UInt64, _ record: UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(IterationError<Failure>) {
        try forEach(in: .outcomes, from: []) { (key, value) throws(Failure) in
            try body(Self.number(of: key), value)
        }
    }

    /// Drops the files whose outcome records all have lesser numbers.
    package func dropOutcomes(before number: UInt64) throws(StorageError) {
        guard number > 0 else { return }
        try dropFiles(of: .outcomes, before: number)
    }
}
