// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import SystemCalls

/// What came out of a cell's serial port since its last start: the last 64 KiB of it, for any number of readers.
final class SerialConsole: Sendable {
    static let capacity = 0x1_0000

    private let state = Mutex(State())

    private struct State {
        var end: [UInt8] = []
        var written = 0
        /// How much the lives before wrote.
        var origin = 0
        var isClosed = false
        /// Sockets; a byte in one wakes its reader.
        var readers: Set<CInt> = []
    }

    func append(_ bytes: [UInt8]) {
        state.withLock { state in
            state.end += bytes
            state.written += bytes.count
            // not a copy of all for each byte
            if state.end.count > 2 * SerialConsole.capacity {
                state.end.removeFirst(state.end.count - SerialConsole.capacity)
            }
            SerialConsole.wake(state.readers)
        }
    }

    /// The cell is started: who comes from now on is not given the last words of the life before as this one's.
    func begin() { state.withLock { $0.origin = $0.written } }

    /// The cell is gone.
    func close() {
        state.withLock { state in
            state.isClosed = true
            SerialConsole.wake(state.readers)
        }
    }

    private static func wake(_ readers: Set<CInt>) {
        // one that cannot be sent finds others there
        for reader in readers { _ = Glibc.send(reader, [1 as UInt8], 1, CInt(MSG_DONTWAIT | MSG_NOSIGNAL)) }
    }

    /// Sends all that is kept of this life and then what comes, and takes what the client sends as input; until the client goes,
    /// or the cell.
    func serve(_ client: CInt, input: ([UInt8]) -> Void) {
        guard let pair = try? SystemCall.socketPair() else { return }
        let (woken, waking) = (pair.first, pair.second)
        state.withLock { _ = $0.readers.insert(waking) }
        defer {
            state.withLock { _ = $0.readers.remove(waking) }
            Glibc.close(woken)
            Glibc.close(waking)
        }
        var buffer = [UInt8](repeating: 0, count: 512)
        var position = state.withLock(\.origin)
        var types = true
        while send(from: &position, to: client) {
            var polled = [
                pollfd(fd: woken, events: Int16(POLLIN), revents: 0),
                pollfd(fd: client, events: types ? Int16(POLLIN) : 0, revents: 0),
            ]
            guard poll(&polled, 2, -1) >= 0 || errno == EINTR else { return }
            if polled[0].revents != 0 { _ = recv(woken, &buffer, buffer.count, CInt(MSG_DONTWAIT)) }
            if polled[1].revents & Int16(POLLHUP | POLLERR) != 0 { return }
            guard polled[1].revents & Int16(POLLIN) != 0 else { continue }
            let got = buffer.withUnsafeMutableBytes { (try? SystemCall.read(client, into: $0)) ?? 0 }
            if got > 0 { input(Array(buffer[..<got])) } else { types = false }
        }
    }

    /// - Returns: false at the end.
    private func send(from position: inout Int, to client: CInt) -> Bool {
        while true {
            let (bytes, end, isClosed) = state.withLock { state in
                let missing = min(state.written - position, SerialConsole.capacity, state.end.count)
                return (Array(state.end.suffix(missing)), state.written, state.isClosed)
            }
            position = end
            if bytes.isEmpty { return !isClosed }
            guard (try? SystemCall.send(bytes, to: client)) != nil else { return false }
        }
    }
}
