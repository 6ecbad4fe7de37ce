extension RulePage {
    /// Of all rules about configurations, in the order of their ids. Those about images and supervision are
    /// `CellDefinition`'s.
    package static let configurations: [RulePage] = {
        var pages = Self.pages(CellRules.all)
        pages += Self.pages(RuleTables.ofCells)
        pages += Self.pages(RuleTables.ofSystems)
        pages += Self.pages(RuleTables.ofPlacement)
        pages += Self.pages(RuleTables.ofHardware)
        pages += Self.pages(GroupRules.all)
        pages += Self.pages(MachineRules.all)
        return pages.sorted { $0.id < $1.id }
    }()

    private static func pages(_ rules: [Rule<some Any>]) -> [RulePage] {
        rules.map { $0.page(RuleExamples.byRule[$0.id]) }
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
        "JH0305": [rtems("[\"read\", \"write\", \"communication-region\"]", "[\"read\", \"communication-region\"]")],
        "JH0401": [rtems("reset-address = 0xf0000", "reset-address = 0xfffffff0")],
        "JH0402": [rtems("base = 0x3f8", "base = 0x2e8")],
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
        "JH0701": [system("size = \"8 MiB\"", "size = 0x7fffff")],
        "JH0702": [system("size = \"72 MiB\"", "size = \"80 MiB\"")],
        "JH0703": [system("virtual-debug-console = true\n", "")],
        "JH0704": [system("physical = 0xfeb00000\nsize = \"820 KiB\"", "physical = 0xfeb00000\nsize = \"2 MiB\"")],
        "JH1001": [rtems("capabilities = 1", "capabilities = 2")],
        "JH1002": [rtems("", "[[pci-device]]\nbdf = \"00:02.0\"")],
        "JH1003": [rtems("first-memory-region = 3", "first-memory-region = 4")],
        "JH1004": [rtems("peer-id = 1", "peer-id = 2")],
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
        "JH1102": [rtems("address = 0xfec00000", "address = 0xfec10000")],
        "JH1104": [rtems("pins = [4]", "pins = [4, 40]")],
        "JH1201": [rtems("[[ports]]", "[[cache]]\nsize = 4\n\n[[cache]]\nstart = 2\nsize = 4\n\n[[ports]]")],
        "JH1202": [rtems("cpus = [3]", "cpus = [3]\nstream-ids = [0x860, 0x860]")],
        "JH1203": [system("[[iommu]]", "[[iommu]]\ntype = \"none\"\n\n[[iommu]]")],
        "JH1301": [.init(in: ExampleMachine.portsFile, instead: "  0cf8", "  03f8-03ff : serial\n  0cf8")],
        "JH1302": [rtems("base = 0x3f8\ncount = 8", "base = 0x3f8\ncount = 8\n\n[[ports]]\nbase = 0x20\ncount = 2")],
        "JH1303": [
            .init(
                in: ExampleMachine.memoryFile, instead: "39ffffff : System RAM", "3e7fffff : System RAM"),
            .init(in: ExampleMachine.memoryFile, instead: "3a000000-3f005fff", "3e800000-3f005fff"),
        ],
        "JH1304": [
            .init(in: ExampleMachine.memoryFile, instead: ExampleMachine.iomem, ExampleMachine.hiddenMemory)
        ],
        "JH1305": [rtems("physical = 0xfeb00000", "physical = 0xfeb30000")],
        "JH1401": [rtems("physical = 0x3a000000", "physical = 0x3a100000")],
        "JH1402": [
            rtems(
                "[\"read\", \"write\", \"execute\", \"loadable\"]",
                "[\"read\", \"write\", \"execute\", \"loadable\", \"root-shared\"]")
        ],
    ]

    private static let arm64: [String: [RuleExample.Change]] = [
        "JH0608": [other("stream-ids = [34]", "stream-ids = [33]")],
        "JH1101": [rtems("pin-base = 32\npins = [33]", "pin-base = 33\npins = [33]")],
        "JH1103": [rtems("address = 0x8000000", "address = 0x8010000")],
    ]

    /// An end of the link in `rtems.toml`, with its sections.
    private static func linkEnd(
        peerID: Int, first: Int, physical: UInt64 = 0x3f00_0000, protocol number: String = "0x1"
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
            bdf = "00:0e.0"
            first-memory-region = \(first)
            peer-id = \(peerID)
            peers = 2
            protocol = \(number)
            """
    }
}
