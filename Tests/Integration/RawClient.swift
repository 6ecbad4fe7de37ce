// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemCalls

/// A client of the daemon that sends bytes as they are, and waits 15 seconds at the most.
final class RawClient: Sendable {
    private let descriptor: CInt

    /// - Parameter socket: `control` or `status`.
    init(_ machine: LiveMachine, socket: String = "control") throws {
        let path = machine.directory.url.appending(path: "run/\(socket)").path
        descriptor = try SystemCall.connect(toSocket: path).release()
        var limit = timeval(tv_sec: 15, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] { setsockopt(descriptor, SOL_SOCKET, option, &limit, size) }
    }

    deinit { close(descriptor) }

    /// Sends without waiting for an answer; throws when the daemon has hung up.
    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        let descriptor = descriptor
        try SystemCall.result(of: "send") { Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) }
    }

    /// The next bytes as text; empty at the end of the connection.
    func text() -> String {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        let count = max(0, recv(descriptor, &buffer, buffer.count, 0))
        return String(decoding: buffer.prefix(count), as: UTF8.self)
    }

    /// Whether the daemon has hung up, whatever is left to be read.
    var isHungUp: Bool {
        var entry = pollfd(fd: descriptor, events: 0, revents: 0)
        return poll(&entry, 1, 0) == 1 && CInt(entry.revents) & POLLHUP != 0
    }

    /// Everything until the end of the connection, or until nothing has come for so long.
    func rest() -> String {
        var all = ""
        while true {
            let next = text()
            if next.isEmpty { return all }
            all += next
        }
    }

    /// How many bytes came; 0 at the end of the connection, also when it was reset.
    func receive() -> Int {
        text().utf8.count
    }
}
