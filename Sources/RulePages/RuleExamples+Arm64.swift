// SPDX-License-Identifier: Apache-2.0

extension RuleExamples {
    static let arm64: [String: [RuleExample.Change]] = [
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
            .init(
                in: ExampleMachine.memoryFile, instead: "09020000-09020fff",
                "080a0000-08ffffff : GICR\n09020000-09020fff"),
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
}
