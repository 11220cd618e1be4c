internal import NIOCore
internal import NIOHTTP1

/// Answers the admin port: probes, metrics and status, over HTTP/1.1, one request a connection.
final class AdminHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let site: AdminSite
    private var head: HTTPRequestHead?

    init(site: AdminSite) {
        self.site = site
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            respond(to: head, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func respond(to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let page: AdminPage
        if request.method == .GET || request.method == .HEAD {
            page = site.page(at: String(request.uri.prefix { $0 != "?" }))
        } else {
            page = AdminPage(status: .methodNotAllowed, text: "expected GET\n")
        }
        var headers = HTTPHeaders()
        headers.add(name: "content-type", value: page.contentType)
        headers.add(name: "content-length", value: String(page.text.utf8.count))
        headers.add(name: "connection", value: "close")
        let head = HTTPResponseHead(version: request.version, status: page.status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD {
            context.write(
                wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: page.text)))), promise: nil)
        }
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.value.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            context.value.close(promise: nil)
        }
    }
}
