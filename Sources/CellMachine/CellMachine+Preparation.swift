// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Glibc
import SystemCalls
import SystemPackage

/// What must be right before QEMU is started.
extension CellMachine {
    /// APICs before x2APIC have no higher numbers.
    private static let highestCPU = 254

    static func check(_ cell: CellDescriptor, settings: CellMachineSettings) throws(CellMachineError) {
        let cpus = cell.cpus.members
        guard (1...MonitorMemory.cpuLimit).contains(cpus.count), !cpus.contains(0), (cpus.max() ?? 0) <= highestCPU
        else {
            throw CellMachineError(
                .configuration,
                "a cell that executes has 1 to \(MonitorMemory.cpuLimit) of the CPUs 1 to \(highestCPU), "
                    + "not \(cell.cpus.isEmpty ? "none" : cell.cpus.list)")
        }
        guard settings.pmTimerPort & 0x7f == 8 else {
            throw CellMachineError(
                .configuration,
                "the simulated PM timer can only be at a port like 0x408 or 0x608, not 0x"
                    + String(settings.pmTimerPort, radix: 16))
        }
        guard settings.configurationSpaceBase & 0xfff_ffff == 0 else {
            throw CellMachineError(.configuration, "the configuration space's base is no multiple of 256 MiB")
        }
        guard cell.pciDevices.allSatisfy({ $0.kind != .device || $0.address.bus == 0 }) else {
            throw CellMachineError(.configuration, "the simulated machine has no PCI bus but the first")
        }
        for device in cell.pciDevices where device.msixAddress != 0 {
            let (end, overflow) = device.msixAddress.addingReportingOverflow(UInt64(device.msixRegionSize))
            guard !overflow, end <= 1 << 32 else {
                throw CellMachineError(
                    .configuration,
                    "the MSI-X table of the PCI device \(device.address) lies above 4 GiB, where the simulated machine "
                        + "has no room for devices")
            }
        }
        for region in cell.memoryRegions where region.flags.contains(.communicationRegion) && region.size > 0 {
            guard region.size == PageTables.pageSize, region.virtualStart < 1 << 47 else {
                throw CellMachineError(
                    .configuration, "a communication region is one page of 4 KiB below 0x800000000000")
            }
        }
        let monitors = MachineLayout.pcMonitors..<0x8000_0000
        for region in cell.memoryRegions where !region.flags.contains(.communicationRegion) && region.size > 0 {
            let (end, overflow) = region.physicalStart.addingReportingOverflow(region.size)
            guard !overflow, end <= 512 << 30, region.virtualStart <= 1 << 47, region.size <= 1 << 46 else {
                throw CellMachineError(.configuration, "a memory region lies beyond 512 GiB")
            }
            guard end <= monitors.lowerBound || region.physicalStart >= monitors.upperBound else {
                throw CellMachineError(
                    .configuration, "a memory region lies over the simulated machine's own memory, from 0x7f000000")
            }
        }
    }

    static func places(of cell: CellDescriptor, _ inventory: DeviceInventory) -> [ConfigurationWrite] {
        var addresses = BaseAddresses(cell)
        return cell.pciDevices.filter { $0.kind == .device }.flatMap { device in
            inventory.baseAddresses[device.address.rawValue].map { addresses.place(device, $0) } ?? []
        }
    }

    static func contents(of path: String) throws(CellMachineError) -> [UInt8] {
        try calling(.program, "the cell monitor cannot be read") { () throws(SystemCallError) in
            try SystemCall.contents(ofFile: path, limit: 1 << 20)
        }
    }

    /// The firmware with the monitor's place in it, in a file of its own.
    static func writeFirmware(base: UInt64, slot: Int, settings: CellMachineSettings) throws(CellMachineError) {
        var bytes = Bytes(count: 0x1_0000)
        let firmware = try contents(of: settings.firmware)
        guard firmware.count == 0x1_0000 else {
            throw CellMachineError(.program, "\(settings.firmware) is no firmware for cells")
        }
        bytes.store(firmware, at: 0)
        bytes.store(UInt32(base), at: 0xff00)
        let path = firmwareCopy(slot: slot, settings: settings)
        try calling(.program, "the firmware cannot be copied") { () throws(SystemCallError) in
            let file = try SystemCall.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
            try SystemCall.write(bytes.values, to: file.rawValue)
        }
    }

    static func firmwareCopy(slot: Int, settings: CellMachineSettings) -> String {
        "\(settings.directory)/firmware-\(slot)"
    }
}

enum KVM {
    /// Whether cells can run without emulation: KVM is ours, on an AMD machine that nests.
    static var nestsSVM: Bool {
        guard access("/dev/kvm", R_OK | W_OK) == 0,
            let parameter = try? SystemCall.contents(ofFile: "/sys/module/kvm_amd/parameters/nested")
        else { return false }
        return parameter.first == UInt8(ascii: "1") || parameter.first == UInt8(ascii: "Y")
    }
}
