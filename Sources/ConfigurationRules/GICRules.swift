// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about what a system says of its GIC beyond the version: addresses, and the interrupt of the hypervisor's own.
enum GICRules {
    static let ofSystems: [Rule<SystemDescriptor>] = [
        Rule(
            id: "JH1112", severity: .error, title: "the GIC's maintenance interrupt is a private one",
            consequence:
                "when more interrupts wait than the GIC has list registers, the hypervisor is not notified, and a cell "
                + "does not get the others; of a number that programs use, it withholds that interrupt from all cells",
            remedy:
                "set maintenance-interrupt in [platform] to the GIC's number of it, mostly 25 (device tree: \"interrupts\" "
                + "of the interrupt controller, 9 there, plus 16)"
        ) { system in
            guard case .arm(let arm) = system.platform.specific else { return [] }
            let number = Int(arm.maintenanceInterrupt)
            let fault: String? =
                switch number {
                case 0: "the GIC has no maintenance-interrupt"
                case 1..<16: "the maintenance interrupt \(number) is one that CPUs send each other (0 to 15)"
                case 27, 30: "the maintenance interrupt \(number) is that of the timers in cells"
                case 16..<32: nil
                default: "the maintenance interrupt \(number) is shared by all CPUs (32 and above)"
                }
            return fault.map { [.init(location: "platform.maintenance-interrupt", message: $0)] } ?? []
        },
        Rule(
            id: "JH1113", severity: .error, title: "the GIC's registers are at addresses of their own",
            consequence:
                "the hypervisor maps something else in place of the registers: enabling fails, or the machine hangs",
            remedy:
                "copy the addresses from the device tree's interrupt controller: the first \"reg\" is gicd-base; then come "
                + "gicr-base of a GICv3, or gicc-base, gich-base and gicv-base of a GICv2"
        ) { system in
            guard case .arm(let arm) = system.platform.specific else { return [] }
            let found = violations(of: arm, redistributorsSize: system.redistributorsSize)
            guard found.isEmpty else {
                return found.map { .init(location: "platform.\($0.key)", message: $0.message) }
            }
            let spaces = configurationSpace(
                of: system.platform, over: arm, redistributorsSize: system.redistributorsSize)
            return Array(spaces.prefix(1))
        },
    ]

    /// The part of ``EmulatedDevice`` that a GIC of this version uses.
    private static func windows(
        of arm: ArmPlatform, redistributorsSize: UInt64
    ) -> [(key: String, base: UInt64, size: UInt64)] {
        switch arm.gicVersion {
        case 3: [("gicd-base", arm.gicdBase, 0x1_0000), ("gicr-base", arm.gicrBase, redistributorsSize)]
        case 2:
            [
                ("gicd-base", arm.gicdBase, 0x1000), ("gicc-base", arm.giccBase, 0x2000),
                ("gich-base", arm.gichBase, 0x2000), ("gicv-base", arm.gicvBase, 0x2000),
            ]
        // JH1105 has found it
        default: []
        }
    }

    /// Of the redistributors it may take the end, where a machine has fewer CPUs than there is room for.
    private static func configurationSpace(
        of platform: Platform, over arm: ArmPlatform, redistributorsSize: UInt64
    ) -> [Rule<SystemDescriptor>.Violation] {
        guard platform.mmconfigBase != 0,
            let space = AddressRange(start: platform.mmconfigBase, size: platform.mmconfigSize)
        else { return [] }
        let windows = windows(of: arm, redistributorsSize: redistributorsSize)
        return windows.enumerated().compactMap { index, window in
            guard window.base != 0, let range = AddressRange(start: window.base, size: window.size),
                space.overlaps(range)
            else { return nil }
            return .init(
                location: "platform.mmconfig-base",
                message: "PCI's configuration space (\(space.text)) lies over \(window.key) (\(range.text))",
                // without the distributor there is no machine
                severity: index == 0 ? nil : .warning)
        }
    }

    private static func violations(
        of arm: ArmPlatform, redistributorsSize: UInt64
    ) -> [(key: String, message: String)] {
        let windows = windows(of: arm, redistributorsSize: redistributorsSize)
        guard let distributor = windows.first else { return [] }
        guard distributor.base != 0 else { return [(distributor.key, "the GIC has no gicd-base")] }
        // those that are missing are JH1106's and JH1107's
        let present = windows.filter { $0.base != 0 }
        // registers of a GICv3 are in frames of 64 KiB
        let alignment: UInt64 = arm.gicVersion == 3 ? 0x1_0000 : 0x1000
        let odd = present.filter { $0.base % alignment != 0 }
        guard odd.isEmpty else {
            return odd.map { ($0.key, "\($0.key) \(hexadecimal($0.base)) is no multiple of \(hexadecimal(alignment))") }
        }
        for (index, window) in present.enumerated() {
            guard let range = AddressRange(start: window.base, size: window.size) else { continue }
            for other in present[..<index] {
                guard let before = AddressRange(start: other.base, size: other.size), before.overlaps(range) else {
                    continue
                }
                return [
                    (
                        window.key,
                        window.base == other.base
                            ? "\(window.key) is \(other.key), too: \(hexadecimal(window.base))"
                            : "\(window.key) (\(range.text)) lies over \(other.key) (\(before.text))"
                    )
                ]
            }
        }
        return []
    }
}

extension MachineRules {
    static let interruptController = Rule<Subject>(
        id: "JH1314", severity: .warning, title: "the system's GIC is the machine's",
        consequence: "the hypervisor uses other registers than the GIC's: enabling fails, or the machine hangs",
        remedy: "copy version and addresses from the interrupt controller of the device tree; 'probe' does it"
    ) { subject in
        guard case .arm(let arm)? = subject.system?.platform.specific, (2...3).contains(arm.gicVersion),
            let controller = subject.machine.interruptController, controller.windows.count > 1
        else { return [] }
        func violation(_ key: String, _ message: String) -> [Rule<Subject>.Violation] {
            [.init(location: "platform.\(key)", message: message, path: subject.systemPath)]
        }
        let isVersion3 = controller.compatible.contains("arm,gic-v3")
        guard isVersion3 == (arm.gicVersion == 3) else {
            return violation(
                "gic-version",
                "the system has a GICv\(arm.gicVersion), the device tree a GICv\(isVersion3 ? 3 : 2) (\(controller.node))"
            )
        }
        let windows = controller.windows.map(AddressRange.init)
        // a window may begin with a copy of the registers, and redistributors may be in several
        let bases: [(key: String, base: UInt64, windows: ArraySlice<AddressRange>)] =
            isVersion3
            ? [("gicd-base", arm.gicdBase, windows[..<1]), ("gicr-base", arm.gicrBase, windows[1...])]
            : zip(
                [
                    ("gicd-base", arm.gicdBase), ("gicc-base", arm.giccBase), ("gich-base", arm.gichBase),
                    ("gicv-base", arm.gicvBase),
                ], windows.indices
            ).map { ($0.0, $0.1, windows[$1...$1]) }
        let wrong = bases.filter { base in base.base != 0 && !base.windows.contains { $0.contains(base.base) } }
        return wrong.flatMap {
            violation(
                $0.key,
                "\($0.key) is \(hexadecimal($0.base)), but in the device tree "
                    + $0.windows.prefix(4).map(\.text).joined(separator: ", ") + " (\(controller.node))")
        }
    }
}

extension RunningMachine {
    /// Of the device tree: a GIC.
    fileprivate var interruptController: TreeRegisters? {
        registers.first { device in device.compatible.contains(where: Self.controllers.contains) }
    }

    private static let controllers: Set<String> = [
        "arm,gic-v3", "arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic",
    ]
}
