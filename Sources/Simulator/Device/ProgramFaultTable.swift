// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import SystemCalls

/// The file `programs` in the machine's directory, which every program in the machine has mapped: what is to fail in
/// them. Its layout is written down once more in `SimulatorPreload/faults.c`.
///
/// | offset | what |
/// | --- | --- |
/// | 0 | `JHSIMFLT` |
/// | 8 | u32: slots in use |
/// | 12 | u32: what sysfs is dangerous or slow to read: 1 the root cell, 2 what needs the driver's lock |
/// | 16 | i32: the process that has read the root cell then, which never returns; 0: none |
/// | 20 | 44 bytes: what it has read, below `cells/0` |
/// | 64 + 64 n | slot n |
///
/// A slot: u32 in use, u32 call, i32 errno, i32 uses left (-1: no end), u32 probability in millionths, i32 process
/// (0: any), 24 bytes name of the program (empty: any), i64 nanoseconds that the clock is ahead, or that `open` takes with
/// errno 0, u32 uses.
final class ProgramFaultTable: Sendable {
    static let slots = 32
    private static let size = 4096
    /// Changed with the lock held; the programs only count in it.
    private let mapping: MappedFile
    /// By slot.
    private let faults = Mutex<[Int: ProgramFault]>([:])

    /// - Parameters:
    ///   - path: of the file, which is made.
    ///   - mode: programs of other users count in it, too, if they may use the device.
    init(path: String, mode: UInt32 = 0o600) throws(SystemCallError) {
        let descriptor = try SystemCall.open(path, O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
        let number = descriptor.rawValue
        try SystemCall.result(of: "fchmod", on: path) { fchmod(number, mode) }
        // all of it: on a full disk an error, not the end of the process that counts in it
        try SystemCall.write([UInt8](repeating: 0, count: Self.size), to: number)
        mapping = try MappedFile(number, named: path, size: Self.size)
        mapping.start.copyMemory(from: Array("JHSIMFLT".utf8), byteCount: 8)
    }

    /// What reads of sysfs by the machine's programs are to run into.
    struct Reading: OptionSet {
        var rawValue: UInt32
        /// What needs a hypercall in `cells/0` kills its reader.
        static let killsReadersOfRoot = Reading(rawValue: 1)
        /// `console` and the pools wait.
        static let waitsForLock = Reading(rawValue: 2)
    }

    func set(_ reading: Reading) {
        guard mapping.start.load(fromByteOffset: 12, as: UInt32.self) != reading.rawValue else { return }
        atomicMemoryFence(ordering: .releasing)
        mapping.start.storeBytes(of: reading.rawValue, toByteOffset: 12, as: UInt32.self)
    }

    /// The reads of the root cell since the last time.
    func takeReader() -> (process: Int32, file: String)? {
        let process = mapping.start.load(fromByteOffset: 16, as: Int32.self)
        guard process != 0 else { return nil }
        atomicMemoryFence(ordering: .acquiring)
        let name = UnsafeRawBufferPointer(start: mapping.start + 20, count: 44).prefix { $0 != 0 }
        defer { mapping.start.storeBytes(of: 0, toByteOffset: 16, as: Int32.self) }
        return (process, String(decoding: name, as: UTF8.self))
    }

    /// - Throws: ``SimulatorError`` `fault` when there is no room for one more.
    func add(_ fault: ProgramFault) throws(SimulatorError) {
        try faults.withLock { (faults) throws(SimulatorError) in
            dropUsedUp(&faults)
            guard let slot = (0..<Self.slots).first(where: { faults[$0] == nil }) else {
                throw SimulatorError(.fault, "there are \(Self.slots) faults in programs already: clear them first")
            }
            write(fault, to: slot)
            faults[slot] = fault
            atomicMemoryFence(ordering: .releasing)
            at(slot).storeBytes(of: 1, as: UInt32.self)
            mapping.start.storeBytes(of: UInt32(faults.count), toByteOffset: 8, as: UInt32.self)
        }
    }

    func clear() {
        faults.withLock { faults in
            for slot in 0..<Self.slots { at(slot).storeBytes(of: 0, as: UInt32.self) }
            mapping.start.storeBytes(of: 0, toByteOffset: 8, as: UInt32.self)
            faults = [:]
        }
    }

    /// Those that have not been used up, with the uses that are left.
    var current: [ProgramFault] {
        faults.withLock { faults in
            dropUsedUp(&faults)
            return faults.sorted { $0.key < $1.key }.map { slot, fault in
                var fault = fault
                fault.uses.remaining = left(slot)
                return fault
            }
        }
    }

    private func at(_ slot: Int) -> UnsafeMutableRawPointer { mapping.start + 64 + 64 * slot }

    private func left(_ slot: Int) -> Int? {
        let left = at(slot).load(fromByteOffset: 12, as: Int32.self)
        return left < 0 ? nil : Int(left)
    }

    private func dropUsedUp(_ faults: inout [Int: ProgramFault]) {
        for slot in faults.keys where left(slot) == 0 {
            at(slot).storeBytes(of: 0, as: UInt32.self)
            faults[slot] = nil
        }
        mapping.start.storeBytes(of: UInt32(faults.count), toByteOffset: 8, as: UInt32.self)
    }

    private func nanoseconds(_ time: Duration) -> Int64 {
        let (seconds, attoseconds) = time.components
        return seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ attoseconds / 1_000_000_000
    }

    private func write(_ fault: ProgramFault, to slot: Int) {
        let slot = at(slot)
        slot.initializeMemory(as: UInt8.self, repeating: 0, count: 64)
        slot.storeBytes(of: fault.call.rawValue, toByteOffset: 4, as: UInt32.self)
        slot.storeBytes(of: Int32(clamping: fault.uses.remaining ?? -1), toByteOffset: 12, as: Int32.self)
        slot.storeBytes(of: UInt32(fault.uses.probability * 1_000_000), toByteOffset: 16, as: UInt32.self)
        slot.storeBytes(of: fault.process ?? 0, toByteOffset: 20, as: Int32.self)
        let name = Array((fault.program ?? "").utf8.prefix(ProgramFault.longestName))
        (slot + 24).copyMemory(from: name, byteCount: name.count)
        switch fault.kind {
        case .fails(let refusal): slot.storeBytes(of: refusal.rawValue, toByteOffset: 8, as: Int32.self)
        case .jumps(let offset):
            slot.storeBytes(of: nanoseconds(offset), toByteOffset: 48, as: Int64.self)
            slot.storeBytes(of: -1, toByteOffset: 12, as: Int32.self)
        case .takes(let time):
            slot.storeBytes(of: nanoseconds(time), toByteOffset: 48, as: Int64.self)
        }
    }
}
