// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ConfigurationRules

extension RulePage {
    /// Of all rules, in the order of their ids.
    package static let all: [RulePage] = (configurations + images + supervision).sorted { $0.id < $1.id }

    /// Of the rules about configurations, in the order of their ids.
    static let configurations = RuleText.ofConfigurations.map {
        RulePage(text: $0, example: RuleExamples.byRule[$0.id])
    }

    /// Of the rules about images, in the order of their ids.
    static let images = ImageRule.all.map { RulePage(text: $0, example: ImageRuleExamples.example(of: $0.id)) }

    /// Of the rules about how cells are looked after.
    static let supervision = DefinitionRule.all.map {
        RulePage(text: $0, example: DefinitionRuleExamples.example(of: $0.id))
    }
}

/// For each rule, what breaks it in the files of ``ExampleMachine``.
enum RuleExamples {
    static let byRule: [String: RuleExample] =
        x86.mapValues { ExampleMachine.x86.example($0) }
        .merging(arm64.mapValues { ExampleMachine.arm64.example($0) }) { first, _ in first }

    private static func rtems(_ right: String, _ wrong: String) -> RuleExample.Change {
        .init(in: "rtems.toml", instead: right, wrong)
    }

    private static func other(_ right: String, _ wrong: String) -> RuleExample.Change {
        .init(in: "other.toml", instead: right, wrong)
    }

    private static func system(_ right: String, _ wrong: String) -> RuleExample.Change {
        .init(in: ExampleMachine.systemFile, instead: right, wrong)
    }

    private static let x86: [String: [RuleExample.Change]] = [
        "JH0101": [rtems("name = \"rtems\"", "name = \"\"")],
        "JH0103": [rtems("cpus = [3]", "cpus = []")],
        "JH0104": [rtems("cpus = [3]", "cpus = [0, 3]")],
        "JH0105": [rtems("cpus = [3]", "cpus = [3]\ncpu-set-bytes = 4104")],
        "JH0106": [
            rtems("count = 8", "count = 0"), rtems("bdf = \"00:02.0\"\nfirst", "type = 255\nbdf = \"00:02.0\"\nfirst"),
        ],
        "JH0107": [rtems("cpus = [3]", "cpus = [3]\nsurplus-bytes = \"01 00\"")],
        "JH0109": [rtems("cpus = [3]", "cpus = [3]\naarch32 = true")],
        "JH0110": [rtems("cpus = [3]", "cpus = [3]\nother-flags = 0x100")],
        "JH0201": [rtems("size = \"8 MiB\"", "size = 0")],
        "JH0202": [rtems("physical = 0x3a000000", "physical = \"0xffffffffffe00000\"")],
        "JH0203": [rtems("physical = 0x3a000000", "physical = 0x3a000800")],
        "JH0204": [rtems("size = \"64 KiB\"", "size = 0x100")],
        "JH0205": [rtems("physical = 0xfeb00000", "physical = 0xfeb00000\nvirtual = 0x7ff000")],
        "JH0206": [rtems("physical = 0xfeb00000", "physical = 0x3a100000\nvirtual = 0x10000000")],
        "JH0301": [
            rtems(
                "",
                """
                [[memory]]
                name = "communication region of old programs"
                virtual = 0xa00000
                size = "4 KiB"
                access = ["read", "write", "communication-region"]
                """)
        ],
        "JH0302": [rtems("[\"read\", \"write\", \"communication-region\"]", "[\"read\", \"write\"]")],
        "JH0303": [rtems("virtual = 0x900000\nsize = \"4 KiB\"", "virtual = 0x900000\nsize = \"8 KiB\"")],
        "JH0304": [rtems("size = \"8 MiB\"", "size = \"16 MiB\"")],
        "JH0305": [rtems("[\"read\", \"write\", \"communication-region\"]", "[\"write\", \"communication-region\"]")],
        "JH0401": [rtems("reset-address = 0xf0000", "reset-address = 0xfffffff0")],
        "JH0402": [rtems("base = 0x3f8", "base = 0x2e8")],
        "JH0403": [rtems("console = { type = \"8250\", access = \"pio\", address = 0x3f8 }\n", "")],
        "JH0404": [rtems("address = 0x3f8 }", "address = 0x3f8, other-flags = 0x8 }")],
        "JH0405": [rtems(", \"loadable\"]", "]")],
        "JH0407": [rtems("access = \"pio\", address = 0x3f8", "access = \"mmio\", address = 0x3f8")],
        "JH0501": [rtems("architecture = \"x86\"", "architecture = \"arm64\"")],
        "JH0502": [rtems("cpus = [3]", "cpus = [3, 7]")],
        "JH0503": [rtems("name = \"rtems\"", "name = \"q35\"")],
        "JH0504": [rtems("physical = 0x3a000000", "physical = 0x40000000")],
        "JH0505": [rtems("physical = 0xfeb00000", "physical = 0xfea00000")],
        "JH0506": [rtems("physical = 0x3a000000", "physical = 0x3e400000")],
        "JH0507": [
            rtems("physical = 0xfeb00000\nsize = \"64 KiB\"", "physical = 0xfec00000\nsize = \"4 KiB\"")
        ],
        "JH0508": [rtems("physical = 0xfeb00000", "physical = 0xfeb00000\nvirtual = 0xfee00000")],
        "JH0509": [system("virtual-debug-console = true", "virtual-debug-console = false")],
        "JH0510": [rtems("architecture = \"x86\"", "architecture = \"x86\"\nrevision = 13")],
        "JH0511": [rtems("[\"read\", \"write\", \"root-shared\"]", "[\"read\", \"write\"]")],
        "JH0512": [system("size = \"8 MiB\"", "size = \"2660 KiB\"")],
        "JH0601": [other("name = \"other\"", "name = \"rtems\"")],
        "JH0602": [other("cpus = [2]", "cpus = [2, 3]")],
        "JH0603": [other("physical = 0x3a800000", "physical = 0x3a700000")],
        "JH0604": [other("bdf = \"00:03.0\"", "bdf = \"00:02.0\"")],
        "JH0605": [other("pins = [3]", "pins = [3, 4]")],
        "JH0606": [other("physical = 0xfeb20000", "physical = 0xfeb00000")],
        "JH0607": [other("base = 0x2f8", "base = 0x3f8")],
        "JH0609": [
            rtems("[[ports]]", "[[cache]]\nstart = 0\nsize = 4\n\n[[ports]]"),
            other("[[ports]]", "[[cache]]\nstart = 2\nsize = 4\n\n[[ports]]"),
        ],
        "JH0610": [other("", linkEnd(peerID: 1, first: 2))],
        "JH0611": [other("", linkEnd(peerID: 0, first: 2, physical: 0x3f00_8000))],
        "JH0612": [other("", linkEnd(peerID: 0, first: 2, protocol: "0x4000"))],
        "JH0613": [system("size = \"8 MiB\"", "size = \"2724 KiB\"")],
        "JH0614": [
            rtems("", linkEnd(peerID: 0, first: 7, physical: 0x3f00_8000, bdf: "00:0c.0")),
            other("", linkEnd(peerID: 1, first: 2, physical: 0x3f00_8000, bdf: "00:0d.0")),
        ],
        "JH0701": [system("size = \"8 MiB\"", "size = 0x7fffff")],
        "JH0702": [system("size = \"72 MiB\"", "size = \"80 MiB\"")],
        "JH0703": [system("virtual-debug-console = true\n", "")],
        "JH0704": [system("physical = 0xfeb00000\nsize = \"820 KiB\"", "physical = 0xfeb00000\nsize = \"2 MiB\"")],
        "JH0705": [
            system("physical = 0xfeb00000\nsize = \"820 KiB\"", "physical = 0xe0000000\nsize = \"480 MiB\"")
        ],
        "JH0706": [
            system("\"write\", \"execute\", \"dma\"", "\"write\", \"dma\""),
            system("\"write\", \"execute\", \"dma\"", "\"write\", \"dma\""),
            system("\"write\", \"execute\", \"dma\"", "\"write\", \"dma\""),
        ],
        "JH0707": [system("cpus = \"0-3\"", "cpus = \"0,2-3\"")],
        "JH0708": [system("pm-timer-port = 0x608\n", "")],
        "JH0709": [
            system("\"execute\", \"dma\"", "\"execute\""), system("\"execute\", \"dma\"", "\"execute\""),
            system("\"execute\", \"dma\"", "\"execute\""),
        ],
        "JH1001": [rtems("capabilities = 1", "capabilities = 2")],
        "JH1002": [rtems("", "[[pci-device]]\nbdf = \"00:02.0\"")],
        "JH1003": [rtems("first-memory-region = 3", "first-memory-region = 4")],
        "JH1004": [rtems("peer-id = 1", "peer-id = 12")],
        "JH1005": [rtems("peers = 2", "peers = 2\nmsix-vectors = 17")],
        "JH1006": [rtems("physical = 0x3f002000", "physical = 0x3f002000\nvirtual = 0x3f200000")],
        "JH1007": [rtems("msix-vectors = 4", "msix-vectors = 300")],
        "JH1008": [rtems("msix-region-size = \"4 KiB\"\nmsix-address = 0xfeb10000", "")],
        "JH1009": [rtems("size = \"64 KiB\"", "size = \"128 KiB\"")],
        "JH1010": [rtems("bdf = \"00:02.0\"", "bdf = \"00:19.0\"")],
        "JH1011": [rtems("bdf = \"00:02.0\"", "bdf = \"00:02.0\"\niommu = 1")],
        "JH1012": [rtems("peer-id = 1\n", "")],
        "JH1013": [rtems("physical = 0x3f001000\nsize = \"4 KiB\"", "physical = 0x3f001000\nsize = \"8 KiB\"")],
        "JH1014": [rtems("protocol = 0x1", "protocol = 0x4000")],
        "JH1015": [
            system(
                "vtd-interrupt-limit = 256\n\n[[iommu]]\ntype = \"intel\"\nbase = 0xfed90000\nsize = \"4 KiB\"\n", "")
        ],
        "JH1016": [
            system("bdf = \"00:02.0\"", "bdf = \"00:02.0\"\ncapabilities = 1"),
            system("", "[[pci-capability]]\nid = 0x11\nstart = 0x90\nlength = 12"),
        ],
        "JH1017": [rtems("", "[[pci-capability]]\nid = 0x5\nstart = 0x60\nlength = 14")],
        "JH1018": [rtems("bdf = \"00:02.0\"\nfirst", "type = 255\nbdf = \"00:02.0\"\nfirst")],
        "JH1019": [
            rtems(
                "bdf = \"00:02.0\"\nfirst", "bdf = \"00:02.0\"\nbar-masks = [0x20000, 0x0, 0x0, 0x0, 0x0, 0x0]\nfirst")
        ],
        "JH1020": [
            rtems(
                "0x3f002000\nsize = \"8 KiB\"\naccess = [\"read\"",
                "0x3f002000\nsize = \"8 KiB\"\naccess = [\"read\", \"write\""
            )
        ],
        "JH1021": [rtems("bdf = \"00:0e.0\"", "bdf = \"00:0d.0\"")],
        "JH1022": [system("bdf = \"00:03.0\"", "bdf = \"00:03.0\"\ndomain = 1")],
        "JH1023": [
            system("bdf = \"00:02.0\"", "bdf = \"00:02.0\"\ncapabilities = 1"),
            system("", "[[pci-capability]]\nid = 0x1\nextended = true\nstart = 0x100\nlength = 72"),
            system("mmconfig-base = 0xb0000000\nmmconfig-end-bus = 0xff\n", ""),
        ],
        "JH1025": [rtems("length = 12\nwritable = true", "length = 12")],
        "JH1026": [rtems("bar-masks = [0xfffff000", "bar-masks = [0xffffff00")],
        "JH1027": [rtems("bdf = \"00:0e.0\"", "bdf = \"00:0e.0\"\ndomain = 1")],
        "JH1102": [rtems("address = 0xfec00000", "address = 0xfec10000")],
        "JH1114": [rtems("id = 0xff00", "id = 0x0")],
        "JH1104": [rtems("pins = [4]", "pins = [4, 40]")],
        "JH1201": [rtems("[[ports]]", "[[cache]]\nsize = 4\n\n[[cache]]\nstart = 2\nsize = 4\n\n[[ports]]")],
        "JH1202": [rtems("cpus = [3]", "cpus = [3]\nstream-ids = [0x860, 0x860]")],
        "JH1116": [system("pins = \"0-23\"", "pin-base = 32\npins = \"32-55\"")],
        "JH1206": [system("vtd-interrupt-limit = 256", "vtd-interrupt-limit = 40000")],
        "JH1208": [system("vtd-interrupt-limit = 256", "vtd-interrupt-limit = 16")],
        "JH1209": [system("[[iommu]]\ntype = \"intel\"\nbase = 0xfed90000\nsize = \"4 KiB\"\n", "")],
        "JH1207": [system("base = 0xfed90000\nsize = \"4 KiB\"", "base = 0xfed90000\nsize = 0")],
        "JH1203": [system("[[iommu]]", "[[iommu]]\ntype = \"none\"\n\n[[iommu]]")],
        "JH1204": [
            system("[[iommu]]", "[[iommu]]\ntype = \"intel\"\nbase = 0xfed91000\nsize = \"4 KiB\"\n\n[[iommu]]")
        ],
        "JH1301": [
            .init(in: ExampleMachine.portsFile, instead: "  0cf8", "  03f8-03ff : serial\n  0cf8"),
            .init(in: ExampleMachine.interruptsFile, instead: "  8:", "  4:       7  IO-APIC  4-edge  ttyS0\n  8:"),
        ],
        "JH1302": [
            system("base = 0x20\ncount = 0x90", "base = 0x60\ncount = 0x50"),
            rtems("base = 0x3f8\ncount = 8", "base = 0x3f8\ncount = 8\n\n[[ports]]\nbase = 0x20\ncount = 2"),
        ],
        "JH1303": [
            .init(
                in: ExampleMachine.memoryFile, instead: "39ffffff : System RAM", "3e7fffff : System RAM"),
            .init(in: ExampleMachine.memoryFile, instead: "3a000000-3f005fff", "3e800000-3f005fff"),
        ],
        "JH1304": [
            .init(in: ExampleMachine.memoryFile, instead: ExampleMachine.iomem, ExampleMachine.hiddenMemory)
        ],
        "JH1305": [rtems("physical = 0xfeb00000", "physical = 0xfeb30000")],
        "JH1306": [.init(in: ExampleMachine.onlineFile, instead: "0-3", "0-7")],
        "JH1307": [rtems("physical = 0x3a000000", "physical = 0x140000000")],
        "JH1315": [.init(in: ExampleMachine.pciFile, instead: "0000:00:03.0", "0001:00:03.0")],
        "JH1317": [
            .init(
                in: ExampleMachine.memoryFile, instead: "c0000000-febfffff",
                "140000000-14fffffff : System RAM\nc0000000-febfffff")
        ],
        "JH1318": [
            .init(
                in: ExampleMachine.memoryFile, instead: "c0000000-febfffff",
                "bfff0000-bfffffff : ACPI Tables\nc0000000-febfffff")
        ],
        "JH1323": [
            .init(
                in: ExampleMachine.memoryFile, instead: "c0000000-febfffff",
                "a0000000-a0000fff : watchdog\nc0000000-febfffff")
        ],
        "JH1324": [
            .init(in: ExampleMachine.portsFile, instead: "  0020-0021 : pic1", "  0020-0021 : pic1\n  03c0-03df : vga+")
        ],
        "JH1325": [
            system("physical = 0xfeb00000\nsize = \"820 KiB\"", "physical = 0xbff00000\nsize = \"2 MiB\"")
        ],
        "JH1327": [
            .init(
                in: ExampleMachine.memoryFile, instead: "fec00000-fec003ff", "fec10000-fec103ff")
        ],
        "JH1319": [
            system(
                "vtd-interrupt-limit = 256\n\n[[iommu]]\ntype = \"intel\"\nbase = 0xfed90000\nsize = \"4 KiB\"\n", "")
        ],
        "JH1320": [
            .init(in: ExampleMachine.commandLineFile, instead: "intel_iommu=off", "intel_iommu=on")
        ],
        "JH1401": [rtems("physical = 0x3a000000", "physical = 0x3a100000")],
        "JH1402": [
            rtems(
                "[\"read\", \"write\", \"execute\", \"loadable\"]",
                "[\"read\", \"write\", \"execute\", \"loadable\", \"root-shared\"]")
        ],
        "JH1501": [rtems("count = 8", "count = 0xffff")],
        "JH1502": [rtems("count = 8", "count = 0")],
        "JH1503": [rtems("", "[[ports]]\nbase = 0xcf8\ncount = 8")],
        "JH1504": [rtems("", "[[ports]]\nbase = 0x20\ncount = 2")],
        "JH1505": [system("", "[[ports]]\nbase = 0x3f8\ncount = 8")],
    ]

    private static let arm64: [String: [RuleExample.Change]] = [
        "JH0108": [rtems("cpus = [3]", "cpus = [3]\naarch32 = true\nvirtual-console = \"permitted\"")],
        "JH0406": [rtems("cpus = [3]", "cpus = [3]\nreset-address = 0x9000000")],
        "JH0207": [rtems("\"execute\", \"loadable\"", "\"execute\", \"io\", \"loadable\"")],
        "JH0513": [rtems("\"write\", \"io\"", "\"write\"")],
        "JH0608": [other("stream-ids = [34]", "stream-ids = [33]")],
        "JH1024": [
            system("mmconfig-base = 0x08e00000\nvirtual-pci = 1\n", ""),
            rtems("", "[[ivshmem]]\nbdf = \"00:01.0\"\npeer-id = 0\nphysical = 0x7f000000\noutput-size = \"4 KiB\""),
        ],
        "JH1101": [rtems("pin-base = 32\npins = [33]", "pin-base = 33\npins = [33]")],
        "JH0615": [other("cpus = [2]", "cpus = [0, 1, 2]")],
        "JH1105": [system("gic-version = 3", "gic-version = 5")],
        "JH1106": [system("gicr-base = 0x080a0000\n", "")],
        "JH1107": [system("gic-version = 3", "gic-version = 2")],
        "JH1108": [system("virtual-pci = 1", "virtual-pci = 1\nmmconfig-end-bus = 1")],
        "JH1109": [rtems("", "[[interrupt-chip]]\naddress = 0x8000000\npin-base = 32\npins = [33]")],
        "JH1110": [
            rtems("", "[[ivshmem]]\nbdf = \"00:02.0\"\npeer-id = 0\nphysical = 0x7f000000\noutput-size = \"4 KiB\"")
        ],
        "JH1111": [
            system(
                "gic-version = 3",
                "gic-version = 2\ngicc-base = 0x8010000\ngich-base = 0x8030000\ngicv-base = 0x8040000"),
            system("cpus = \"0-3\"", "cpus = \"0-8\""), .init(in: ExampleMachine.onlineFile, instead: "0-3", "0-8"),
        ],
        "JH1112": [system("maintenance-interrupt = 25", "maintenance-interrupt = 9")],
        "JH1113": [system("gicr-base = 0x080a0000", "gicr-base = 0x08000000")],
        "JH0514": [
            system("[[iommu]]\ntype = \"mmu-500\"\nbase = 0xfd800000\nsize = \"128 KiB\"\n", ""),
            rtems("stream-ids = [33]\n", ""), other("stream-ids = [34]\n", ""),
            rtems("\"execute\", \"loadable\"", "\"execute\", \"dma\", \"loadable\""),
        ],
        "JH0710": [
            system(
                "[platform]",
                "[debug-console]\ntype = \"PL011\"\naccess = \"mmio\"\naddress = 0x9000000\nsize = \"4 KiB\"\n\n[platform]"
            ),
            system("\"write\", \"io\"", "\"write\""),
        ],
        "JH1119": [system("mmconfig-base = 0x08e00000", "mmconfig-base = 0x7fc00000")],
        "JH1118": [
            system("\n[[interrupt-chip]]\naddress = 0x8000000\npin-base = 32\npins = \"32-159\"\n", "")
        ],
        "JH1117": [
            system("", "[[ivshmem]]\nbdf = \"00:01.0\"\npeer-id = 0\nphysical = 0x7f000000\noutput-size = \"4 KiB\"")
        ],
        "JH1115": [rtems("pin-base = 32\npins = [33]", "pin-base = 0\npins = [27, 33]")],
        "JH1205": [system("[[iommu]]\ntype = \"mmu-500\"\nbase = 0xfd800000\nsize = \"128 KiB\"\n", "")],
        "JH1311": [.init(in: ExampleMachine.cpuInfoFile, instead: "crc32 cpuid", "crc32 atomics cpuid asimdrdm")],
        "JH1321": [
            .init(in: ExampleMachine.treeFile, instead: "0x080a0000 0x80000", "0x080a0000 0x40000 0x08200000 0x40000")
        ],
        "JH1322": [.init(in: ExampleMachine.affinityFile, instead: "3 0x3", "3 0x10")],
        "JH1312": [
            system(
                "",
                "[[ivshmem]]\nbdf = \"00:00.0\"\npeer-id = 0\nphysical = 0x80000000\noutput-size = \"4 KiB\""),
            .init(in: ExampleMachine.treeFile, instead: "0x080a0000 0x80000", "0x080a0000 0xf60000"),
        ],
        "JH1313": [
            rtems(
                "physical = 0x9000000\nsize = \"4 KiB\"\naccess = [\"read\", \"write\", \"io\"]",
                "physical = 0x9030000\nsize = 0x40\naccess = [\"read\", \"write\", \"io\", \"io-32\"]")
        ],
        "JH1314": [
            .init(in: ExampleMachine.treeFile, instead: "arm,gic-v3 0x08000000", "arm,gic-v3 0x01800000")
        ],
        "JH1326": [
            system("", "[[ivshmem]]\nbdf = \"00:01.0\"\npeer-id = 0\nphysical = 0x80000000\noutput-size = \"4 KiB\""),
            .init(
                in: ExampleMachine.treeFile, instead: "pl011@9000000 arm,pl011 0x09000000 0x1000",
                "pl011@9000000 arm,pl011 0x09000000 0x1000\nflash@8000000 cfi-flash 0x08f00000 0x100000"),
            system("mmconfig-base = 0x08e00000", "mmconfig-base = 0x08f00000"),
        ],
        "JH1316": [.init(in: ExampleMachine.portsFile, instead: "", "0020-0021 : pic1\n")],
        "JH1308": [rtems("pin-base = 32\npins = [33]", "pin-base = 32\npins = [35]")],
        "JH1309": [
            .init(
                in: ExampleMachine.interruptsFile, instead: "35 Level  9020000.serial", "65 Level  9000000.serial")
        ],
        "JH1310": [
            rtems("physical = 0x9000000", "physical = 0x9020000"),
            rtems("[\"read\", \"write\", \"io\"]", "[\"read\", \"write\", \"io\", \"root-shared\"]"),
        ],
        "JH1103": [rtems("address = 0x8000000", "address = 0x8010000")],
    ]

    /// An end of the link in `rtems.toml`, with its sections.
    private static func linkEnd(
        peerID: Int, first: Int, physical: UInt64 = 0x3f00_0000, protocol number: String = "0x1",
        bdf: String = "00:0e.0"
    ) -> String {
        let sections: [(offset: UInt64, size: Int)] = [(0, 4), (0x1000, 4), (0x2000, 8), (0x4000, 8)]
        return sections.map { offset, size in
            """
            [[memory]]
            physical = \(hexadecimal(physical + offset))
            size = "\(size) KiB"
            access = ["read", "root-shared"]

            """
        }.joined(separator: "\n") + """

            [[pci-device]]
            type = "ivshmem"
            bdf = "\(bdf)"
            first-memory-region = \(first)
            peer-id = \(peerID)
            peers = 2
            protocol = \(number)
            """
    }
}
