// SPDX-License-Identifier: Apache-2.0

import Commands
import Metrics
import NIOHTTP1

/// What a request is answered with. Nothing here changes anything.
struct Answer: Sendable {
    var status: HTTPResponseStatus
    var mediaType: String
    var text: String

    init(_ status: HTTPResponseStatus, _ text: String, mediaType: String = "text/plain; charset=utf-8") {
        self.status = status
        self.mediaType = mediaType
        self.text = text
    }

    /// - Parameter path: of the request, without its query.
    static func to(path: String, _ view: DaemonView, host: String) -> Answer {
        switch path {
        case "/metrics": Answer(.ok, Metrics.text(of: view.current()), mediaType: Metrics.mediaType)
        case "/":
            Answer(.ok, StatusPage(view.current()).document(host: host), mediaType: "text/html; charset=utf-8")
        case "/map.svg": Answer(.ok, view.currentMap(), mediaType: "image/svg+xml")
        case "/script.js": Answer(.ok, StatusPage.script, mediaType: "text/javascript; charset=utf-8")
        default: Answer(.notFound, "there is /, /metrics, /events, /map.svg and /script.js\n")
        }
    }

    /// Of every answer: the page loads nothing from elsewhere, and is in no frame.
    static func headers(mediaType: String) -> HTTPHeaders {
        [
            "Content-Type": mediaType, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Content-Security-Policy":
                "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'; style-src 'unsafe-inline'; "
                + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ]
    }

    /// A server-sent event; its data may have several lines.
    static func event(_ name: String, _ data: String) -> String {
        "event: \(name)\n"
            + data.split(separator: "\n", omittingEmptySubsequences: false).map { "data: \($0)\n" }.joined() + "\n"
    }
}
