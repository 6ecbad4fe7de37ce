// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls

/// Standard output, as the user wants it.
struct Screen {
    let json: Bool
    let style: Style

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
        try show(json ? JSON.text(value) : text())
    }

    /// Shows one of many values that come one after the other: JSON on one line each.
    func showLine(_ value: some Encodable, text: @autoclosure () -> String) throws {
        try show(json ? JSON.text(value, oneLine: true) : text())
    }
}
