// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Testing

@testable import CellMachine

/// What the host builds for the monitor, from configurations.
@Suite struct TableTests {
    private static let base: UInt64 = 0x7f07_8000

    private static func nested(_ regions: [MemoryRegion], pageLimit: Int = 64) throws -> PageTables {
        try CellTables.nestedPages(
            of: CellDescriptor(name: "cell", memoryRegions: regions), communicationRegion: 0x7f0f_f000, at: base,
            pageLimit: pageLimit)
    }

    private static func region(
        _ virtual: UInt64, _ physical: UInt64, _ size: UInt64, _ flags: MemoryRegion.Flags = [.read, .write, .execute]
    ) -> MemoryRegion {
        MemoryRegion(physicalStart: physical, virtualStart: virtual, size: size, flags: flags)
    }

    @Test func addressesGoWhereTheRegionSays() throws {
        let tables = try TableTests.nested([TableTests.region(0, 0x3a00_0000, 0x80_0000)])
        #expect(tables.entry(for: 0)?.target == 0x3a00_0000)
        #expect(tables.entry(for: 0x7f_ffff)?.target == 0x3a7f_ffff)
        #expect(tables.entry(for: 0x80_0000) == nil)
        // the root, the next level, a directory for either end of the 4 GiB, and the APIC's page in a table
        #expect(tables.pageCount == 5)
    }

    @Test func memoryAbove4GiB() throws {
        let tables = try TableTests.nested([TableTests.region(0x1_0000_0000, 0x1_4000_0000, 0x4020_0000)])
        #expect(tables.entry(for: 0x1_0000_1234)?.target == 0x1_4000_1234)
        #expect(tables.entry(for: 0x1_401f_f000)?.target == 0x1_801f_f000)
        #expect(tables.entry(for: 0x1_4020_0000) == nil)
    }

    @Test func largePagesOnlyWhereAllowed() throws {
        let aligned = TableTests.region(0, 0x4000_0000, 0x20_0000)
        var small = aligned
        small.flags.insert(.noHugePages)
        let crooked = TableTests.region(0, 0x4000_1000, 0x20_0000)
        #expect(try #require(try TableTests.nested([aligned]).entry(for: 0)).entry & 0x80 != 0)
        for region in [small, crooked] {
            let tables = try TableTests.nested([region])
            #expect(try #require(tables.entry(for: 0x1f_f000)).entry & 0x80 == 0)
            #expect(tables.entry(for: 0x1f_f000)?.target == region.physicalStart + 0x1f_f000)
        }
    }

    @Test func rightsAreTheRegions() throws {
        let tables = try TableTests.nested([
            TableTests.region(0, 0x1000_0000, 0x1000, [.read]),
            TableTests.region(0x1000, 0x1000_1000, 0x1000, [.read, .write]),
            TableTests.region(0x2000, 0x1000_2000, 0x1000, [.read, .execute]),
            TableTests.region(0x3000, 0x1000_3000, 0x1000, [.write]),
            TableTests.region(0x4000, 0, 0x1000, [.read, .write, .communicationRegion]),
        ])
        let noExecution: UInt64 = 1 << 63
        #expect(tables.entry(for: 0)?.entry == 0x1000_0000 | noExecution | 5)
        #expect(tables.entry(for: 0x1000)?.entry == 0x1000_1000 | noExecution | 7)
        #expect(tables.entry(for: 0x2000)?.entry == 0x1000_2000 | 5)
        // without the right to read there is nothing, as on the hypervisor
        #expect(tables.entry(for: 0x3000) == nil)
        #expect(tables.entry(for: 0x4000)?.target == 0x7f0f_f000)
        #expect(tables.entry(for: 0xfee0_0000)?.entry == 0xfee0_0000 | 5)
    }

    @Test func aLaterRegionCutsALargePage() throws {
        let tables = try TableTests.nested([
            TableTests.region(0, 0x4000_0000, 0x40_0000),
            TableTests.region(0x10_0000, 0, 0x1000, [.read, .write, .communicationRegion]),
        ])
        #expect(tables.entry(for: 0xf_f000)?.target == 0x400f_f000)
        #expect(tables.entry(for: 0x10_0000)?.target == 0x7f0f_f000)
        #expect(tables.entry(for: 0x10_1000)?.target == 0x4010_1000)
    }

    @Test func regionsThatNeedTooManyTablesAreRefused() {
        #expect(throws: CellMachineError.self) {
            try TableTests.nested([TableTests.region(0, 0x4000_1000, 0x1000_0000)], pageLimit: 20)
        }
    }

    @Test func devicesReachOnlyWhatIsForThem() throws {
        let cell = CellDescriptor(
            name: "cell",
            memoryRegions: [
                TableTests.region(0, 0x4000_0000, 0x20_0000, [.read, .write, .dma]),
                TableTests.region(0x20_0000, 0x4020_0000, 0x20_0000),
                TableTests.region(0x40_0000, 0x4040_0000, 0x1000, [.read, .dma]),
            ])
        let tables = try CellTables.remapping(of: cell, at: TableTests.base, pageLimit: 16)
        #expect(tables.entry(for: 0x1f_f000)?.target == 0x401f_f000)
        #expect(tables.entry(for: 0x20_0000) == nil)
        #expect(try #require(tables.entry(for: 0x40_0000)).entry & 3 == 1)
    }

    @Test func portsAreTheConfigurationsAndThePMTimers() {
        let cell = CellDescriptor(
            name: "cell",
            ioPortRegions: [IOPortRegion(base: 0x3f8, count: 8), IOPortRegion(base: 0x60, count: 5)])
        let map = CellTables.portMap(of: cell, pmTimerPort: 0x408, legacyDevices: [.intervalTimer])
        let granted = (0..<0x1_0000).filter { map[$0 / 8] & 1 << UInt8($0 % 8) == 0 }
        // of the keyboard's two, the one that can reset the machine is looked at
        #expect(
            granted == [0x40, 0x41, 0x42, 0x43, 0x60, 0x61, 0x62, 0x63] + Array(0x3f8...0x3ff) + Array(0x408...0x40b))
        #expect(map[0x2000] & 7 == 7)
    }

    @Test func registersAreTheHypervisorsChoice() {
        let map = CellTables.registerMap()
        func bits(_ register: Int, at base: Int = 0) -> UInt8 {
            map[base + register / 4] >> UInt8(register % 4 * 2) & 3
        }
        #expect(bits(0x1b) == 2)
        #expect(bits(0x10) == 0)
        #expect(bits(0x200) == 2)
        #expect(bits(0x277) == 3)
        #expect(bits(0x800) == 3 && bits(0x83f) == 3)
        #expect(bits(0x80, at: 0x800) == 2)
        #expect(bits(0x81, at: 0x800) == 0)
    }

    @Test func communicationRegionAsTheInmatesReadIt() {
        var page = CommunicationPage(
            layout: .current, flags: [.virtualConsolePermitted, .virtualConsoleActive],
            console: Console(kind: .uart8250, address: 0x3f8), configurationSpaceBase: 0xb000_0000,
            pmTimerPort: 0x608, cpuCount: 3, tscKHz: 2_500_000)
        #expect(Array(page.bytes[0..<8]) == Array("JHCOMM".utf8) + [2, 0])
        page.abiRevision = 1
        #expect(page.bytes[6] == 1)
        #expect(page.bytes[20] == 3)
        #expect(Array(page.bytes[24..<26]) == [0xf8, 0x03])
        #expect(Array(page.bytes[64..<68]) == [0x08, 0x06, 3, 0])
        page.layout = .of2016
        #expect(Array(page.bytes[0x10..<0x12]) == [0x08, 0x06])
        #expect(page.bytes.filter { $0 != 0 }.count == 2)
        #expect((page.messageOffset, page.replyOffset) == (0, 4))
    }

    @Test func memoryStandsInTheFileWithoutItsHole() {
        let size: UInt64 = 3 << 30
        #expect(MachineLayout.pc.fileOffset(of: 0x1000, count: 0x1000, size: size) == 0x1000)
        #expect(MachineLayout.pc.fileOffset(of: 0x7fff_f000, count: 0x2000, size: size) == nil)
        #expect(MachineLayout.pc.fileOffset(of: 0x1_0000_0000, count: 1 << 30, size: size) == 0x8000_0000)
        #expect(MachineLayout.pc.fileOffset(of: 0x1_4000_0000, count: 1, size: size) == nil)
        #expect(MachineLayout.pc.fileOffset(of: .max, count: 2, size: size) == nil)
    }

    @Test func whatTheMachineDoesNotHaveIsRefused() {
        let settings = CellMachineSettings(firmware: "", monitor: "", directory: "", memoryFile: "")
        func refuses(_ change: (inout CellDescriptor, inout CellMachineSettings) -> Void) -> Bool {
            var cell = CellDescriptor(name: "cell", cpus: CPUSet([3]))
            var settings = settings
            change(&cell, &settings)
            do {
                try CellMachine.check(cell, settings: settings)
                return false
            } catch {
                return error.code == .configuration
            }
        }
        #expect(!refuses { _, _ in })
        #expect(refuses { cell, _ in cell.cpus = CPUSet([0, 1]) })
        #expect(refuses { cell, _ in cell.cpus = CPUSet(1...9) })
        #expect(refuses { cell, _ in cell.cpus = CPUSet([]) })
        #expect(refuses { cell, _ in cell.memoryRegions = [TableTests.region(0, 0x7eff_f000, 0x2000)] })
        #expect(refuses { cell, _ in cell.memoryRegions = [TableTests.region(0, .max - 0xfff, 0x2000)] })
        #expect(refuses { _, settings in settings.pmTimerPort = 0x1000 })
        #expect(refuses { cell, _ in cell.pciDevices = [PCIDevice(address: PCIAddress(rawValue: 0x100))] })
    }
}

/// Where devices' base addresses go.
@Suite struct BaseAddressTests {
    private static func memory(_ number: Int, _ size: UInt64, wide: Bool = false) -> DeviceInventory.BaseAddress {
        DeviceInventory.BaseAddress(number: number, isMemory: true, is64Bit: wide, size: size)
    }

    private static func region(_ address: UInt64, _ size: UInt64) -> MemoryRegion {
        MemoryRegion(physicalStart: address, virtualStart: address, size: size, flags: [.read, .write, .io])
    }

    @Test func regionsDecideInTheirOrder() {
        let device = PCIDevice(
            address: PCIAddress(rawValue: 0x20), msixVectors: 5, msixRegionSize: 0x1000, msixAddress: 0xfebc_0000)
        let cell = CellDescriptor(
            name: "cell",
            memoryRegions: [
                BaseAddressTests.region(0xfeb8_0000, 0x2_0000), BaseAddressTests.region(0xfeba_0000, 0x2_0000),
                BaseAddressTests.region(0xfebc_1000, 0x3000),
            ], ioPortRegions: [IOPortRegion(base: 0xc040, count: 32)], pciDevices: [device])
        var addresses = BaseAddresses(cell)
        let ports = DeviceInventory.BaseAddress(number: 2, isMemory: false, is64Bit: false, size: 32)
        let writes = addresses.place(
            device,
            [
                BaseAddressTests.memory(0, 0x2_0000), BaseAddressTests.memory(1, 0x2_0000), ports,
                BaseAddressTests.memory(3, 0x4000),
            ])
        let values = Dictionary(uniqueKeysWithValues: writes.map { ($0.register, $0.value) })
        #expect(values == [0x10: 0xfeb8_0000, 0x14: 0xfeba_0000, 0x18: 0xc040, 0x1c: 0xfebc_0000, 4: 0x400])
    }

    /// Of a cell without `msix-*` keys the smallest register window went first, into the region of another.
    @Test func withoutVectorsTheRegionsDecideToo() {
        let device = PCIDevice(address: PCIAddress(rawValue: 0x20))
        let cell = CellDescriptor(
            name: "cell", memoryRegions: [BaseAddressTests.region(0xfeb8_0000, 0x2_0000)], pciDevices: [device])
        var addresses = BaseAddresses(cell)
        let writes = addresses.place(
            device,
            [
                BaseAddressTests.memory(0, 0x2_0000), BaseAddressTests.memory(1, 0x2_0000),
                BaseAddressTests.memory(3, 0x4000),
            ])
        #expect(writes.first { $0.register == 0x10 }?.value == 0xfeb8_0000)
        let others = writes.filter { [0x14, 0x1c].contains($0.register) }.map(\.value)
        #expect(others.count == 2 && others.allSatisfy { !(0xfeb8_0000..<0xfeba_0000).contains($0) })
    }

    @Test func whatTheCellDoesNotHaveLiesElsewhere() {
        let device = PCIDevice(address: PCIAddress(rawValue: 0x20))
        var addresses = BaseAddresses(CellDescriptor(name: "cell", pciDevices: [device]))
        let writes = addresses.place(device, [BaseAddressTests.memory(0, 0x4000, wide: true)])
        #expect(writes.map(\.register) == [0x10, 0x14, 4])
        #expect(writes[0].value == 0xe000_0000)
    }

    @Test func theEmulatorsListIsRead() throws {
        let answer = """
            {"return": [{"bus": 0, "devices": [{"bus": 0, "slot": 4, "function": 0, "class_info": {"class": 512},
            "id": {"device": 4307, "vendor": 32902}, "irq": 0, "irq_pin": 1, "qdev_id": "", "regions": [
            {"bar": 0, "type": "memory", "size": 131072, "address": -1, "prefetch": false, "mem_type_64": true},
            {"bar": 2, "type": "io", "size": 32, "address": -1},
            {"bar": 6, "type": "memory", "size": 262144, "address": -1, "prefetch": false, "mem_type_64": false}]}]}]}
            """
        let inventory = try DeviceInventory(answer: answer)
        #expect(
            inventory.baseAddresses == [
                0x20: [
                    BaseAddressTests.memory(0, 0x2_0000, wide: true),
                    DeviceInventory.BaseAddress(number: 2, isMemory: false, is64Bit: false, size: 32),
                ]
            ])
        #expect(throws: CellMachineError.self) { try DeviceInventory(answer: "{\"return\": 1}") }
    }
}
