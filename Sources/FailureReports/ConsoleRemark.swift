// SPDX-License-Identifier: Apache-2.0

/// A line that parks no CPU and that people ask about all the same: of the hypervisor's console, or of the driver in the
/// kernel's log.
package struct ConsoleRemark: Hashable, Sendable {
    /// Its words, from where they begin in the line.
    package let text: String
    package let explanation: Explanation
    /// Of a build that traces errors.
    let isTrace: Bool

    private struct Kind: Sendable {
        let pattern: LinePattern
        let summary: @Sendable (ConsoleGrammar.Values) -> String
        let advice: String
        let isTrace: Bool

        init(
            _ template: String, _ summary: @escaping @autoclosure @Sendable () -> String, _ advice: String
        ) {
            self.init(template, isTrace: false, advice) { _ in summary() }
        }

        init(
            _ template: String, isTrace: Bool = false, _ advice: String,
            _ summary: @escaping @Sendable (ConsoleGrammar.Values) -> String
        ) {
            pattern = LinePattern(template)
            self.summary = summary
            self.advice = advice
            self.isTrace = isTrace
        }
    }

    private static let words = WordFilter([
        "VA->PA", "EventCode: 5", "EventCode: 6", "returning error", "GIC: No", "TLB sync", "ERROR: PVU", "WARNING: ",
        "WARN: ", "ailhouse: ",
        "ailhouse cell", "Ignoring NMI", "Unhandled x2APIC self", "Unknown hypercall", "Cannot assign CPU 0",
    ])

    init?(_ line: [UInt8]) {
        guard Self.words.isOne(in: line) else { return nil }
        for kind in Self.console + Self.driver {
            guard let (start, values) = kind.pattern.find(in: line) else { continue }
            let words = String(decoding: line[start...], as: UTF8.self)
            text = String(words.prefix { !$0.isNewline })
            explanation = Explanation(summary: kind.summary(ConsoleGrammar.Values(values)), advice: kind.advice)
            isTrace = kind.isTrace
            return
        }
        return nil
    }

    // MARK: the hypervisor's

    private static let console: [Kind] = [
        Kind(
            "VA->PA check failed, expected {x}, got {x}",
            "The machine hangs in a loop of the hypervisor and needs a reset. Build the hypervisor for this board (its memory "
                + "layout), and compare [hypervisor-memory] with what that build expects."
        ) {
            "The hypervisor's entry code on 32-bit Arm is mapped to 0x\(hex($0.number(1))) instead of 0x\(hex($0.number(0)))."
        },
        Kind(
            "returning error -{*}", isTrace: true,
            "Such a line is printed by builds that trace errors; the first one of several is where the error began. The file's "
                + "name, before it in the line, is the part that refused; 'jailhouse-ctl explain COMMAND ERRNO' lists the causes."
        ) { "The hypervisor refused a command with \($0.text(0).filter { !$0.isWhitespace })." },
        Kind(
            "GIC: No redist found for CPU{d}",
            "Compare gicr-base in the system configuration with the device tree, and [root-cell] cpus with the machine's CPUs."
        ) { "The enable fails: the GICv3 has no redistributor for CPU \($0.number(0)) at gicr-base." },
        Kind(
            "TLB sync timed out", "The SMMU did not complete an invalidation, and may be deadlocked.",
            "Compare the SMMU's base under [[iommu]] with the device tree; Linux must not use the SMMU. Only a reboot resets it."
        ),
        Kind(
            "ERROR: PVU", "The peripheral virtualisation unit cannot be set up as the configuration says.",
            "Correct the [[iommu]] of type pvu and the regions with the access \"dma\": align them, and use fewer and larger ones."
        ),
        Kind(
            "WARNING: PVU cannot unmap memory at runtime",
            "The peripheral virtualisation unit keeps the destroyed cell's memory mapped for its devices.",
            "Reset or stop the cell's devices before it is destroyed."),
        Kind(
            "WARNING: Failed to re-assign memory region to root cell",
            "A destroyed cell's memory did not come back to Linux: it is lost until the hypervisor is disabled.",
            "Disable and enable the hypervisor at the next opportunity. Make [hypervisor-memory] larger: its page pool was empty."
        ),
        Kind(
            "WARNING: Failed to re-assign PCI device to root cell",
            "A destroyed cell's PCI device did not come back to Linux: it is lost until the hypervisor is disabled.",
            "Disable and enable the hypervisor at the next opportunity; compare the device's record in the system configuration "
                + "with that of the cell."),
        Kind(
            "WARNING: Failed to restore invalidation queue head",
            "The VT-d unit was not given back to Linux as it was: Linux's interrupt remapping may hang.",
            "Reboot at the next opportunity."),
        Kind(
            "EventCode: 5, Operand 1: {x}, Operand 2: {x}",
            "An AMD IOMMU met a command that is none (event 5, ILLEGAL_COMMAND_ERROR): it stops working on its queue.",
            "It is no access of a device. Report it upstream with the whole console, and reset the machine at the next opportunity."
        ),
        Kind(
            "EventCode: 6, Operand 1: {x}, Operand 2: {x}",
            "An AMD IOMMU could not read its commands (event 6, COMMAND_HARDWARE_ERROR).",
            "It is no access of a device: memory or the IOMMU is damaged, or the hypervisor's memory is not RAM. Report it upstream with "
                + "the whole console, and reset the machine at the next opportunity."),
        Kind(
            "WARNING: Overflow during MMIO region registration",
            "A cell has more emulated memory regions than the hypervisor has room for: some are not emulated.",
            "Use fewer regions smaller than a page and fewer PCI devices with MSI-X in that cell."),
        Kind(
            "WARNING: CPU {d} specified IPI destination outside cell boundaries",
            "Nothing is lost but that interrupt. Send inter-processor interrupts only to APIC ids of the cell's own CPUs: "
                + "each CPU reads its own (CPUID, or the APIC's register)."
        ) {
            "CPU \($0.number(0)) sent an inter-processor interrupt to a CPU outside its cell; the hypervisor dropped it."
        },
        Kind(
            "Ignoring NMI IPI to CPU {d}",
            "Nothing is lost but that interrupt: NMIs between CPUs are the hypervisor's. Use another vector."
        ) { "An NMI was sent to CPU \($0.number(0)); the hypervisor ignored it." },
        Kind(
            "Unhandled x2APIC self IPI write",
            "A program wrote the x2APIC's self-IPI register, which the hypervisor ignores.",
            "Send the interrupt through the interrupt command register (MSR 0x830)."),
        Kind(
            "CPU {d}: Unknown hypercall {d}",
            "The call returned an error, and the program goes on. Correct the number: a cell may use 5, 7 and 8."
        ) { "A program on CPU \($0.number(0)) made the hypercall \($0.number(1)), which does not exist." },
        Kind(
            "WARN: unknown SGI received {d}", "Report it upstream with the whole console."
        ) { "The hypervisor received the software-generated interrupt \($0.number(0)), which it does not use." },
        Kind(
            "WARN: SMMU 2-level strtab only covers {d}/{d} bits of SID",
            "Keep the devices' stream ids below that limit."
        ) { "The SMMU's stream table covers only \($0.number(0)) of \($0.number(1)) bits of a stream id." },
    ]

    // MARK: the driver's, in the kernel's log

    private static let driver: [Kind] = [
        Kind(
            "ailhouse: Missing or unsupported HVM technology",
            "The enable fails: the processor has neither VMX nor SVM.",
            "Switch virtualisation on in the firmware; in a virtual machine, enable nested virtualisation."),
        Kind(
            "ailhouse: Not a system configuration", "The enable fails: the file is no system configuration.",
            "Give the compiled system configuration, not a cell."),
        Kind(
            "ailhouse: Not a cell configuration", "The create fails: the file is no cell configuration.",
            "Give a compiled cell, not the system."),
        Kind(
            "ailhouse: Configuration revision mismatch",
            "The configuration is compiled for another release than the driver's.",
            "Compile it for this release."),
        Kind(
            "ailhouse: Configuration architecture mismatch", "The configuration is for another architecture.",
            "Compile it with this machine's architecture."),
        Kind(
            "ailhouse: HYP mode not available", "The enable fails: Linux was not booted in HYP mode.",
            "Let the boot loader start Linux at PL2 or EL2."),
        Kind(
            "ailhouse: VT-x disabled by Firmware/BIOS", "The enable fails: the firmware switched VT-x off.",
            "Switch it on in the firmware's setup."),
        Kind(
            "ailhouse: Missing hypervisor image {*}",
            "Install the hypervisor's file in /lib/firmware (jailhouse-intel.bin, jailhouse-amd.bin or jailhouse.bin)."
        ) { "The enable fails: the firmware file \(file($0.text(0))) is missing." },
        Kind(
            "ailhouse: request_mem_region failed for hypervisor memory",
            "The enable fails: Linux itself uses the hypervisor's memory.",
            "Reserve it with memmap=SIZE$ADDRESS on the kernel's command line (on Arm: a node below reserved-memory), as [hypervisor-memory] has it, and reboot."
        ),
        Kind(
            "ailhouse: Unable to map RAM reserved for hypervisor at {x}",
            "Compare [hypervisor-memory] with /proc/iomem: the machine must have RAM there that Linux does not use."
        ) { "The enable fails: the hypervisor's memory at 0x\(hex($0.number(0))) cannot be mapped." },
        Kind(
            "ailhouse: Unable to map clock register at {x}",
            "Correct the clock gate of [debug-console] in the system configuration."
        ) { "The enable fails: the console's clock register at 0x\(hex($0.number(0))) cannot be mapped." },
        Kind(
            "ailhouse: Unable to map hypervisor debug console at {x}",
            "Correct the address of [debug-console] in the system configuration."
        ) { "The enable fails: the console's registers at 0x\(hex($0.number(0))) cannot be mapped." },
        Kind(
            "ailhouse: Unable to map cell RAM at {x}",
            "Repeat the load; report it if it stays so: the kernel is out of address space."
        ) { "The load fails: the cell's memory at 0x\(hex($0.number(0))) cannot be mapped for the image." },
        Kind(
            "Cannot assign CPU 0 to other cells",
            "The create fails: the cell has CPU 0, which stays with Linux on x86.",
            "Give the cell another CPU."),
        Kind(
            "ailhouse: failed to bring CPU {d} back online",
            "Write 1 to /sys/devices/system/cpu/cpuN/online; if it is refused, the CPU is lost until the next boot."
        ) { "CPU \($0.number(0)) did not come back to Linux when its cell was destroyed." },
        Kind(
            "ailhouse: failed to destroy cell \"{q}\"",
            "Its program rejected the shutdown request, or another cell is locked: stop it first, or make it passive."
        ) { "The cell \"\($0.text(0))\" could not be destroyed." },
        Kind(
            "ailhouse: ordered shutdown failed", "The hypervisor could not be disabled when Linux shut down.",
            "A cell rejected the shutdown request: stop cells before Linux is shut down."),
        Kind(
            "ailhouse: CONFIG_OF_OVERLAY disabled",
            "The kernel cannot add the virtual host controller to its device tree.",
            "Linux does not see ivshmem devices: build the kernel with CONFIG_OF_OVERLAY."),
        Kind(
            "ailhouse: failed to add virtual host controller", "Linux has no virtual host controller.",
            "Linux does not see ivshmem devices: look at the kernel's messages before this one."),
    ]

    private static func file(_ text: String) -> String {
        String(text.prefix { !$0.isWhitespace })
    }
}
