// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls

/// The RAM of a simulated machine: a sparse file that Linux's side and the QEMU processes of all cells share.
///
/// ``MachineLayout`` says where in the file what is.
package final class MachineMemory: Sendable {
    package static let slotLimit = 16

    package let path: String
    /// In bytes.
    package let size: UInt64
    package let layout: MachineLayout
    private let mapping: MappedFile
    /// A write through it says when the disk is full; one through the mapping ends the process.
    private let file: OwnedDescriptor

    /// Makes the file, empty, or takes one of the same size as it is.
    ///
    /// - Parameter size: in bytes, more than 2 GiB.
    /// - Throws: ``CellMachineError`` `memory`.
    package init(path: String, size: UInt64, layout: MachineLayout = .pc) throws(CellMachineError) {
        guard size > 2 << 30, size & 0xf_ffff == 0 else {
            throw CellMachineError(.memory, "the machine's memory must be whole megabytes, more than 2 GiB")
        }
        self.path = path
        self.size = size
        self.layout = layout
        mapping = try MappedFile.part(of: path, size: Int(size), creates: true)
        file = try calling(.memory, "the machine's memory cannot be opened") { () throws(SystemCallError) in
            try SystemCall.open(path, O_RDWR)
        }
    }

    /// - Throws: ``CellMachineError`` `memory` when not all of it is RAM, or the disk is full.
    package func write(_ bytes: [UInt8], at address: UInt64) throws(CellMachineError) {
        let offset = try offset(of: address, count: bytes.count)
        try calling(.memory, "the machine's memory cannot be written") { () throws(SystemCallError) in
            try SystemCall.write(bytes[...], to: file.rawValue, at: offset)
        }
    }

    /// Tells the monitors of all cells, those that come included.
    ///
    /// - Throws: ``CellMachineError`` `memory` when the disk is full.
    package func tell(_ numbers: HypervisorNumbers) throws(CellMachineError) {
        try calling(.memory, "the machine's memory cannot be written") { () throws(SystemCallError) in
            for slot in 0..<MachineMemory.slotLimit {
                let offset =
                    layout.monitorOffset(slot: slot, size: size) + UInt64(MonitorMemory.Parameter.hypervisorNumbers)
                try SystemCall.write(numbers.bytes[...], to: file.rawValue, at: offset)
            }
        }
    }

    /// - Throws: ``CellMachineError`` `memory` when not all of it is RAM.
    package func read(at address: UInt64, count: Int) throws(CellMachineError) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: try pointer(address, count: count), count: count))
    }

    /// Whether there is RAM at all of these addresses.
    package func has(_ count: Int, at address: UInt64) -> Bool {
        layout.fileOffset(of: address, count: UInt64(count), size: size) != nil
    }

    /// Which of the bytes are not in the RAM already: ranges of them, with what lies between two that are close.
    ///
    /// - Throws: ``CellMachineError`` `memory` when there is not so much RAM.
    func differences(from bytes: [UInt8], at address: UInt64) throws(CellMachineError) -> [Range<Int>] {
        let place = try pointer(address, count: bytes.count)
        let (step, near) = (4096, 0x8000)
        var ranges: [Range<Int>] = []
        bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            for begin in stride(from: 0, to: bytes.count, by: step) {
                let end = min(begin + step, bytes.count)
                guard memcmp(place + begin, start + begin, end - begin) != 0 else { continue }
                if let last = ranges.last, begin - last.upperBound < near {
                    ranges[ranges.count - 1] = last.lowerBound..<end
                } else {
                    ranges.append(begin..<end)
                }
            }
        }
        return ranges
    }

    private func pointer(_ address: UInt64, count: Int) throws(CellMachineError) -> UnsafeMutableRawPointer {
        mapping.start + Int(try offset(of: address, count: count))
    }

    private func offset(of address: UInt64, count: Int) throws(CellMachineError) -> UInt64 {
        guard let offset = layout.fileOffset(of: address, count: UInt64(count), size: size) else {
            throw CellMachineError(.memory, "the machine has no memory at 0x\(String(address, radix: 16))")
        }
        return offset
    }
}

extension MappedFile {
    /// A part of the machine's memory.
    ///
    /// - Throws: ``CellMachineError`` `memory`.
    static func part(
        of path: String, at offset: Int = 0, size: Int, creates: Bool = false
    ) throws(CellMachineError) -> MappedFile {
        try calling(.memory, "the machine's memory cannot be mapped") { () throws(SystemCallError) in
            let file = try SystemCall.open(path, creates ? O_RDWR | O_CREAT : O_RDWR, mode: 0o600)
            if creates {
                try SystemCall.result(of: "ftruncate", on: path) { ftruncate(file.rawValue, off_t(size)) }
            }
            return try MappedFile(file.rawValue, named: path, offset: offset, size: size)
        }
    }
}
