// SPDX-License-Identifier: Apache-2.0

private typealias Field = VirtualCPU.Field

/// Memory that the cell may not reach itself: devices that are looked after, or nothing.
enum MappedIO {
    static func handle(_ cpu: VirtualCPU) -> Violation? {
        let information = cpu.long(Field.exitInformation1)
        let address = cpu.long(Field.exitInformation2)
        let isWrite = information & 2 != 0
        // the interrupt controller's page is mapped for reading: only its writes arrive here
        if information & 7 == 7, address & ~0xfff == LocalAPIC.base {
            cpu.count(.xapic)
            return handleAPIC(cpu, offset: UInt32(address & 0xfff))
        }
        cpu.count(.mmio)
        if information & 0x10 != 0 { return Violation(.fetch, address) }
        let instruction = GuestMemory(cpu).instruction()
        guard instruction.length > 0 else { return Violation(.fetch, address) }
        guard let move = Move(instruction, on: cpu), move.isWrite == isWrite else {
            return Violation(.instruction, leadingBytes(instruction), address, isWrite ? 0 : 1)
        }
        switch access(address, move, cpu) {
        case .value(let value):
            move.complete(on: cpu, read: value)
            return nil
        case .refused(let violation): return violation
        case .unknown: return Violation(.memory, address, UInt64(move.size), isWrite ? 0 : 1)
        }
    }

    private static func access(_ address: UInt64, _ move: Move, _ cpu: VirtualCPU) -> Access {
        let write = move.isWrite ? UInt32(truncatingIfNeeded: move.value) : nil
        if let access = PCI.memory(address, size: move.size, write: write) { return access }
        if let access = PCIDevice.linkMemory(address, size: move.size, write: write) { return access }
        if let access = PCIDevice.vectorTable(address, size: move.size, write: write) { return access }
        if let access = Pins.memory(address, write: write) { return access }
        if let access = testDevice(address, move, cpu) { return access }
        return checkedRegion(address, move) ?? .unknown
    }

    private static func handleAPIC(_ cpu: VirtualCPU, offset: UInt32) -> Violation? {
        guard offset & 0xf == 0, let move = Move(GuestMemory(cpu).instruction(), on: cpu), move.isWrite else {
            return Violation(.apicAccess, UInt64(offset), 1)
        }
        let value = UInt32(truncatingIfNeeded: move.value)
        if let violation = LocalAPIC.writeWindow(offset: offset, size: move.size, value, by: cpu) { return violation }
        move.complete(on: cpu, read: 0)
        return nil
    }

    /// Upstream's device for tests: 8 bytes at the end of the page behind the communication region.
    private static func testDevice(_ address: UInt64, _ move: Move, _ cpu: VirtualCPU) -> Access? {
        guard Parameters.has(MonitorMemory.Flag.hasTestDevice) else { return nil }
        let begin = Parameters.communicationAddress &+ 0x1000
        guard address >= begin, address < begin &+ 0x1000 else { return nil }
        let offset = address - begin
        guard offset >= 0xff8, offset + UInt64(move.size) <= 0x1000 else {
            Events.tell(.testDevice, cpu: cpu.index, UInt32(offset))
            return .refused(Violation(.checkedRegion, address, UInt64(move.size), move.isWrite ? 0 : 1))
        }
        return perform(Parameters.machineAddress(MonitorMemory.communicationRegion) + offset, move)
    }

    /// A region of the configuration that is not whole pages: its flags say which widths are allowed.
    private static func checkedRegion(_ address: UInt64, _ move: Move) -> Access? {
        let size = UInt64(move.size)
        for index in 0..<Int(Parameters.word(MonitorMemory.Parameter.checkedRegions)) {
            let entry = MonitorMemory.Parameter.checkedList + index * MonitorMemory.Checked.size
            let begin = Parameters.long(entry)
            guard address >= begin, address - begin < Parameters.long(entry + 16) else { continue }
            let flags = Parameters.long(entry + 24)
            let isWide = flags & (size << 16) != 0  // 8, 16, 32 and 64 bit follow each other there
            let isAligned = flags & 0x8000 != 0 || address & (size - 1) == 0
            guard flags & (move.isWrite ? 2 : 1) != 0, isWide, isAligned,
                size <= Parameters.long(entry + 16) - (address - begin)
            else { return .refused(Violation(.checkedRegion, address, size, move.isWrite ? 0 : 1)) }
            return perform(Parameters.long(entry + 8) + (address - begin), move)
        }
        return nil
    }

    private static func perform(_ address: UInt64, _ move: Move) -> Access {
        guard move.isWrite else { return .value(Machine.read(address, size: move.size)) }
        Machine.write(move.value, to: address, size: move.size)
        return .value(0)
    }

    private static func leadingBytes(_ instruction: GuestMemory.Instruction) -> UInt64 {
        var bytes: UInt64 = 0
        for index in 0..<4 { bytes |= UInt64(instruction.bytes[index]) << UInt64(index * 8) }
        return bytes
    }
}
