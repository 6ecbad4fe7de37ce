import CellConfiguration
import CellMachine
import Testing

/// The project's own inmates find the devices that their configurations list, and nothing else.
@Suite struct DeviceTests {
    private static let audio = SimulatedDevice(address: PCIAddress(rawValue: 0xd8), model: "ich9-intel-hda")

    /// 1 MiB of RAM that devices reach, and an audio controller with its registers at 0xfebf0000.
    private static func audioCell(capabilityFlags: PCICapability.Flags = .write) -> CellDescriptor {
        var cell = TestMachine.cell()
        cell.memoryRegions[0].flags.insert(.dma)
        cell.memoryRegions.append(
            MemoryRegion(
                physicalStart: 0xfebf_0000, virtualStart: 0xfebf_0000, size: 0x4000, flags: [.read, .write, .io]))
        cell.pciDevices = [
            PCIDevice(
                address: audio.address, barMasks: [0xffff_c000, 0, 0, 0, 0, 0], capabilityCount: 1, msiVectors: 1,
                msiFlags: .address64)
        ]
        cell.pciCapabilities = [PCICapability(id: 5, start: 0x60, length: 14, flags: capabilityFlags)]
        return cell
    }

    @Test func aDeviceIsFoundAndItsMessageArrives() async throws {
        let machine = try TestMachine()
        let cell = try machine.run("inmates/pci", in: DeviceTests.audioCell(), devices: [DeviceTests.audio])
        try await cell.events.wait(for: "the end") { $0.serial.contains("skipped") || !$0.violations.isEmpty }
        #expect(cell.events.serial.contains("pci: 4 passed, 0 failed, 0 skipped"))
        #expect(cell.events.serial.contains("00:1b.0 BAR 0: memory at febf0000, 16384 bytes"))
    }
}
