// SPDX-License-Identifier: Apache-2.0

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

    /// The configuration may list a device where the machine has none.
    @Test func anEmptySlotHoldsNobodyUp() async throws {
        let machine = try TestMachine()
        let cell = try machine.run("inmates/pci", in: DeviceTests.audioCell(), devices: [])
        try await cell.events.wait(for: "the end") { $0.serial.contains("skipped") || !$0.violations.isEmpty }
        #expect(cell.events.violations.isEmpty)
    }
}

extension DeviceTests {
    private static let card = SimulatedDevice(address: PCIAddress(rawValue: 0x20), model: "e1000e", network: "cable")

    /// 1 MiB of RAM that devices reach, and a network card; its parts as a real machine's firmware would place them.
    private static func networkCell(_ name: String, at physical: UInt64) -> CellDescriptor {
        var cell = TestMachine.cell(name, at: physical)
        cell.memoryRegions[0].flags.insert(.dma)
        for (address, size) in [(0xfeb8_0000, 0x2_0000), (0xfeba_0000, 0x2_0000), (0xfebc_1000, 0x3000)]
            as [(UInt64, UInt64)]
        {
            cell.memoryRegions.append(
                MemoryRegion(physicalStart: address, virtualStart: address, size: size, flags: [.read, .write, .io]))
        }
        cell.pciDevices = [
            PCIDevice(
                address: card.address, barMasks: [0xfffe_0000, 0xfffe_0000, 0xffff_ffe0, 0xffff_c000, 0, 0],
                capabilityCount: 2, msiVectors: 1, msiFlags: .address64, msixVectors: 5, msixRegionSize: 0x1000,
                msixAddress: 0xfebc_0000)
        ]
        cell.pciCapabilities = [
            PCICapability(id: 5, start: 0xd0, length: 14, flags: .write),
            PCICapability(id: 0x11, start: 0xa0, length: 12, flags: .write),
        ]
        return cell
    }

    @Test func aNetworkCardIsAsItsRegionsSay() async throws {
        let machine = try TestMachine()
        let cell = try machine.run(
            "inmates/pci", in: DeviceTests.networkCell("card", at: 0x1000_0000), devices: [DeviceTests.card])
        try await cell.events.wait(for: "the end") { $0.serial.contains("skipped") || !$0.violations.isEmpty }
        let text = cell.events.serial
        #expect(text.contains("pci: 4 passed, 0 failed, 0 skipped"))
        #expect(text.contains("BAR 0: memory at feb80000, 131072 bytes"))
        #expect(text.contains("BAR 1: memory at feba0000, 131072 bytes"))
        #expect(text.contains("BAR 3: memory at febc0000, 16384 bytes"))
    }

    @Test func twoCellsTalkOverANetwork() async throws {
        let machine = try TestMachine()
        let cells = try [0, 1].map { index in
            try machine.run(
                "inmates/network", in: DeviceTests.networkCell("n\(index)", at: 0x1000_0000 + UInt64(index) << 24),
                slot: index, devices: [DeviceTests.card])
        }
        for cell in cells {
            try await cell.events.wait(for: "the end", 60) { $0.serial.contains("skipped") || !$0.violations.isEmpty }
            #expect(cell.events.serial.contains("network: 6 passed, 0 failed, 0 skipped"))
        }
    }
}

@Suite struct ProcessorTests {
    @Test(arguments: ["timer", "timer-32"]) func timersAgree(inmate: String) async throws {
        let machine = try TestMachine()
        var descriptor = TestMachine.cell()
        descriptor.interruptChips = [InterruptChip(address: 0xfec0_0000, id: 0, pins: [4, 20])]
        let cell = try machine.run("inmates/\(inmate)", in: descriptor)
        try await cell.events.wait(for: "the end", 60) { $0.serial.contains("skipped") || !$0.violations.isEmpty }
        #expect(cell.events.serial.contains("timer: 7 passed, 0 failed, 0 skipped"))
    }

    @Test(arguments: ["smp", "smp-32"]) func eightProcessors(inmate: String) async throws {
        let machine = try TestMachine()
        let cell = try machine.run("inmates/\(inmate)", in: TestMachine.cell(cpus: Array(1...8)))
        try await cell.events.wait(for: "the end", 60) { $0.serial.contains("skipped") || !$0.violations.isEmpty }
        #expect(cell.events.serial.contains("smp: 5 passed, 0 failed, 0 skipped"))
    }
}

/// Links through shared memory between two cells: the project's heartbeat.
@Suite struct LinkTests {
    static func cell(_ name: String, end: UInt8, vectors: UInt16 = 1) -> CellDescriptor {
        var cell = TestMachine.cell(name, at: 0x1000_0000 + UInt64(end) << 24)
        let link = SharedMemoryLink(
            address: PCIAddress(rawValue: 0x78), peerID: end, msixVectors: vectors, physicalStart: 0x2000_0000,
            outputSize: 0x2000)
        cell.pciDevices = [link.device(firstRegion: UInt32(cell.memoryRegions.count))]
        cell.memoryRegions += link.regions ?? []
        return cell
    }

    @Test func twoCellsHearEachOther() async throws {
        let machine = try TestMachine()
        let cells = try [0, 1].map { end in
            try machine.run("inmates/heartbeat", in: LinkTests.cell("end \(end)", end: UInt8(end)), slot: end * 3)
        }
        for cell in cells {
            try await cell.events.wait(for: "the end", 60) { $0.serial.contains("skipped") || !$0.violations.isEmpty }
            // on a busy machine two rings may arrive as one
            #expect(cell.events.serial.contains("PASS agreement"))
            #expect(!cell.events.serial.contains("doorbell: 0 rings"))
        }
    }

    @Test func anEndThatGoesIsSeen() async throws {
        let machine = try TestMachine()
        let cells = try [0, 1].map { end in
            let cell = LinkTests.cell("end \(end)", end: UInt8(end))
            return try machine.run("inmates/heartbeat", in: cell, slot: end, commandLine: "forever")
        }
        for cell in cells { try await cell.events.serial("heartbeat: 10,") }
        #expect(try machine.memory.read(at: 0x2000_0000, count: 8) == [1, 0, 0, 0, 1, 0, 0, 0])
        cells[0].machine.terminate()
        #expect(try machine.memory.read(at: 0x2000_0000, count: 8) == [0, 0, 0, 0, 1, 0, 0, 0])
    }
}
