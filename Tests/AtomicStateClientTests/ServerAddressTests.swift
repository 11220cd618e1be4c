import AtomicStateClient
import Testing

@Suite struct ServerAddressTests {
    @Test(arguments: [
        ("127.0.0.1:7400", "127.0.0.1", 7400), ("localhost:1", "localhost", 1),
        ("[::1]:65535", "::1", 65535), ("localhost:0", "localhost", 0),
        ("db.example.org:7400", "db.example.org", 7400),
    ])
    func readsAndWrites(text: String, host: String, port: Int) throws {
        let address = try #require(ServerAddress(text))
        #expect(address == ServerAddress(host: host, port: port))
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", ":", "host", "host:", ":7400", "host:65536", "host:-1", "host:7400x",
        "::1:7400", "[]:7400", "[::1]",
    ])
    func refuses(text: String) {
        #expect(ServerAddress(text) == nil)
    }
}
