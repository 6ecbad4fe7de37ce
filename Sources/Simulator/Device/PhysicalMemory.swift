// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellMachine
import Glibc
package import SystemCalls

/// The RAM of the simulated machine: a sparse file, so that others can look into it, mapped here. Where cells execute
/// it is laid out as their QEMU processes see it.
package final class PhysicalMemory: Sendable {
    /// In bytes.
    package let size: UInt64
    /// A write through it says when the disk is full; one through the mapping ends the process.
    private let file: CInt?
    private let backing: Backing

    private enum Backing: Sendable {
        /// The file is as long as the RAM.
        case plain(MappedFile)
        case shared(MachineMemory)
    }

    /// - Parameter path: of the file, which is created or emptied.
    package init(path: String, size: UInt64) throws(SystemCallError) {
        let descriptor = try SystemCall.open(path, O_RDWR | O_CREAT | O_TRUNC, mode: 0o644)
        try SystemCall.result(of: "ftruncate", on: path) { ftruncate(descriptor.rawValue, off_t(size)) }
        self.size = size
        backing = .plain(try MappedFile(descriptor.rawValue, named: path, size: Int(size)))
        file = descriptor.release()
    }

    /// The RAM that cells execute in; what it has beyond `size` is unused.
    init(shared: MachineMemory, size: UInt64) {
        self.size = size
        backing = .shared(shared)
        file = nil
    }

    deinit {
        if let file { close(file) }
    }

    /// In bytes: how much a file must have for cells to execute in it, with so much RAM below and above 4 GiB.
    static func sharedSize(for settings: MachineSettings) -> UInt64 {
        if settings.architecture == .arm64 { return MachineLayout.armFileSize(memoryEnd: settings.memoryEnd) }
        let megabyte: UInt64 = 1 << 20
        return (max(settings.memory, 4 << 30) + megabyte - 1) / megabyte * megabyte
    }

    /// As many of the bytes as there is RAM for; what would lie outside of it is lost, as on a bus without a device.
    func available(_ bytes: [UInt8], at address: UInt64) -> ArraySlice<UInt8> {
        let count = available(bytes.count, at: address)
        switch backing {
        case .plain: return bytes.prefix(count)
        case .shared(let memory): return memory.has(count, at: address) ? bytes.prefix(count) : []
        }
    }

    /// Copies bytes into the RAM.
    ///
    /// - Returns: whether nothing is lost: see ``available(_:at:)``.
    @discardableResult
    package func write(_ bytes: [UInt8], at address: UInt64) -> Bool {
        let part = available(bytes, at: address)
        return (try? store(part, at: address)) != nil && part.count == bytes.count
    }

    /// - Parameter bytes: no more than are ``available(_:at:)``.
    /// - Throws: ``SystemCallError`` when the disk is full.
    func store(_ bytes: ArraySlice<UInt8>, at address: UInt64) throws(SystemCallError) {
        switch backing {
        case .plain:
            guard let file, !bytes.isEmpty else { return }
            try SystemCall.write(bytes, to: file, at: address)
        case .shared(let memory):
            do {
                try memory.write(Array(bytes), at: address)
            } catch {
                if let cause = error.cause { throw cause }
            }
        }
    }

    /// Bytes of the RAM; outside of it there is nothing.
    package func read(at address: UInt64, count: Int) -> [UInt8] {
        let count = available(count, at: address)
        switch backing {
        case .plain(let mapping):
            guard count > 0 else { return [] }
            return Array(UnsafeRawBufferPointer(start: mapping.start + Int(address), count: count))
        case .shared(let memory): return (try? memory.read(at: address, count: count)) ?? []
        }
    }

    /// How many of so many bytes are below the RAM's end.
    private func available(_ count: Int, at address: UInt64) -> Int {
        address < size ? min(max(0, count), Int(size - address)) : 0
    }
}
