// SPDX-License-Identifier: Apache-2.0

/// Cuts a stream of bytes into messages: each ends with a NUL byte, which JSON never contains.
package struct VarlinkFramer: Sendable {
    /// The longest message that a server takes, in bytes without its NUL.
    package static let serverLimit = 64 << 10
    /// The longest message that a client takes: replies carry what consoles printed.
    package static let clientLimit = 4 << 20

    private let limit: Int
    private var buffer: [UInt8] = []
    /// Where the next message begins in ``buffer``.
    private var start = 0
    /// Up to here ``buffer`` has been searched for a NUL.
    private var searched = 0

    /// - Parameter limit: the longest message, in bytes without its NUL.
    package init(limit: Int = VarlinkFramer.serverLimit) {
        self.limit = limit
    }

    /// Bytes that wait for the rest of their message.
    package var pendingCount: Int { buffer.count - start }

    /// Adds what was received.
    package mutating func append(_ bytes: some Sequence<UInt8>) {
        if start > 0 {
            buffer.removeFirst(start)
            searched -= start
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole message without its NUL; nil when more bytes are needed.
    ///
    /// - Throws: ``ControlError/tooLong(limit:)``; the stream cannot be used any more then.
    package mutating func next() throws(ControlError) -> [UInt8]? {
        guard let end = buffer[searched...].firstIndex(of: 0) else {
            searched = buffer.count
            guard pendingCount <= limit else { throw .tooLong(limit: limit) }
            return nil
        }
        guard end - start <= limit else { throw .tooLong(limit: limit) }
        defer {
            start = end + 1
            searched = start
        }
        return Array(buffer[start..<end])
    }
}
