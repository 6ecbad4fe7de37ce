// SPDX-License-Identifier: Apache-2.0

/// Memory that the cell may not reach itself: devices that are looked after, or nothing.
enum MappedIO {
    static func handle(_ cpu: VirtualCPU, _ syndrome: ExceptionSyndrome) -> Violation? {
        let address = abortedAddress()
        guard let move = DataAccess(syndrome) else {
            cpu.count(.mmio)
            return Violation(.memory, address, 1, DataAccess.isWrite(syndrome) ? 0 : 1)
        }
        let write = move.isWrite ? move.stored(cpu.register(move.register)) : nil
        // no exit on the machine that the configuration is for, so it is not counted
        if let value = SerialPort.page(address, write) {
            if !move.isWrite { cpu.setRegister(move.register, move.result(of: value)) }
            cpu.skip()
            return nil
        }
        cpu.count(.mmio)
        switch access(address, move.size, write, cpu) {
        case .value(let value):
            if !move.isWrite { cpu.setRegister(move.register, move.result(of: value)) }
            cpu.skip()
            return nil
        case .refused(let violation): return violation
        case .unknown: return Violation(.memory, address, UInt64(move.size), move.isWrite ? 0 : 1)
        }
    }

    private static func access(_ address: UInt64, _ size: Int, _ write: UInt64?, _ cpu: VirtualCPU) -> Access {
        if let access = Distributor.access(address, size, write, cpu) { return access }
        if let access = Redistributor.access(address, size, write) { return access }
        let word = write.map { UInt32(truncatingIfNeeded: $0) }
        if let access = PCI.memory(address, size: size, write: word) { return access }
        if let access = PCIDevice.linkMemory(address, size: size, write: word) { return access }
        return checkedRegion(address, size, write) ?? .unknown
    }

    /// A region of the configuration that is not whole pages: its flags say which widths are allowed.
    private static func checkedRegion(_ address: UInt64, _ size: Int, _ write: UInt64?) -> Access? {
        let isWrite = write != nil
        for index in 0..<Int(Parameters.word(MonitorMemory.Parameter.checkedRegions)) {
            typealias Checked = MonitorMemory.Arm64.Checked
            let entry = MonitorMemory.Parameter.checkedList + index * Checked.size
            let region = CheckedRegion(
                begin: Parameters.long(entry), place: Parameters.long(entry + 8), size: Parameters.long(entry + 16),
                flags: Parameters.long(entry + 24))
            guard region.contains(address, size) else { continue }
            guard region.permits(address, size, isWrite: isWrite) else {
                return .refused(
                    Violation(.checkedRegion, region.place + (address - region.begin), UInt64(size), isWrite ? 0 : 1))
            }
            if let value = SerialPort.register(region.place + (address - region.begin), write) { return .value(value) }
            let device = Parameters.long(entry + Checked.machineAddress)
            // the hypervisor itself dies of a device that is not there; the monitor does not
            guard device != Checked.nothing else { return .value(0) }
            let register = device + (address - region.begin)
            guard let write else { return .value(Machine.read(register, size: size)) }
            Machine.write(write, to: register, size: size)
            return .value(0)
        }
        return nil
    }
}
