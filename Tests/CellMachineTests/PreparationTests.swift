// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Foundation
import Testing

@testable import CellMachine

/// What is refused before QEMU is started.
@Suite struct PreparationTests {
    private static let settings = CellMachineSettings(firmware: "", monitor: "", directory: "", memoryFile: "")

    private func refusal(_ change: (inout CellDescriptor) -> Void) -> CellMachineError? {
        var cell = TestMachine.cell()
        change(&cell)
        do throws(CellMachineError) {
            try CellMachine.check(cell, settings: PreparationTests.settings)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [0xffff_ffff_ffff_f000, 0xffff_f000, 0x1_0000_0000] as [UInt64])
    func vectorTablesThatAreNotBelow4GiB(address: UInt64) {
        let error = refusal {
            $0.pciDevices = [
                PCIDevice(address: PCIAddress(rawValue: 0x10), msixRegionSize: 0x2000, msixAddress: address)
            ]
        }
        #expect(error?.code == .configuration)
        #expect(error?.message.contains("MSI-X table of the PCI device 00:02.0") == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [(0xffff_ffff_ffff_f000, 0x2000), (0x8000_0000_0000, 0x1000), (0x10_0000, 0x2000)])
    func communicationRegionsThatAreNoPage(address: UInt64, size: UInt64) {
        let error = refusal {
            $0.memoryRegions[1].virtualStart = address
            $0.memoryRegions[1].size = size
        }
        #expect(error?.code == .configuration)
        #expect(error?.message.contains("communication region") == true)
    }

    @Test func whatIsRight() {
        #expect(refusal { _ in } == nil)
        #expect(
            refusal {
                $0.pciDevices = [
                    PCIDevice(address: PCIAddress(rawValue: 0x10), msixRegionSize: 0x1000, msixAddress: 0xffff_f000)
                ]
            } == nil)
    }

    @Test func memoryOfTheMonitorsIsNobodys() {
        let size: UInt64 = 4 << 30
        #expect(MachineLayout.pc.fileOffset(of: 0x7eff_f000, count: 0x1000, size: size) == 0x7eff_f000)
        #expect(MachineLayout.pc.fileOffset(of: 0x7eff_f000, count: 0x1001, size: size) == nil)
        #expect(MachineLayout.pc.fileOffset(of: 0x7f00_0000, count: 1, size: size) == nil)
        #expect(MachineLayout.pc.fileOffset(of: 0x7fff_ffff, count: 1, size: size) == nil)
        #expect(MachineLayout.pc.fileOffset(of: 1 << 32, count: 1, size: size) == 2 << 30)
    }

    @Test func aCellThatCannotBeConnectedLeavesNoFile() throws {
        let machine = try TestMachine()
        var cell = TestMachine.cell()
        // its state table is where no memory is
        let link = SharedMemoryLink(
            address: PCIAddress(rawValue: 0x78), physicalStart: 64 << 30, virtualStart: 0x2000_0000, outputSize: 0x1000)
        cell.pciDevices = [link.device(firstRegion: UInt32(cell.memoryRegions.count))]
        cell.memoryRegions += try #require(link.regions)
        let before = try FileManager.default.contentsOfDirectory(atPath: machine.directory)
        let error = #expect(throws: CellMachineError.self) {
            try CellMachine(cell: cell, slot: 0, settings: machine.settings, onEvent: { _ in })
        }
        #expect(error?.message.contains("state table") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: machine.directory) == before)
    }
}
