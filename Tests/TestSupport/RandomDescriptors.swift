// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

extension SeededGenerator {
    /// Any number, but often one of the few that matter: 0, 1, all ones, the highest bit, a page, a small one.
    package mutating func number<Number: FixedWidthInteger & UnsignedInteger>() -> Number {
        switch next() % 8 {
        case 0...2: 0
        case 3: Number(truncatingIfNeeded: next() % 8)
        case 4: Number(truncatingIfNeeded: (next() % 64) * 4096)
        case 5: Number(1) << (Number.bitWidth - 1)
        case 6: Number.max
        default: Number(truncatingIfNeeded: next())
        }
    }

    package mutating func list<Element>(_ upTo: UInt64, _ make: (inout SeededGenerator) -> Element) -> [Element] {
        (0..<next() % (upTo + 1)).map { _ in make(&self) }
    }

    package mutating func bytes(_ count: UInt64) -> [UInt8] {
        (0..<count).map { _ in number() }
    }

    /// Any bytes that a name field can have, often those of a sensible name; no zeros at the end.
    package mutating func nameField() -> [UInt8] {
        var field: [UInt8] =
            switch next() % 4 {
            case 0: bytes(next() % 33)
            case 1: Array("a \"cell\"\\ named\n".utf8)
            case 2: Array("Zelle Süd".utf8) + [0] + bytes(next() % 8)
            default: Array("rtems-\(next() % 100)".utf8)
            }
        while field.last == 0 { field.removeLast() }
        return field
    }

    /// One of the widths and shapes that bitmaps have, zero bytes at the end included.
    package mutating func cpuSet() -> CPUSet {
        CPUSet(bitmap: bytes([0, 1, 4, 8, 8, 8, 16, 32][Int(next() % 8)]))
    }

    package mutating func memoryRegion() -> MemoryRegion {
        MemoryRegion(
            physicalStart: number(), virtualStart: number(), size: number(),
            // in revision 13, the bit is a fork's
            flags: MemoryRegion.Flags(rawValue: number() & ~0x200)
        )
    }

    package mutating func console() -> Console {
        if next() % 2 == 0 { return .none }
        return Console(
            kind: Console.Kind(rawValue: next() % 2 == 0 ? UInt16(next() % 12) : number()), address: number(),
            size: number(), flags: Console.Flags(rawValue: number()), divider: number(), gateNumber: number(),
            clockRegister: number()
        )
    }

    package mutating func pciDevice() -> PCIDevice {
        PCIDevice(
            kind: PCIDevice.Kind(rawValue: number()), iommu: number(), domain: number(),
            address: PCIAddress(rawValue: number()), barMasks: (0..<6).map { _ in number() }, firstCapability: number(),
            capabilityCount: number(), msiVectors: number(), msiFlags: PCIDevice.MSIFlags(rawValue: number()),
            msixVectors: number(), msixRegionSize: number(), msixAddress: number(), firstSharedMemoryRegion: number(),
            sharedMemoryID: number(), sharedMemoryPeers: number(), sharedMemoryProtocol: number()
        )
    }

    /// Any descriptor that the binary format can say, sensible or not.
    package mutating func cell(_ architecture: Architecture) -> CellDescriptor {
        var cell = CellDescriptor(
            name: "", architecture: architecture, flags: CellDescriptor.Flags(rawValue: number()), cpus: cpuSet(),
            memoryRegions: list(6) { $0.memoryRegion() },
            cacheRegions: list(2) {
                CacheRegion(
                    start: $0.number(), size: $0.number(), kind: CacheRegion.Kind(rawValue: $0.number()),
                    flags: CacheRegion.Flags(rawValue: $0.number()), padding: $0.number()
                )
            },
            interruptChips: list(2) {
                InterruptChip(
                    address: $0.number(), id: $0.number(), pinBase: $0.number(),
                    pinBitmap: SIMD4($0.number(), $0.number(), $0.number(), $0.number())
                )
            },
            ioPortRegions: list(3) { IOPortRegion(base: $0.number(), count: $0.number()) },
            pciDevices: list(2) { $0.pciDevice() },
            pciCapabilities: list(3) {
                PCICapability(
                    id: $0.number(), start: $0.number(), length: $0.number(),
                    flags: PCICapability.Flags(rawValue: $0.number())
                )
            },
            streamIDs: list(3) { $0.number() }, vpciInterruptBase: number(), cpuResetAddress: number(),
            messageReplyTimeout: number(), console: console(), id: number()
        )
        cell.nameField = nameField()
        for _ in 0..<next() % 3 { addLink(to: &cell) }
        return cell
    }

    /// An ivshmem link at any place, sometimes with something that is not as usual.
    package mutating func addLink(to cell: inout CellDescriptor) {
        let link = SharedMemoryLink(
            address: PCIAddress(rawValue: number()), domain: number(), iommu: number(), peerID: UInt8(next() % 3),
            peers: UInt8(next() % 4 + 1), linkProtocol: UInt16(next() % 3), msixVectors: UInt16(next() % 2),
            physicalStart: next() % (1 << 40), virtualStart: next() % (1 << 40), commonSize: next() % 2 * 0x2000,
            outputSize: next() % 3 * 0x1000, isRootShared: next() % 2 == 0
        )
        let place = Int(next() % UInt64(cell.memoryRegions.count + 1))
        // names are not in the binary format
        let regions = (link.regions ?? []).map {
            MemoryRegion(
                physicalStart: $0.physicalStart, virtualStart: $0.virtualStart, size: $0.size, flags: $0.flags)
        }
        var device = link.device(firstRegion: UInt32(place))
        if next() % 4 == 0 { device.msiVectors = number() }
        cell.memoryRegions.insert(contentsOf: regions, at: place)
        cell.pciDevices.insert(device, at: Int(next() % UInt64(cell.pciDevices.count + 1)))
    }

    package mutating func system(_ architecture: Architecture) -> SystemDescriptor {
        var units = list(8) {
            IOMMUUnit(
                kind: IOMMUUnit.Kind(rawValue: $0.next() % 2 == 0 ? UInt32($0.next() % 6) : $0.number()),
                base: $0.number(), size: $0.number(), details: $0.number(), moreDetails: $0.number()
            )
        }
        while units.last == IOMMUUnit() { units.removeLast() }
        var platform = Platform(
            mmconfigBase: number(), mmconfigEndBus: number(), virtualPCI: number(), pciDomain: number(),
            iommuUnits: units, specific: Platform.Specific(for: architecture)
        )
        if architecture == .x86 {
            platform.reserved = bytes(next() % 2 == 0 ? 0 : 28)
            while platform.reserved.last == 0 { platform.reserved.removeLast() }
            platform.specific = .x86(
                X86Platform(
                    pmTimerPort: number(), apicMode: X86Platform.APICMode(rawValue: number()),
                    vtdInterruptLimit: number(), tscKHz: number(), apicKHz: number(), padding: UInt32(next() % 0x100)
                )
            )
        } else {
            platform.specific = .arm(
                ArmPlatform(
                    maintenanceInterrupt: number(), gicVersion: number(), gicdBase: number(), giccBase: number(),
                    gichBase: number(), gicvBase: number(), gicrBase: number(), padding: number()
                )
            )
        }
        var header = bytes(next() % 4 == 0 ? 8 : 0)
        while header.last == 0 { header.removeLast() }
        return SystemDescriptor(
            architecture: architecture, flags: SystemDescriptor.Flags(rawValue: number()),
            hypervisorMemory: memoryRegion(), debugConsole: console(), platform: platform, rootCell: cell(architecture),
            rootCellHeader: header
        )
    }

    package mutating func file() -> ConfigurationFile {
        let architecture = Architecture.allCases[Int(next() % 3)]
        return next() % 2 == 0 ? .cell(cell(architecture)) : .system(system(architecture))
    }
}
