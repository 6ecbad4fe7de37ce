// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls
import SystemPackage

/// Lines that arrive at a serial line, at a FIFO, or at the end of a file.
final class ArrivingLines {
    /// Bytes; more than that are not read at once, and a line that is longer is taken as it is.
    private static let most = 1 << 20
    private static let longestLine = 4096

    private let path: String
    private let descriptor: OwnedDescriptor
    private var rest: [UInt8] = []
    /// The last line that has arrived; nil: none.
    private(set) var last: String?

    /// What is in a file already has arrived before.
    init(_ path: String) throws(SystemCallError) {
        self.path = path
        let opened = try SystemCall.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        // a serial line and a FIFO have no end
        _ = try? SystemCall.result(of: "lseek", on: path) { lseek(opened.rawValue, 0, SEEK_END) }
        descriptor = opened
    }

    /// The lines that have ended since the last call, without waiting for any.
    func take() throws(SystemCallError) -> [String] {
        var lines: [String] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        var taken = 0
        while taken < Self.most {
            var failure: SystemCallError?
            let count = buffer.withUnsafeMutableBytes { bytes in
                do throws(SystemCallError) {
                    return try SystemCall.read(descriptor.rawValue, into: bytes)
                } catch {
                    failure = error
                    return 0
                }
            }
            if let failure, failure.errno != .resourceTemporarilyUnavailable { throw failure }
            guard count > 0 else { break }
            taken += count
            for byte in buffer[..<count] { add(byte, to: &lines) }
        }
        if let line = lines.last { last = line }
        return lines
    }

    private func add(_ byte: UInt8, to lines: inout [String]) {
        if byte != UInt8(ascii: "\n") {
            rest.append(byte)
            guard rest.count >= Self.longestLine else { return }
        }
        if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
        lines.append(String(decoding: rest, as: UTF8.self))
        rest.removeAll(keepingCapacity: true)
    }
}
