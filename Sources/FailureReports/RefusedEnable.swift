// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

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
    /// The GICv3 has no redistributor for that CPU where the configuration says.
    package var lacksRedistributor = false
    /// Builds that trace errors name it: `EIO`.
    package var errno: String?
    /// What the driver returned.
    private var driverErrno: String?
    /// What the firmware has locked in an IOMMU.
    package var lock: Violation?
    /// What it printed, the first ``longest`` lines.
    package var lines: [String] = []

    private static let longest = 64

    package init(unit: String? = nil, cpu: Int? = nil) { (self.unit, self.cpu) = (unit, cpu) }

    private static let beginning = LinePattern("Initializing Jailhouse hypervisor")
    /// After which an enable has ended well, or nothing is known of it.
    private static let ends = WordFilter([
        "Activating hypervisor", "after late setup", "Created cell", "Started cell", "Closing cell", "Parking CPU",
        "<missed ", "Stopping CPU", "can be loaded", "received SIPI", "fault event reported", "reported event",
        "Jailhouse is opening",
    ])
    private static let unit = LinePattern("Initializing unit: {*}")
    private static let cpu = LinePattern(" CPU {d}... ")
    private static let failure = LinePattern("FAILED")
    private static let redistributor = LinePattern("No redist found")
    private static let lockedUnit = LinePattern("FATAL: IOMMU {d} config is locked")
    private static let lockedFilter = LinePattern("ERROR: SMI Filter register {d} is locked")
    private static let trace = LinePattern("returning error -{*}")
    /// As upstream's tool and strerror(3) say it.
    private static let answer = LinePattern("JAILHOUSE_ENABLE: {*}")
    private static let answers = [
        "Cannot allocate memory": "ENOMEM", "Invalid argument": "EINVAL", "Device or resource busy": "EBUSY",
        "Input/output error": "EIO", "No such device": "ENODEV", "Operation not permitted": "EPERM",
        "Argument list too long": "E2BIG", "Numerical result out of range": "ERANGE",
        "No such file or directory": "ENOENT", "File exists": "EEXIST",
    ]

    /// Where somebody left something out: `...`, `[snip]`, `(20 lines …)`.
    private static func isCut(_ line: [UInt8]) -> Bool {
        guard line.count <= 40 else { return false }
        let text = String(decoding: line, as: UTF8.self).lowercased()
        return text.contains("snip") || text.contains("…") || text.contains("...") && !text.contains(" cpu ")
    }

    /// Takes the next line of a console.
    static func follow(_ line: [UInt8], _ enable: inout RefusedEnable?) {
        if beginning.match(line) != nil { enable = RefusedEnable() }
        // the ring, or a mail, may have lost the beginning
        if enable == nil, unit.match(line) != nil || cpu.match(line) != nil && failure.match(line) != nil {
            enable = RefusedEnable()
        }
        guard let count = enable?.lines.count else { return }
        if ends.isOne(in: line) || isCut(line) {
            return enable = nil
        }
        if count < longest { enable?.lines.append(String(decoding: line, as: UTF8.self)) }
        if let values = unit.match(line).map(ConsoleGrammar.Values.init) {
            enable?.unit = values.text(0).prefixWithoutEnd
            enable?.cpu = nil
            enable?.hasCPUFailed = false
        } else if let values = cpu.match(line).map(ConsoleGrammar.Values.init) {
            enable?.cpu = Int(clamping: values.number(0))
            enable?.hasCPUFailed = failure.match(line) != nil
            enable?.lacksRedistributor = redistributor.match(line) != nil
        } else if redistributor.match(line) != nil {
            enable?.lacksRedistributor = true
        } else if enable?.cpu != nil, failure.match(line) != nil {
            // a line of its own, where another was printed in between
            enable?.hasCPUFailed = true
        } else if let values = lockedUnit.match(line).map(ConsoleGrammar.Values.init) {
            enable?.lock = .iommuLocked(unit: values.number(0))
        } else if let values = lockedFilter.match(line).map(ConsoleGrammar.Values.init) {
            enable?.lock = .messageFilterLocked(register: values.number(0))
        } else if let values = answer.match(line).map(ConsoleGrammar.Values.init) {
            // it is no line of the hypervisor's: the trace, which names the place, goes before it
            enable?.driverErrno = answers[values.text(0).prefixWithoutEnd]
        } else if let values = trace.match(line).map(ConsoleGrammar.Values.init) {
            enable?.errno = values.text(0).prefixWithoutEnd
        }
    }

    /// Errors that the driver answers before the hypervisor is entered: the console is about an earlier enable.
    package static func isDriversOwn(errno name: String) -> Bool {
        ["ENOENT", "EEXIST", "EFAULT", "EINTR"].contains(name)
    }

    /// For one sentence: what is locked, else where it ended.
    ///
    /// - Parameters:
    ///   - errno: that of the driver; it need not be in the text.
    ///   - system: with which it was tried.
    package func shortExplanation(errno: String? = nil, of system: SystemDescriptor? = nil) -> Explanation {
        if let lock { return lock.explanation(in: Surroundings()) }
        var enable = self
        enable.driverErrno = errno ?? driverErrno
        return enable.explanation(of: system)
    }

    /// - Parameter known: the system with which it was tried, and what is found in its file.
    package func explanation(in known: Surroundings) -> Explanation {
        explanation(of: known.system).naming(onlyOf: known.findings)
    }

    package var explanation: Explanation { explanation(of: nil) }

    /// Nil where this part does not depend on the error.
    private var exhausted: String? {
        guard (errno ?? driverErrno) == "ENOMEM" else { return nil }
        return
            "The hypervisor's page pool is used up: make [hypervisor-memory] larger, or align RAM to 2 MiB. (After the last unit it maps all "
            + "of Linux's regions, so that the unit need not be at fault.)"
    }

    private func explanation(ofCPU cpu: Int, _ system: SystemDescriptor?) -> Explanation {
        let traced = errno.map { " The hypervisor's own trace says \($0)." } ?? ""
        var explanation = Explanation(
            summary:
                "The enable ended at CPU \(cpu)\(hasCPUFailed ? ", which could not be initialised" : "").\(traced)",
            advice: "A CPU of the configuration is offline, or another one is online: compare [root-cell] cpus with "
                + "/sys/devices/system/cpu/online.", rule: hasCPUFailed ? nil : "JH1306")
        if lacksRedistributor {
            explanation.advice =
                "The GICv3 has no redistributor for that CPU at the address that the configuration says: compare gicr-base with the device "
                + "tree (it is the first of the redistributors of all CPUs, 0x20000 bytes each), and [root-cell] cpus with the machine's CPUs."
            explanation.rule = "JH1106"
        } else if let cpus = system?.rootCell.cpus, !cpus.members.contains(cpu) {
            explanation.notes = ["The system configuration does not have the CPU \(cpu) in [root-cell] cpus."]
        } else if hasCPUFailed {
            let feature =
                system.map { $0.architecture == .x86 } ?? true
                ? "That CPU lacks a feature, or its VMX or SVM is in use or locked: end virtual machines, unload kvm_intel and kvm_amd, "
                    + "and look at the firmware's settings. The APIC's mode must be that of apic-mode."
                : "That CPU lacks a feature, or the hypervisor cannot be entered on it: Linux must have been started in EL2 (HYP mode) on every "
                    + "CPU."
            explanation.advice = feature + (system == nil ? " Or [root-cell] cpus lacks it." : "")
        }
        if let exhausted { explanation.advice = exhausted }
        return explanation
    }

    private func explanation(of system: SystemDescriptor?) -> Explanation {
        let traced = errno.map { " The hypervisor's own trace says \($0)." } ?? ""
        if let cpu { return explanation(ofCPU: cpu, system) }
        guard let unit else {
            return Explanation(
                summary: "The enable ended before any unit was initialised.\(traced)",
                advice: early
            )
        }
        let known = Self.units.first { unit.hasPrefix($0.name) }
        return Explanation(
            summary:
                "The enable ended while the unit \"\(unit)\" was initialised\(known.map { ": \($0.what)" } ?? "").\(traced)",
            advice: exhausted ?? known?.advice
                ?? "Look at the entries of the system configuration that this unit reads, and at the kernel's log (dmesg)."
        )
    }

    /// What is at fault before any unit, by the error.
    private var early: String {
        if let exhausted { return exhausted }
        let cpus = "the CPUs of the configuration are not those that are online"
        guard let name = errno ?? driverErrno else {
            return "The hypervisor's page pool is too small, or \(cpus)."
        }
        return name == "EINVAL"
            ? "T\(cpus.dropFirst()): compare [root-cell] cpus with /sys/devices/system/cpu/online."
            : "'jailhouse-ctl explain enable \(name)' says what this error number means."
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
