// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import SystemCalls

/// QEMU's socket for accesses to the machine's memory (its test protocol: one command a line).
///
/// QEMU translates the machine's code and keeps the translation until something is written over that code by one of
/// its CPUs or devices, or through this socket. It does not notice what others write through the shared file.
final class MemoryChannel: Sendable {
    private let descriptor: CInt
    private let patience: Duration
    /// One caller at a time.
    private let turn = Mutex(())

    /// - Parameter descriptor: stays the caller's.
    init(descriptor: CInt, patience: Duration) {
        self.descriptor = descriptor
        self.patience = patience
    }

    /// Writes zeros, and lets QEMU forget what it has translated of that memory. No CPU of the machine may run.
    ///
    /// - Parameter ranges: physical addresses.
    /// - Throws: ``CellMachineError`` `ended` or `emulator`.
    func clear(_ ranges: [Range<UInt64>]) throws(CellMachineError) {
        try turn.withLock { _ throws(CellMachineError) in
            // QEMU answers each command; so many answers fit into the socket
            for first in stride(from: 0, to: ranges.count, by: MemoryChannel.batch) {
                try clear(batch: ranges[first..<min(ranges.count, first + MemoryChannel.batch)])
            }
        }
    }

    private static let batch = 256

    private func clear(batch: ArraySlice<Range<UInt64>>) throws(CellMachineError) {
        let commands = batch.map { "memset \($0.lowerBound) \($0.upperBound - $0.lowerBound) 0\n" }.joined()
        try calling(.ended, "QEMU does not listen") { () throws(SystemCallError) in
            try SystemCall.send(Array(commands.utf8), to: descriptor)
        }
        let answer = Array(repeating: "OK\n", count: batch.count).joined()
        var received: [UInt8] = []
        let deadline = ContinuousClock.now + patience
        while received.count < answer.utf8.count {
            received += try SystemCall.receive(descriptor, until: deadline)
        }
        guard received == Array(answer.utf8) else {
            throw CellMachineError(
                .emulator, "QEMU refuses to write memory: \(String(decoding: received, as: UTF8.self))")
        }
    }
}

extension SystemCall {
    /// What QEMU has sent, at least a byte.
    ///
    /// - Throws: ``CellMachineError`` `emulator` when nothing comes in time, `ended` when QEMU is gone.
    static func receive(
        _ descriptor: CInt, until deadline: ContinuousClock.Instant
    ) throws(CellMachineError) -> [UInt8] {
        let left = (deadline - ContinuousClock.now).components
        let milliseconds = max(0, left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000)
        var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let ready = try calling(.emulator, "QEMU cannot be waited for") { () throws(SystemCallError) in
            try SystemCall.result(of: "poll") { poll(&waited, 1, CInt(clamping: milliseconds)) }
        }
        guard ready > 0 else { throw CellMachineError(.emulator, "QEMU does not answer") }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = try calling(.ended, "QEMU is gone") { () throws(SystemCallError) -> Int in
            try SystemCall.result(of: "read") { Glibc.read(descriptor, &buffer, buffer.count) }
        }
        guard count > 0 else { throw CellMachineError(.ended, "QEMU is gone") }
        return Array(buffer[..<count])
    }
}
