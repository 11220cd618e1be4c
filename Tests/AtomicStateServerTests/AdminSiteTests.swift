import NIOHTTP1
import Testing

@testable import AtomicStateServer

/// Probes are answered while the state is recovered, which takes seconds or minutes: the server lives, and is not ready.
@Suite struct AdminSiteTests {
    @Test func aServerThatRecovers() {
        let site = AdminSite()
        #expect(site.page(at: "/livez").status == .ok)
        for path in ["/readyz", "/startupz", "/metrics", "/statusz", "/"] {
            let page = site.page(at: path)
            #expect(page.status == .serviceUnavailable && page.text == "starting\n")
        }
    }
}
