// SPDX-License-Identifier: Apache-2.0

import FailureReports

extension DeathCase {
    static let arm64: [DeathCase] = [
        data("behind its RAM", "write", 0x18_0000, 4), data("far away", "read", 0x5020_0000, 4, ["x0": 0x5020_0000]),
        data("without elr, as v0.12 prints it", "write", 0x5020_0000, 8, hasLink: false),
        data("memory of Linux", "read", 0x4200_0000, 8), data("the hypervisor's memory", "read", 0x7fc0_0000, 8),
        data("read-only memory", "write", 0x7fb0_0010, 4), data("the distributor of the GIC", "read", 0x800_0003, 1),
        data("a redistributor of a CPU that Linux does not have", "read", 0x812_0008, 8),
        data("a pair of registers", "read", 0x5000_0000, 1, esr: "24 1 0000006"),
        data("behind a region of less than a page", "read", 0x901_0020, 4),
        data("across the end of a region of less than a page", "read", 0x901_001c, 8),
        data("the clock behind the GIC", "read", 0x904_0000, 4),
        DeathCase(
            .arm64, "a data abort whose line is lost", "\n" + unhandled("24"),
            dump: Dump.arm64(["pc": 0x8_1118, "lr": 0x8_1048], esr: "24 1 1810046")),
        DeathCase(
            .arm64, "a jump whose line another CPU cut",
            "cpuFATAL: instruction _on=0000000000000000\nabort at 0x60000000\n\n" + forbidden("20"),
            dump: Dump.arm64(["pc": 0x6000_0000], esr: "20 1 0000006")),
        DeathCase(
            .arm64, "a jump whose address is cut", "FATAL: instruction abort at 0x30\n000000\n\n" + forbidden("20"),
            dump: Dump.arm64(["pc": 0x3000_0000], esr: "20 1 0000006")),
        DeathCase(
            .arm64, "in the middle of a line of the program",
            "degrees: 17Unhandled data read at 0x20000000(4)\n\n" + unhandled("24"),
            dump: Dump.arm64(esr: "24 1 1810006")),
        DeathCase(
            .arm64, "a register that is read-only",
            "FATAL: Invalid MMIO write, address: 9010004, size: 4\n\n" + forbidden("24"),
            dump: Dump.arm64(["pc": 0x8_1120], esr: "24 1 1810046")),
        DeathCase(
            .arm64, "a device that the cell does not have",
            "FATAL: Invalid PCI MMCONFIG write, device 00:01.0, reg: 0x4, size: 4\n\n" + forbidden("24"),
            dump: Dump.arm64(["pc": 0x8_1124], esr: "24 1 1810046")),
        DeathCase(
            .arm64, "a vector that the device does not have",
            "FATAL: Invalid PCI MSI-X table/PBA access, device 00:00.0\n\n" + forbidden("24"),
            dump: Dump.arm64(["pc": 0x8_1128], esr: "24 1 1810046")),
        DeathCase(
            .arm64, "an interrupt to another cell's CPU",
            "Attempt to route IRQ144 outside of cell\n\n" + forbidden("24"),
            dump: Dump.arm64(["pc": 0x8_112c], esr: "24 1 1810046")),
        DeathCase(
            .arm64, "MSI-X data that is no interrupt of the cell", "\n" + forbidden("24"),
            dump: Dump.arm64(["pc": 0x8_1130], esr: "24 1 1810046")),
        fetch("a jump into nowhere", 0x3000_0000, lr: 0x8_1048), fetch("an exception without vectors", 0x200),
        fetch("an exception of an interrupt without vectors", 0x280),
        fetch("an exception of EL0 without vectors", 0x400), fetch("a call through NULL", 0, lr: 0x8_1048),
        fetch("a jump to 0x100", 0x100), fetch("a jump behind the vectors", 0x800),
        fetch("an entry in nowhere", 0x6000_0000),
        trap("HVC with a number that is none", forbidden("16"), "16 1 0000000"),
        trap("OP-TEE", unhandled("17"), "17 1 0000000", ["x0": 0xb200_0000]),
        trap("a function of the board's vendor", unhandled("17"), "17 1 0000000", ["x0": 0x8300_0001]),
        trap("a workaround that this CPU does not have", forbidden("17"), "17 1 0000000", ["x0": 0x8000_7fff]),
        trap(
            "an SMC of the architecture", "Unhandled SMC arch trap 80008000\n\n" + unhandled("17"), "17 1 0000000",
            ["x0": 0x8000_8000]),
        trap("ACTLR_EL1", unhandled("18"), "18 1 0320421"),
        trap("pointer authentication", unhandled("09"), "09 1 0000000"),
        trap("floating point", unhandled("07"), "07 1 1e00000"),
        trap("HVC in AArch32", unhandled("12"), "12 1 0004a48"),
        trap("SMC in AArch32", unhandled("13"), "13 1 0000000"),
        trap("CP15 in AArch32", unhandled("03"), "03 1 0000000"),
        trap("CP15, 64 bits", unhandled("04"), "04 1 0000000"),
        trap("a class of a later architecture", unhandled("2c"), "2c 1 0000000"),
    ]

    static let arm32: [DeathCase] = [
        DeathCase(
            .arm32, "far away", "Unhandled data write at 0x50200000(4)\n" + unhandled("24"),
            dump: Dump.arm32(["pc": 0x8_1040, "r0": 0x5020_0000], hsr: 0x9381_0046)),
        DeathCase(
            .arm32, "a jump into nowhere", "FATAL: instruction abort at 0x30000000\n" + forbidden("20"),
            dump: Dump.arm32(["pc": 0x3000_0000, "r14": 0x8_1048], hsr: 0x8200_0006)),
        DeathCase(
            .arm32, "PSCI by HVC", forbidden("12"), dump: Dump.arm32(["pc": 0x8_1204], hsr: 0x4a00_0000)),
        DeathCase(
            .arm32, "an exception without vectors", "FATAL: instruction abort at 0x10\n" + forbidden("20"),
            dump: Dump.arm32(["pc": 0x10], hsr: 0x8200_0006)),
        DeathCase(.arm32, "SMC", unhandled("13"), dump: Dump.arm32(["pc": 0x8_1208], hsr: 0x4e00_0000)),
        DeathCase(.arm32, "a register of CP15", unhandled("03"), dump: Dump.arm32(["pc": 0x8_120c], hsr: 0x0e00_0000)),
    ]

    private static func data(
        _ name: String, _ access: String, _ address: UInt64, _ size: Int, _ registers: [String: UInt64] = [:],
        esr: String? = nil, hasLink: Bool = true
    ) -> DeathCase {
        DeathCase(
            .arm64, name, "Unhandled data \(access) at 0x\(String(address, radix: 16))(\(size))\n\n" + unhandled("24"),
            dump: Dump.arm64(
                registers.merging(["pc": 0x8_1118]) { first, _ in first },
                esr: esr ?? "24 1 1810\(access == "read" ? "006" : "046")", hasLink: hasLink))
    }

    private static func fetch(_ name: String, _ address: UInt64, lr: UInt64 = 0) -> DeathCase {
        DeathCase(
            .arm64, name, "FATAL: instruction abort at 0x\(String(address, radix: 16))\n\n" + forbidden("20"),
            dump: Dump.arm64(["pc": address, "lr": lr], esr: "20 1 0000006"))
    }

    /// The counter of an SMC and an HVC is behind the instruction.
    private static func trap(
        _ name: String, _ reason: String, _ esr: String, _ registers: [String: UInt64] = [:]
    ) -> DeathCase {
        var registers = registers
        let kind = esr.prefix(2)
        registers["pc"] = kind == "16" || kind == "17" ? 0x8_120c : 0x8_1208
        registers["elr"] = kind == "16" ? 0x8_120c : 0x8_1208
        return DeathCase(.arm64, name, "\n" + reason, dump: Dump.arm64(registers, esr: esr))
    }

    private static func unhandled(_ kind: String) -> String { "FATAL: unhandled trap (exception class 0x\(kind))" }
    private static func forbidden(_ kind: String) -> String { "FATAL: forbidden access (exception class 0x\(kind))" }
}
