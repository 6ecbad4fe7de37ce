// SPDX-License-Identifier: Apache-2.0

import DeviceTree

/// Whether an x86 processor has what the hypervisor asks for when it is enabled, by `/proc/cpuinfo` and, where they can be
/// read, the registers that tell what VMX can do.
struct ProcessorFeatures {
    /// What is missing for certain: enabling fails for want of it.
    private(set) var missing: [String] = []
    /// Whether the processor could be judged.
    private(set) var isKnown = false

    init(cpuInfo: String, registers: [UInt32: UInt64] = [:]) {
        let flags = Self.words(cpuInfo, "flags")
        guard !flags.isEmpty else { return }
        isKnown = true
        if flags.contains("svm") {
            if !flags.contains("npt") { missing.append("nested paging (NPT)") }
        } else if flags.contains("vmx") {
            judgeIntel(flags, Self.words(cpuInfo, "vmx flags"), registers)
        } else {
            missing.append("virtualisation (VMX or SVM), or the firmware has switched it off")
        }
    }

    private mutating func judgeIntel(_ flags: Set<Substring>, _ vmx: Set<Substring>, _ registers: [UInt32: UInt64]) {
        func need(_ name: String, _ words: [Substring], _ register: UInt32, bit: UInt64) {
            // the high half of a control register has the bits that may be set
            if let value = registers[register] {
                if value >> (32 + bit) & 1 == 0 { missing.append(name) }
            } else if !vmx.isEmpty, vmx.isDisjoint(with: words) {
                missing.append(name)
            }
        }
        if vmx.isEmpty, registers.isEmpty, !flags.contains("ept") { missing.append("extended page tables (EPT)") }
        let (pinBased, secondary): (UInt32, UInt32) = (0x481, 0x48b)
        need("the VMX preemption timer", ["preemption_timer"], pinBased, bit: 6)
        need("virtual APIC accesses", ["vapic", "flexpriority", "apicv"], secondary, bit: 0)
        need("extended page tables (EPT)", ["ept"], secondary, bit: 1)
        need("unrestricted guests", ["unrestricted_guest"], secondary, bit: 7)
        // IA32_FEATURE_CONTROL: locked without VMX outside SMX
        if let control = registers[0x3a], control & 1 != 0, control & 4 == 0 {
            missing.append("VMX, which the firmware has switched off")
        }
    }

    /// The registers that ``init(cpuInfo:registers:)`` looks at.
    static let registers: [UInt32] = [0x3a, 0x481, 0x48b]

    /// The greatest id of a processor's APIC; nil where none is named.
    static func farthestAPIC(cpuInfo: String) -> Int? {
        cpuInfo.split(separator: "\n").compactMap { line in
            let words = line.split(whereSeparator: { $0 == "\t" || $0 == " " || $0 == ":" })
            return words.count == 2 && words[0] == "apicid" ? Int(words[1]) : nil
        }.max()
    }

    /// Of the first processor.
    private static func words(_ text: String, _ key: String) -> Set<Substring> {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].split(whereSeparator: { $0 == "\t" || $0 == " " }).joined(separator: " ")
            guard parts.count == 2, name == key else { continue }
            return Set(parts[1].split(separator: " "))
        }
        return []
    }
}

extension MachineCapture {
    /// Which processors a machine has.
    package enum Processors: Hashable, Sendable {
        case x86
        case arm64
        /// Others, by the name that people give them.
        case other(String)
    }

    /// By `/proc/cpuinfo` or, when that is not there, by the device tree; x86 when there is neither, and unknown when they
    /// say nothing of the kind.
    package var processors: Processors {
        for line in cpuInfo.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == "\t" || $0 == " " || $0 == ":" })
            switch words.first {
            case "flags": return .x86
            // s390's says IBM/S390
            case "vendor_id" where !line.contains("IBM"): return .x86
            case "isa": return .other("RISC-V")
            case "CPU" where words.count == 3 && words[1] == "architecture":
                return words[2] == "8" || words[2] == "AArch64" ? .arm64 : .other("32-bit Arm")
            default: continue
            }
        }
        guard let deviceTree else { return cpuInfo.isEmpty ? .x86 : .other("unknown") }
        let cpus = deviceTree.child("cpus")?.children.flatMap { $0.texts("compatible") } ?? []
        if cpus.contains(where: { $0 == "riscv" }) { return .other("RISC-V") }
        let narrow = [
            "arm,cortex-a5", "arm,cortex-a7", "arm,cortex-a8", "arm,cortex-a9", "arm,cortex-a15", "arm,cortex-a17",
        ]
        if cpus.contains(where: narrow.contains) { return .other("32-bit Arm") }
        return cpus.contains { $0.hasPrefix("arm,") } || deviceTree.firmwareNode != nil ? .arm64 : .other("unknown")
    }
}
