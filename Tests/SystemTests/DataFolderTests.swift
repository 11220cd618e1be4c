import Foundation
import Testing

/// A data folder that can't be served is named, and nothing in it is touched.
@Suite struct DataFolderTests {
    private let bank = repositoryFile("examples/bank.yaml")

    @Test func folderInUse() async throws {
        try await withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            let server = try await ServerProcess(schema: bank, data: data)
            let second = try serve(bank, data)
            #expect(second.status != 0)
            #expect(second.text.contains("in use"), "\(second.text)")
            let audit = try runServerTool(["audit", "--data", data.path])
            #expect(audit.status != 0)
            #expect(audit.text.contains("in use"), "\(audit.text)")
            #expect(await server.end(SIGTERM) == 0)
        }
    }

    @Test func folderOfAnotherSchema() async throws {
        try await withUsedFolder { data in
            try expectRefusal(
                schema: repositoryFile("examples/seats.yaml"), data, reason: "another schema")
        }
    }

    @Test func folderOfAnotherFormat() async throws {
        try await withUsedFolder { data in
            try rewriteIdentity(data) { $0.replacing("format 3", with: "format 7") }
            try expectRefusal(schema: bank, data, reason: "format 7")
        }
    }

    @Test func folderWithDamagedIdentity() async throws {
        try await withUsedFolder { data in
            try rewriteIdentity(data) { $0.replacing("schema", with: "shcema") }
            try expectRefusal(schema: bank, data, reason: "line 4")
        }
    }

    /// A start refuses the folder as one of another schema; the audit has nothing to compare it with but
    /// the data.
    @Test func folderThatNamesAnotherSchemaThanItsData() async throws {
        try await withUsedFolder { data in
            try rewriteIdentity(data) { $0.replacing("schema bank", with: "schema balk") }
            try expectRefusal(schema: bank, data, reason: "balk, found bank")
            let audit = try runServerTool(["audit", "--data", data.path])
            #expect(audit.status == 1)
            #expect(audit.text.hasPrefix("IDENTITY is of the schema balk, the data is of bank"))
        }
    }

    @Test func folderWithoutItsDatabase() async throws {
        try await withUsedFolder { data in
            try FileManager.default.removeItem(at: data.appending(path: "rocksdb"))
            let outcome = try serve(bank, data)
            #expect(outcome.status != 0, "data that is gone is not replaced by an empty state")
        }
    }

    @Test func folderOfSomethingElse() async throws {
        try await withTemporaryFolder { folder in
            try Data("precious".utf8).write(to: folder.appending(path: "file"))
            try expectRefusal(schema: bank, folder, reason: "neither a data folder nor empty")
        }
    }

    @Test func pathThatCannotBeAFolder() async throws {
        try await withTemporaryFolder { folder in
            let file = folder.appending(path: "file")
            try Data().write(to: file)
            let outcome = try serve(bank, file.appending(path: "data"))
            #expect(outcome.status != 0)
            #expect(outcome.text.contains(file.path), "\(outcome.text)")
        }
    }

    /// By a user who may read the folder but not write it: root may write everything.
    @Test func folderThatCannotBeWritten() async throws {
        try await withUsedFolder { data in
            let copy = data.deletingLastPathComponent().appending(path: "atomic-state")
            let schema = data.deletingLastPathComponent().appending(path: "bank.yaml")
            try FileManager.default.copyItem(at: binary("atomic-state"), to: copy)
            try FileManager.default.copyItem(atPath: bank, toPath: schema.path)
            _ = try runTool(
                "/bin/chmod", ["-R", "a+rX,a-w", data.deletingLastPathComponent().path])
            defer {
                _ = try? runTool(
                    "/bin/chmod", ["-R", "u+w", data.deletingLastPathComponent().path])
            }
            let serve = [copy.path, "serve", "--schema", schema.path, "--data", data.path]
            let outcome =
                geteuid() == 0
                ? try runTool(
                    "/usr/bin/setpriv",
                    ["--reuid", "65534", "--regid", "65534", "--clear-groups"] + serve)
                : try runTool(serve[0], Array(serve[1...]))
            #expect(outcome.status == 1)
            #expect(outcome.text.contains("Permission denied"), "\(outcome.text)")
        }
    }

    @Test func portInUse() async throws {
        try await withTemporaryFolder { folder in
            let server = try await ServerProcess(schema: bank, data: folder.appending(path: "one"))
            let second = try runServerTool([
                "serve", "--schema", bank, "--data", folder.appending(path: "two").path, "--listen",
                "\(server.address)", "--admin", "127.0.0.1:0",
            ])
            #expect(second.status == 1)
            #expect(second.text.contains("listen on \(server.address)"), "\(second.text)")
            #expect(await server.end(SIGTERM) == 0)
        }
    }

    /// What follows damage was acknowledged: it must not be dropped without a word.
    @Test func damageInsideOfTheLogIsRefused() async throws {
        try await withUsedFolder { data in
            try rewriteLog(data) { $0[60] ^= 0xFF }
            for outcome in [
                try serve(bank, data), try runServerTool(["audit", "--data", data.path]),
            ] {
                #expect(outcome.status == 1)
                #expect(outcome.text.contains("is damaged at byte"), "\(outcome.text)")
            }
        }
    }

    /// A crash can cut the log's last record short, which was then never acknowledged.
    @Test func logThatEndsInsideOfARecordIsServed() async throws {
        try await withUsedFolder { data in
            try rewriteLog(data) {
                let end = writtenByteCount(ofLog: $0)
                $0.replaceSubrange((end - 40)..<end, with: Data(count: 40))
            }
            let audit = try runServerTool(["audit", "--data", data.path])
            #expect(audit.text.hasPrefix("INTEGRITY_OK"), "\(audit.text)")
            #expect(audit.text.contains("last sequence 2"), "\(audit.text)")
        }
    }

    /// Changes the fullest of RocksDB's logs, which is the one with the journal records.
    private func rewriteLog(_ data: URL, _ change: (inout Data) -> Void) throws {
        let logs = try files(of: data).filter { $0.key.hasSuffix(".log") }
        var log = try #require(
            logs.max { writtenByteCount(ofLog: $0.value) < writtenByteCount(ofLog: $1.value) })
        change(&log.value)
        try log.value.write(to: URL(filePath: log.key))
    }

    private func withUsedFolder(_ body: (URL) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            let server = try await ServerProcess(schema: bank, data: data)
            let client = try await server.connect()
            for account in 1...3 {
                try await expectAccepted(
                    client, "open",
                    ["account": .init(account), "owner": "someone", "credit_limit": 0])
            }
            #expect(await server.end(SIGTERM) == 0)
            try await body(data)
        }
    }

    private func serve(_ schema: String, _ data: URL) throws -> (status: Int, text: String) {
        try runServerTool([
            "serve", "--schema", schema, "--data", data.path, "--listen",
            "127.0.0.1:0", "--admin", "127.0.0.1:0",
        ])
    }

    private func expectRefusal(schema: String, _ data: URL, reason: String) throws {
        let before = try files(of: data)
        let outcome = try serve(schema, data)
        #expect(outcome.status != 0)
        #expect(outcome.text.contains(reason), "\(outcome.text)")
        #expect(try files(of: data) == before, "nothing is touched")
    }

    private func rewriteIdentity(_ data: URL, _ change: (String) -> String) throws {
        let identity = data.appending(path: "IDENTITY")
        let text = try String(contentsOf: identity, encoding: .utf8)
        try change(text).write(to: identity, atomically: false, encoding: .utf8)
    }

    /// Every file below the folder, with its content.
    private func files(of folder: URL) throws -> [String: Data] {
        var files: [String: Data] = [:]
        let paths = FileManager.default.enumerator(atPath: folder.path)?.compactMap {
            $0 as? String
        }
        for path in paths ?? [] {
            let file = folder.appending(path: path)
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder)
            if !isFolder.boolValue { files[file.path] = try Data(contentsOf: file) }
        }
        return files
    }
}
