// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls

/// Standard output, as the user wants it.
struct Screen {
    let json: Bool
    let style: Style
    /// Of several: each value is one line of JSON with the host's name.
    var host: String?

    /// Writes text and a line break at once: a pipe's reader sees whole lines.
    func show(_ text: String) throws {
        try write(Array((text.hasSuffix("\n") ? text : text + "\n").utf8))
    }

    /// Writes bytes as they are.
    func write(_ bytes: [UInt8]) throws {
        do {
            try SystemCall.write(bytes, to: STDOUT_FILENO)
        } catch {
            throw CommandFailure(.failed, "cannot write to standard output: \(error.errno)")
        }
    }

    /// Shows a value as JSON or as text, as asked.
    func show(_ value: some Encodable, text: @autoclosure () -> String) throws {
        guard json, let host else { return try show(json ? JSON.text(value) : text()) }
        try show(JSON.text(HostReply(host: host, reply: value), oneLine: true))
    }

    /// Shows one of many values that come one after the other: JSON on one line each.
    func showLine(_ value: some Encodable, text: @autoclosure () -> String) throws {
        try show(json ? JSON.text(value, oneLine: true) : text())
    }
}

/// What one of several hosts said.
private struct HostReply<Reply: Encodable>: Encodable {
    let host: String
    let reply: Reply
}

/// Why one of several hosts said nothing.
struct HostFailure: Encodable {
    let host: String
    let error: String
}
