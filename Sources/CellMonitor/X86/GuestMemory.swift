// SPDX-License-Identifier: Apache-2.0

private typealias Field = VirtualCPU.Field

/// The cell's memory as its instructions address it.
struct GuestMemory {
    private let cpu: VirtualCPU

    init(_ cpu: VirtualCPU) { self.cpu = cpu }

    struct Instruction {
        var bytes = InlineArray<16, UInt8>(repeating: 0)
        /// How many could be fetched, 15 at most.
        var length = 0
    }

    /// The bytes at RIP, as far as they lie in memory that the cell may read.
    func instruction() -> Instruction {
        var instruction = Instruction()
        let begin = cpu.codeBase &+ cpu.long(Field.rip)
        while instruction.length < 15 {
            guard let address = cellAddress(begin &+ UInt64(instruction.length)),
                let place = GuestMemory.machineAddress(address)
            else { break }
            instruction.bytes[instruction.length] = UInt8(truncatingIfNeeded: Machine.read(place, size: 1))
            instruction.length += 1
        }
        return instruction
    }

    /// A linear address by the cell's own page tables; nil when they do not map it.
    private func cellAddress(_ linear: UInt64) -> UInt64? {
        let walk = PageWalk(
            cr0: cpu.long(Field.cr0), cr3: cpu.long(Field.cr3), cr4: cpu.long(Field.cr4),
            isInLongMode: cpu.isInLongMode)
        return walk.address(of: linear) { address, size in
            GuestMemory.machineAddress(address).map { Machine.read($0, size: size) }
        }
    }

    /// A cell's physical address by the nested page tables; nil when the cell has nothing there.
    static func machineAddress(_ address: UInt64) -> UInt64? {
        guard address < 1 << 48 else { return nil }
        var table = Parameters.nestedRoot
        for shift in stride(from: UInt64(39), through: 12, by: -9) {
            let entry = Machine.read(table + (address >> shift & 0x1ff) * 8, size: 8)
            guard entry & 1 != 0 else { return nil }
            let offset = UInt64(1) << shift - 1
            if shift == 12 || entry & 0x80 != 0 { return entry & addressBits & ~offset | address & offset }
            table = entry & addressBits
        }
        return nil
    }
}

private let addressBits: UInt64 = 0x000f_ffff_ffff_f000
