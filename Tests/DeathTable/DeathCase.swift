// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
package import FailureReports
import InmateImage
import TestSupport

/// A text of the console, and what is known beside it.
package struct DeathCase: Sendable {
    package enum Group: String, CaseIterable, Sendable {
        case amd = "x86: AMD and Intel"
        case intel = "x86: Intel only"
        case arm64 = "Arm64"
        case arm32 = "Arm32"
        case root = "Linux's own CPUs"
        case hypervisor = "The hypervisor itself"
        case iommu = "IOMMUs"
        case enable = "A refused enable"
        case remark = "Lines that park no CPU"
    }

    package let group: Group
    /// For people, and unique.
    package let name: String
    package let console: String
    package var surroundings: Surroundings
    package var hasProgram: Bool
    /// Of several deaths in the text, the last is meant.
    package var isOfTheLast = false

    /// - Parameters:
    ///   - reason: the line or lines of the reason.
    ///   - dump: what follows it.
    ///   - verdict: the last line; empty: there is none.
    init(
        _ group: Group, _ name: String, _ reason: String, dump: String? = nil, cpu: Int = 3, cell: String? = nil,
        verdict: String? = nil, knows: Surroundings? = nil
    ) {
        self.group = group
        self.name = name
        hasProgram = [.amd, .intel, .arm64, .arm32].contains(group)
        let owner = cell ?? (group == .root ? "root" : group == .hypervisor ? "sample" : "sample")
        let end = verdict ?? "Parking CPU \(cpu) (Cell: \"\(owner)\")"
        var parts = [reason]
        if let dump { parts.append(dump) }
        if !end.isEmpty { parts.append(end) }
        console = parts.joined(separator: "\n") + "\n"
        isOfTheLast = group == .amd
        surroundings = knows ?? Samples.surroundings(for: group)
    }

    /// What the product says of it; several only when the text has several deaths.
    package var explanations: [Explanation] {
        let text = ConsoleText(console)
        let functions = hasProgram ? Samples.program(for: group) : nil
        var found = text.deaths.map { death in
            var explanation = death.explanation(isRootCell: death.cell == "root", in: surroundings)
            if let counter = death.programCounter, let place = functions?.place(of: counter) {
                explanation.place = ProgramPlace(function: place.function, offset: place.offset, image: "sample.exe")
            }
            return explanation
        }
        found += text.others.map { $0.explanation(in: surroundings) }
        found += text.faultExplanations { _ in surroundings }
        if let enable = text.refusedEnable { found.append(enable.explanation) }
        if text.lostFaultReports > 0 { found.append(DMAFault.lostReports) }
        if text.timeouts > 0, let page = ConditionPage.named("no answer") { found.append(page.explanation) }
        found += text.remarks.map(\.explanation)
        return found
    }

    package static let all: [DeathCase] = x86 + intel + arm64 + arm32 + root + hypervisor + iommu + enable + remarks
}

/// A machine, two cells and their programs.
enum Samples {
    static let x86 = CellDescriptor(
        name: "sample", cpus: CPUSet([2, 3]),
        memoryRegions: [
            MemoryRegion(
                name: "ram", physicalStart: 0x3a00_0000, virtualStart: 0, size: 0x20_0000,
                flags: [.read, .write, .execute, .dma, .loadable]),
            MemoryRegion(
                name: "firmware", physicalStart: 0x3a40_0000, virtualStart: 0x40_0000, size: 0x1_0000, flags: [.read]),
            MemoryRegion(
                name: "communication region", virtualStart: 0x50_0000, size: 0x1000,
                flags: [.read, .write, .communicationRegion]),
            MemoryRegion(
                name: "timer", physicalStart: 0xfed1_0100, virtualStart: 0xfed1_0100, size: 0x100,
                flags: [.read, .io, .io32]),
        ],
        interruptChips: [InterruptChip(address: 0xfec0_0000, id: 0xff00, pins: [4, 16])],
        ioPortRegions: [IOPortRegion(name: "COM2", base: 0x2f8, count: 8)],
        pciDevices: [
            PCIDevice(address: PCIAddress(rawValue: 0x0010), firstCapability: 0, capabilityCount: 1, msixVectors: 2)
        ],
        pciCapabilities: [PCICapability(id: 5, start: 0xd0, length: 14)])

    static let arm = CellDescriptor(
        name: "sample", architecture: .arm64, cpus: CPUSet([2, 3]),
        memoryRegions: [
            MemoryRegion(
                name: "ram", physicalStart: 0x7000_0000, virtualStart: 0x8_0000, size: 0x10_0000,
                flags: [.read, .write, .execute, .dma, .loadable]),
            MemoryRegion(
                name: "UART", physicalStart: 0x900_0000, virtualStart: 0x900_0000, size: 0x1000,
                flags: [.read, .write, .io, .rootShared]),
            MemoryRegion(
                name: "state table", physicalStart: 0x7fb0_0000, virtualStart: 0x7fb0_0000, size: 0x1000, flags: [.read]
            ),
            MemoryRegion(
                name: "communication region", virtualStart: 0x8000_0000, size: 0x1000,
                flags: [.read, .write, .communicationRegion]),
            MemoryRegion(
                name: "GPIO", physicalStart: 0x901_0000, virtualStart: 0x901_0000, size: 0x20,
                flags: [.read, .io, .io32]),
        ], cpuResetAddress: 0x8_0000)

    static let other = CellDescriptor(
        name: "other",
        memoryRegions: [
            MemoryRegion(
                name: "ram", physicalStart: 0x3b00_0000, virtualStart: 0, size: 0x100_0000,
                flags: [.read, .write, .execute, .loadable])
        ],
        ioPortRegions: [IOPortRegion(name: "digital I/O", base: 0xe000, count: 32)],
        pciDevices: [PCIDevice(address: PCIAddress(rawValue: 0x0018))])

    static let x86System = SystemDescriptor(
        hypervisorMemory: MemoryRegion(physicalStart: 0x3e80_0000, size: 0x80_0000),
        platform: Platform(
            mmconfigBase: 0xb000_0000, mmconfigEndBus: 0xff,
            iommuUnits: [IOMMUUnit(kind: .intel, base: 0xfed9_0000, size: 0x1000)],
            specific: .x86(X86Platform(pmTimerPort: 0x608, vtdInterruptLimit: 256))),
        rootCell: CellDescriptor(
            name: "root", cpus: CPUSet([0, 1, 2, 3]),
            memoryRegions: [
                MemoryRegion(
                    name: "low memory", physicalStart: 0, virtualStart: 0, size: 0x3a00_0000,
                    flags: [.read, .write, .execute, .dma]),
                MemoryRegion(
                    name: "PCI devices", physicalStart: 0xc000_0000, virtualStart: 0xc000_0000, size: 0x3ec0_0000,
                    flags: [.read, .write]),
            ], interruptChips: [InterruptChip(address: 0xfec0_0000, id: 0xff00, pins: 0..<24)]))

    static let armSystem = SystemDescriptor(
        architecture: .arm64, hypervisorMemory: MemoryRegion(physicalStart: 0x7fc0_0000, size: 0x40_0000),
        platform: Platform(
            mmconfigBase: 0x8e0_0000, mmconfigEndBus: 0, virtualPCI: 1,
            specific: .arm(
                ArmPlatform(maintenanceInterrupt: 25, gicVersion: 3, gicdBase: 0x800_0000, gicrBase: 0x80a_0000))),
        rootCell: CellDescriptor(
            name: "root", architecture: .arm64, cpus: CPUSet([0, 1, 2, 3]),
            memoryRegions: [
                MemoryRegion(
                    name: "RAM", physicalStart: 0x4000_0000, virtualStart: 0x4000_0000, size: 0x3000_0000,
                    flags: [.read, .write, .execute, .dma])
            ]))

    static func surroundings(for group: DeathCase.Group) -> Surroundings {
        switch group {
        case .amd, .intel: Surroundings(cell: x86, system: x86System, others: [other])
        case .iommu: Surroundings(cell: x86, system: x86System, others: [other])
        case .arm64, .arm32: Surroundings(cell: arm, system: armSystem)
        case .root: Surroundings(system: x86System, others: [x86, other], drivers: ["00:1f.2": "ahci"])
        case .hypervisor, .enable, .remark: Surroundings()
        }
    }

    static func program(for group: DeathCase.Group) -> ELFFunctions? {
        let isArm = group == .arm64 || group == .arm32
        let symbols: [(String, UInt64)] =
            isArm
            ? [
                ("_start", 0x8_0000), ("early_init", 0x8_0200), ("main", 0x8_1000), ("device_init", 0x8_1100),
                ("psci_cpu_on", 0x8_1200), ("memory_copy", 0x8_1300),
            ]
            : [
                ("_start", 0x10_0000), ("main", 0x10_0080), ("device_init", 0x10_0200), ("BSP_dispatch_isr", 0x10_0300),
                ("apic_init", 0x10_0400), ("memory_copy", 0x10_0500),
            ]
        let start: UInt64 = isArm ? 0x8_0000 : 0x10_0000
        return ELFFunctions(
            ELFBuilder(
                is64: group == .arm64, machine: group == .arm64 ? 183 : group == .arm32 ? 40 : 3,
                segments: [.init(address: start, contents: [0x90], memorySize: 0x2000)],
                symbols: symbols.map { .init(name: $0.0, value: $0.1) }
            ).bytes)
    }
}
