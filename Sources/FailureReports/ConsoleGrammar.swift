// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// The lines in which the hypervisor says why.
package enum ConsoleGrammar {
    /// A line in which the hypervisor says why.
    package struct Reason: Hashable, Sendable {
        package let violation: Violation
        /// Its words, without `FATAL: ` and without what an inmate printed before it.
        package let text: String
    }

    /// What a line says; nil when it is no reason.
    package static func reason(in line: String) -> Reason? { reason(in: Array(line.utf8)) }

    static func reason(in bytes: [UInt8]) -> Reason? {
        // most lines are none
        guard candidates.isOne(in: bytes) else { return nil }
        for rule in rules {
            guard let (start, values) = rule.pattern.find(in: bytes), let violation = rule.make(Values(values)) else {
                continue
            }
            var words = bytes[start...]
            if words.starts(with: fatal) { words = words.dropFirst(fatal.count) }
            while let last = words.last, last == UInt8(ascii: "\r") || last == UInt8(ascii: " ") { words.removeLast() }
            return Reason(violation: violation, text: String(decoding: words, as: UTF8.self))
        }
        guard let (_, values) = unknown.find(in: bytes) else { return nil }
        let text = Values(values).text(0).prefix { $0 != "\r" && $0 != "\r\n" }
        return text.isEmpty ? nil : Reason(violation: .unknown(String(text)), text: String(text))
    }

    private static let unknown = LinePattern("FATAL: {*}")

    /// Whether a line is a reason, and not one that is not known here.
    package static func isKnown(_ line: [UInt8]) -> Bool {
        switch reason(in: line)?.violation {
        case nil, .unknown: false
        default: true
        }
    }

    package static func violation(in line: String) -> Violation? { reason(in: line)?.violation }

    private static let fatal = Array("FATAL: ".utf8)

    /// The words of which one is in every reason line.
    private static let candidates = WordFilter(["FATAL: ", "Unhandled ", "Attempt to route", "testdev: ", "ERROR: SMI"])

    /// What stood at the places of a pattern, in their order.
    struct Values {
        private let values: [LinePattern.Value]

        init(_ values: [LinePattern.Value]) { self.values = values }

        func number(_ index: Int) -> UInt64 { if case .number(let number) = values[index] { number } else { 0 } }
        func access(_ index: Int) -> Access { if case .access(let access) = values[index] { access } else { .read } }
        func text(_ index: Int) -> String { if case .text(let text) = values[index] { text } else { "" } }
        var count: Int { values.count }
    }

    private struct Rule: Sendable {
        let pattern: LinePattern
        let make: @Sendable (Values) -> Violation?

        init(_ template: String, _ make: @escaping @Sendable (Values) -> Violation?) {
            pattern = LinePattern(template)
            self.make = make
        }
    }

    private static let rules: [Rule] = memoryRules + pciRules + interruptRules + registerRules + machineRules

    private static let memoryRules = [
        Rule("FATAL: Invalid PIO {rw}, port: {x} size: {d}") { .port($0.access(0), $0.number(1), size: $0.number(2)) },
        Rule("FATAL: Invalid MMIO/RAM {rw}, addr: {x} size: {d}") {
            .memory($0.access(0), $0.number(1), size: $0.number(2))
        },
        Rule("FATAL: Invalid MMIO {rw}, address: {x}, size: {x}") {
            .subPage($0.access(0), $0.number(1), size: $0.number(2))
        },
        Rule("Unhandled data {rw} at {x}({d})") { .dataAbort($0.access(0), $0.number(1), size: $0.number(2)) },
        Rule("FATAL: instruction abort at {x}") { .instructionAbort($0.number(0)) },
        Rule("FATAL: unable to get MMIO instruction") { _ in .unreadableInstruction },
        Rule("FATAL: unsupported instruction ({x} {x} {x} {x})") { values in
            .unsupportedInstruction((0..<4).map { values.number($0) })
        },
        Rule("FATAL: Unsupported paging mode") { _ in .pagingMode() },
        Rule("FATAL: inconsistent access") { _ in .inconsistentAccess() },
        Rule("testdev: invalid {rw}") { .testDevice($0.access(0)) },
    ]

    /// - Parameter address: what the address port holds: bus, device, function and register, and a bit that says so.
    private static func configuration(_ access: Access, port: UInt64, size: UInt64, address: UInt64) -> Violation {
        guard (0xcfc...0xcff).contains(port), address & 0x8000_0000 != 0, port - 0xcfc + size <= 4,
            let device = PCIAddress(
                bus: Int(address >> 16 & 0xff), device: Int(address >> 11 & 0x1f), function: Int(address >> 8 & 7))
        else { return .pciPort(access, port: port, size: size) }
        return .pciConfiguration(access, device: "\(device)", register: (address & 0xfc) + port - 0xcfc, size: size)
    }

    private static let pciRules = [
        Rule("FATAL: Invalid PCI config {rw}, device {dev}, reg: {x}, size: {d}") {
            .pciConfiguration($0.access(0), device: $0.text(1), register: $0.number(2), size: $0.number(3))
        },
        Rule("FATAL: Invalid PCI config {rw}, port: {x}, size: {d}") {
            .pciPort($0.access(0), port: $0.number(1), size: $0.number(2))
        },
        Rule("FATAL: Invalid PCI config {rw}, port: {x}, size {d}, address port: {x}") {
            configuration($0.access(0), port: $0.number(1), size: $0.number(2), address: $0.number(3))
        },
        Rule("FATAL: Invalid PCI MMCONFIG {rw}, device {dev}, reg: {x}, size: {d}") {
            .pciMemory($0.access(0), device: $0.text(1), register: $0.number(2), size: $0.number(3))
        },
        Rule("FATAL: Invalid ivshmem register {rw}, number {d}") { .linkRegister($0.access(0), $0.number(1)) },
        Rule("FATAL: Invalid PCI MSI-X table/PBA access, device {dev}") { .vectorTable(device: $0.text(0)) },
        Rule("FATAL: ivshmem MSI-X target outside of cell \"{q}\" device {dev}") {
            .vectorTarget(cell: $0.text(0), device: $0.text(1))
        },
    ]

    /// The window of the local APIC.
    private static let apic: UInt64 = 0xfee0_0000

    private static let interruptRules = [
        Rule("FATAL: Invalid IOAPIC {rw}, reg: {x}, index: {x}") {
            .ioapic($0.access(0), register: $0.number(1), index: $0.number(2))
        },
        Rule("FATAL: Unsupported/invalid APIC delivery mode, ICR.lo={x}") { .apicDelivery($0.number(0)) },
        Rule("FATAL: Unsupported APIC delivery mode, ICR.lo={x}") { .apicDelivery($0.number(0)) },
        Rule("FATAL: Unsupported shorthand, ICR.lo={x}") { .apicDelivery($0.number(0)) },
        Rule("FATAL: Trying to set reserved APIC bits (reg {x}, value {x})") {
            .apicReserved(register: $0.number(0), value: $0.number(1))
        },
        Rule("FATAL: Setting invalid LVT delivery mode (reg {x}, value {x})") {
            .apicVector(register: $0.number(0), value: $0.number(1))
        },
        Rule("FATAL: xAPIC access in x2APIC mode") { _ in .apicMode },
        Rule("FATAL: Unsupported APIC access width {d}") { .apicWidth($0.number(0)) },
        Rule("FATAL: Unsupported change to LDR: {x}") { .apicDestination(register: "LDR", value: $0.number(0)) },
        Rule("FATAL: Unsupported change to DFR: {x}") { .apicDestination(register: "DFR", value: $0.number(0)) },
        // Intel: bits 0 to 11 are the offset, the next ones what was done
        Rule("FATAL: Unhandled APIC access, qualification {x}") {
            let (offset, kind) = ($0.number(0) & 0xfff, $0.number(0) >> 12 & 0xf)
            return .apicAccess(TrappedAccess(kind == 1 ? .write : .read, apic + offset), isFetch: kind == 2)
        },
        Rule("FATAL: Unhandled APIC access, offset {d}, is_write: {d}") {
            .apicAccess(TrappedAccess($0.number(1) == 0 ? .read : .write, apic + ($0.number(0) & 0xfff)))
        },
        Rule("FATAL: Unhandled APIC access") { _ in .apicAccess(nil) },
        Rule("Attempt to route IRQ{d} outside of cell") { .interruptRoute($0.number(0)) },
    ]

    private static let registerRules = [
        Rule("FATAL: Unhandled MSR {rw}: {x}") { .msr($0.access(0), $0.number(1)) },
        Rule("FATAL: Invalid PAT value: {x}") { .pageAttributes($0.number(0)) },
        Rule("FATAL: Invalid write to i8042 controller port") { _ in .keyboardController },
        Rule("FATAL: Unhandled CR access, qualification {x}") { .controlRegister(qualification: $0.number(0)) },
        Rule("FATAL: Unhandled CR access") { _ in .controlRegister() },
        Rule("FATAL: Unsupported CR access") { _ in .controlRegister() },
        Rule("FATAL: Unable to parse MOV-to-CR instruction") { _ in .controlRegister() },
        Rule("FATAL: Invalid xsetbv parameters: xcr[{d}] = {x}:{x}") {
            .extendedControlRegister(number: $0.number(0), value: $0.number(1) << 32 | $0.number(2) & 0xffff_ffff)
        },
        Rule("FATAL: Invalid xsetbv parameters") { _ in .extendedControlRegister() },
        Rule("FATAL: Unhandled VM-Exit, reason {d}") {
            switch $0.number(0) {
            case 2: .tripleFault
            case 33: .guestState
            default: .vmExit(reason: $0.number(0))
            }
        },
        Rule("FATAL: Unexpected #VMEXIT, exitcode {x}") {
            switch $0.number(0) {
            case 0x7f: .tripleFault
            // VMEXIT_INVALID, -1
            case 0xffff_ffff, .max: .guestState
            default: .svmExit(code: $0.number(0))
            }
        },
        Rule("FATAL: VM-Entry failure") { _ in .guestState },
        Rule("Unhandled SMC arch trap {x}") { .secureCall($0.number(0)) },
        Rule("FATAL: unhandled trap (exception class {x})") { .armTrap(class: $0.number(0), isForbidden: false) },
        Rule("FATAL: forbidden access (exception class {x})") { .armTrap(class: $0.number(0), isForbidden: true) },
    ]

    private static let machineRules = [
        Rule("Unhandled HYP exception") { _ in .hypervisorAbort },
        // 32-bit Arm
        Rule("Unhandled HYP data abort") { _ in .hypervisorAbort },
        Rule("Unhandled HYP prefetch abort") { _ in .hypervisorAbort },
        Rule("Unhandled HYP {*}") { values in
            .hypervisorTrap(values.text(0).split(separator: " ").first.map(String.init) ?? "unknown")
        },
        Rule("FATAL: Unable to IDmap") { _ in .identityMap },
        Rule("FATAL: Jailhouse triggered exception #{d}") { .hypervisorException($0.number(0)) },
        Rule("FATAL: vmwrite {*}") { _ in .hypervisorInstruction("VMWRITE") },
        Rule("FATAL: invept failed") { _ in .hypervisorInstruction("INVEPT") },
        Rule("FATAL: vmlaunch failed") { _ in .hypervisorInstruction("VMLAUNCH") },
        Rule("FATAL: vmresume failed") { _ in .hypervisorInstruction("VMRESUME") },
        Rule("FATAL: CPU reset failed") { _ in .hypervisorInstruction("CPU reset") },
        Rule("FATAL: Unsupported MSI/MSI-X state, device {dev}") { .interruptState(device: $0.text(0)) },
        Rule("FATAL: Unsupported IOAPIC state, pin {d}") { .ioapicState(pin: $0.number(0)) },
        Rule("FATAL: IOMMU {d} command error") { .iommuCommand(unit: $0.number(0)) },
        Rule("FATAL: IOMMU {d} config is locked") { .iommuLocked(unit: $0.number(0)) },
        Rule("ERROR: SMI Filter register {d} is locked") { .messageFilterLocked(register: $0.number(0)) },
        Rule("FATAL: Unhandled DMAR unit {rw} access, register {x}") { .dmarRegister($0.access(0), $0.number(1)) },
        Rule("FATAL: Invalid/unsupported invalidation queue entry") { _ in .dmarQueue },
    ]
}
