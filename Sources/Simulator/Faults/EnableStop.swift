// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Where the hypervisor itself refuses an enable: at a CPU, or at a unit that it initialises (hypervisor/setup.c).
package enum EnableStop: String, Hashable, Sendable, CaseIterable {
    case cpu
    case vtd = "vt-d"
    case amdIOMMU = "amd-iommu"
    /// The firmware locked the unit at another address.
    case iommuLocked = "amd-iommu-locked"
    /// The firmware locked a filter of the unit.
    case filterLocked = "smi-filter-locked"
    case ioapic
    case cache = "cat"
    case irqchip
    case smmuV3 = "smmu-v3"
    case pvu
    case smmu
    case pci
    case testDevice = "test-device"

    /// In the order in which a machine initialises them.
    static func units(of settings: MachineSettings) -> [EnableStop] {
        guard settings.architecture == .x86 else { return [.irqchip, .smmuV3, .pvu, .smmu, .pci] }
        return settings.wording == .intel ? [.vtd, .ioapic, .cache, .pci] : [.amdIOMMU, .ioapic, .pci]
    }

    /// All that a machine can stop at.
    package static func possible(in settings: MachineSettings) -> [EnableStop] {
        let units = units(of: settings)
        let locks: [EnableStop] = units.contains(.amdIOMMU) ? [.iommuLocked, .filterLocked] : []
        return [.cpu] + units + locks + (settings.architecture == .x86 ? [.testDevice] : [])
    }

    /// The console's last lines, from the first CPU on.
    ///
    /// - Parameter cpus: ascending.
    func lines(cpus: [Int], _ settings: MachineSettings) -> [String] {
        func line(_ cpu: Int, _ outcome: String) -> String {
            " CPU \(cpu)... \(settings.architecture == .x86 ? "(APIC ID \(cpu)) " : "")\(outcome)"
        }
        guard let first = cpus.first else { return [] }
        if self == .cpu { return [line(first, "FAILED")] }
        let units = Self.units(of: settings)
        let done = units.prefix { $0 != self && $0.name != name }
        return cpus.map { line($0, "OK") } + (done + [self]).map { "Initializing unit: \($0.name)" } + lastWords
    }

    /// The unit, as the console calls it.
    private var name: String {
        switch self {
        case .cpu: ""
        case .vtd: "VT-d"
        case .amdIOMMU, .iommuLocked, .filterLocked: "AMD IOMMU"
        case .ioapic: "IOAPIC"
        case .cache: "Cache Allocation Technology"
        case .irqchip: "irqchip"
        case .smmuV3: "ARM SMMU v3"
        case .pvu: "PVU IOMMU"
        case .smmu: "ARM SMMU"
        case .pci: "PCI"
        case .testDevice: "Test device"
        }
    }

    private var lastWords: [String] {
        switch self {
        case .iommuLocked: ["FATAL: IOMMU 0 config is locked in invalid state."]
        case .filterLocked: ["ERROR: SMI Filter register 2 is locked and can't be reprogrammed."]
        default: []
        }
    }
}

extension CommandFault {
    /// - Throws: ``SimulatorError`` `condition` for a unit that the machine does not have.
    package func check(in settings: MachineSettings) throws(SimulatorError) {
        let possible = EnableStop.possible(in: settings)
        guard let stop, !possible.contains(stop) else { return }
        throw SimulatorError(
            .condition,
            "this machine's enable does not come to \(stop.rawValue); it can stop at "
                + possible.map(\.rawValue).joined(separator: ", "))
    }
}

extension Refusal {
    /// The driver answers it before the hypervisor is entered, which then prints nothing (driver/main.c).
    var isDriversOwn: Bool { ["ENOENT", "EEXIST", "EFAULT", "EINTR"].contains(name) }
}
