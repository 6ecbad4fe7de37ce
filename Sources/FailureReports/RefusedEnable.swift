// SPDX-License-Identifier: Apache-2.0

/// An enable of the hypervisor that did not end: how far it came.
///
/// A refused enable prints no reason in most builds; its last line names the part that refused.
package struct RefusedEnable: Hashable, Sendable {
    /// The unit whose initialisation was the last that began: `VT-d`.
    package var unit: String?
    /// The CPU that was the last whose initialisation began.
    package var cpu: Int?
    /// The hypervisor said of that CPU that it failed.
    package var hasCPUFailed = false
    /// Builds that trace errors name it: `EIO`.
    package var errno: String?
    /// What the firmware has locked in an IOMMU.
    package var lock: Violation?
    /// What it printed, the first ``longest`` lines.
    package var lines: [String] = []

    private static let longest = 64

    package init(unit: String? = nil, cpu: Int? = nil) { (self.unit, self.cpu) = (unit, cpu) }

    private static let beginning = LinePattern("Initializing Jailhouse hypervisor")
    private static let end = LinePattern("Activating hypervisor")
    private static let unit = LinePattern("Initializing unit: {*}")
    private static let cpu = LinePattern(" CPU {d}... ")
    private static let failure = LinePattern("FAILED")
    private static let lockedUnit = LinePattern("FATAL: IOMMU {d} config is locked")
    private static let lockedFilter = LinePattern("ERROR: SMI Filter register {d} is locked")
    private static let trace = LinePattern("returning error -{*}")

    /// Takes the next line of a console.
    static func follow(_ line: [UInt8], _ enable: inout RefusedEnable?) {
        if beginning.match(line) != nil { enable = RefusedEnable() }
        guard let count = enable?.lines.count else { return }
        if end.match(line) != nil { return enable = nil }
        if count < longest { enable?.lines.append(String(decoding: line, as: UTF8.self)) }
        if let values = unit.match(line).map(ConsoleGrammar.Values.init) {
            enable?.unit = values.text(0).prefixWithoutEnd
            enable?.cpu = nil
        } else if let values = cpu.match(line).map(ConsoleGrammar.Values.init) {
            enable?.cpu = Int(clamping: values.number(0))
            enable?.hasCPUFailed = failure.match(line) != nil
        } else if let values = lockedUnit.match(line).map(ConsoleGrammar.Values.init) {
            enable?.lock = .iommuLocked(unit: values.number(0))
        } else if let values = lockedFilter.match(line).map(ConsoleGrammar.Values.init) {
            enable?.lock = .messageFilterLocked(register: values.number(0))
        } else if let values = trace.match(line).map(ConsoleGrammar.Values.init) {
            enable?.errno = values.text(0).prefixWithoutEnd
        }
    }

    /// Errors that the driver answers before the hypervisor is entered: the console is about an earlier enable.
    package static func isDriversOwn(errno name: String) -> Bool {
        ["ENOENT", "EEXIST", "EFAULT", "EINTR"].contains(name)
    }

    /// For one sentence: what is locked, else where it ended.
    package var shortExplanation: Explanation { lock?.explanation(in: Surroundings()) ?? explanation }

    /// - Parameter findings: the rules that find something in the files; nil: they were not checked.
    package func explanation(findings: Set<String>?) -> Explanation {
        explanation.naming(onlyOf: findings)
    }

    package var explanation: Explanation {
        let traced = errno.map { " The hypervisor's own trace says \($0)." } ?? ""
        if let cpu {
            return Explanation(
                summary:
                    "The enable ended at CPU \(cpu)\(hasCPUFailed ? ", which could not be initialised" : "").\(traced)",
                advice: hasCPUFailed
                    ? "That CPU lacks a feature, or its VMX or SVM is in use or locked: end virtual machines, unload kvm_intel and kvm_amd, "
                        + "and look at the firmware's settings. The APIC's mode must be that of apic-mode."
                    : "A CPU of the configuration is offline, or another one is online: compare [root-cell] cpus with "
                        + "/sys/devices/system/cpu/online.", rule: hasCPUFailed ? nil : "JH1306")
        }
        guard let unit else {
            return Explanation(
                summary: "The enable ended before any unit was initialised.\(traced)",
                advice:
                    "The hypervisor's page pool is too small, or the CPUs of the configuration are not those that are online."
            )
        }
        let known = Self.units.first { unit.hasPrefix($0.name) }
        return Explanation(
            summary:
                "The enable ended while the unit \"\(unit)\" was initialised\(known.map { ": \($0.what)" } ?? "").\(traced)",
            advice: known?.advice
                ?? "Look at the entries of the system configuration that this unit reads, and at the kernel's log (dmesg)."
        )
    }

    private static let units: [(name: String, what: String, advice: String)] = [
        (
            "VT-d", "Intel's IOMMU",
            "Boot Linux with intel_iommu=off and interrupt remapping left to the hypervisor; compare [[iommu]] with the table DMAR "
                + "('jailhouse-ctl probe' reads it). Its hardware needs queued invalidation and interrupt remapping."
        ),
        (
            "AMD IOMMU", "AMD's IOMMU",
            "Compare base, bdf and capabilities of [[iommu]] with the table IVRS ('jailhouse-ctl probe' reads it); boot with amd_iommu=off."
        ),
        (
            "IOAPIC", "the interrupt controller for devices",
            "Compare [[interrupt-chip]] of the root cell with the table MADT; pin-base must be 0, and an interrupt must not be in use with a "
                + "mode that cannot be translated."
        ),
        (
            "Cache Allocation Technology", "cache partitions",
            "Correct [[cache]] of the root cell: a range within the cache's ways."
        ),
        (
            "PCI", "the PCI devices of the root cell",
            "A device's MSI or MSI-X state does not fit its record: compare msi-vectors and msix-vectors with 'lspci -vv'; MMCONFIG must be "
                + "where mmconfig-base says; an ivshmem device needs all its regions."
        ),
        (
            "irqchip", "the GIC",
            "Compare gic-version and the GIC's addresses with the device tree; a GICv3 needs a redistributor of each CPU."
        ),
        ("ARM SMMU v3", "the IOMMU", "Compare [[iommu]] with the device tree; Linux must not use the SMMU."),
        (
            "ARM SMMU", "the IOMMU (MMU-500)", "Compare [[iommu]] with the device tree; Linux must not use the SMMU."
        ),
        ("PVU IOMMU", "the peripheral virtualisation unit", "Compare [[iommu]] with the board's manual."),
        ("Test device", "the test device", "Leave test-device out of the configuration."),
    ]
}

extension String {
    /// Without a CR and blanks at its end.
    fileprivate var prefixWithoutEnd: String {
        var text = Substring(self)
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
