// SPDX-License-Identifier: Apache-2.0

extension RuleExamples {
    static let x86: [String: [RuleExample.Change]] = [
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
}
