// SPDX-License-Identifier: Apache-2.0

// The layouts of forks, as their headers have them. Sizes and offsets in bytes.

extension ForeignFormat {
    static let all: [ForeignFormat] = [
        ForeignFormat(
            "NXP's Jailhouse for i.MX8 (4.14)", 9, cell: 100, root: 382,
            upstream(ports: 1) + [List(offset: 80, size: 8)],
            console: 64),
        ForeignFormat(
            "NXP's Jailhouse for i.MX8 (4.14.98 to 5.4.3)", 10, cell: 152, root: 386,
            upstream(ports: 1) + [List(offset: 116, size: 8)], console: 120),
        ForeignFormat(
            "the cache-coloring branch of 2019", 10, cell: 128, root: 282, upstream(memory: 40, ports: 1), console: 96),
        ForeignFormat(
            "NXP's Jailhouse for i.MX8 (5.4.24 to 5.10)", 12, cell: nil, root: 450, upstream(streamIDs: 76),
            console: 100),
        ForeignFormat(
            "TI's Jailhouse 0.10", 12, cell: 136, root: 418,
            upstream(ports: 1, streamIDs: 76) + [List(offset: 80, size: 49)], console: 104),
        ForeignFormat(
            "TI's Jailhouse of February 2019", 12, cell: 260, root: 418,
            upstream(ports: 1) + [List(offset: 76, size: 49)], console: 228),
        ForeignFormat(
            coloringName, 13, cell: nil, root: 360, upstream(streamIDs: 76), console: 100),
        ForeignFormat(
            "Mancuso's jailhouse-rt", 13, cell: 136, root: 356,
            upstream(streamIDs: 76) + [List(offset: 92, size: 40)], console: 104),
        ForeignFormat(
            "Mancuso's jailhouse-rt (HWalias)", 13, cell: 136, root: 356,
            upstream(streamIDs: 76) + [List(offset: 92, size: 48)], console: 104),
        ForeignFormat(
            "Orcio's cache-coloring branch", 13, cell: 132, root: 372, upstream(memory: 40, streamIDs: 76), console: 100
        ),
        ForeignFormat(
            "Siemens' RISC-V branch of 2020", 13, cell: 132, root: 354, upstream(cpus: 16, streamIDs: 76), console: 100),
        ForeignFormat(
            "the register-map branch", 13, cell: 136, root: 322,
            upstream(streamIDs: 76) + [List(offset: 80, size: 49)], console: 104),
        ForeignFormat("the Omnivisor", 14, cell: 152, root: 493, omnivisor(hasDevices: true), console: 120),
        ForeignFormat(
            "the Omnivisor (zynqmp_version)", 14, cell: 144, root: 460, omnivisor(hasDevices: false), console: 112),
        ForeignFormat(
            "MediaTek's Jailhouse", 15, cell: 136, root: 360,
            upstream(streamIDs: 76) + [List(offset: 80, size: 4)], console: 104),
        riscV(root: 394), riscV(root: 416), riscV(root: 424), riscV(root: 356),
    ]

    private init(
        _ name: String, _ revision: UInt16, cell: Int?, root: Int, _ lists: [List], console: Int
    ) {
        self.init(
            name: name, revision: revision, cellSize: cell, rootOffset: root, rootSize: cell ?? 132, lists: lists,
            console: console)
    }

    /// Upstream's lists, with what is of another size.
    private static func upstream(
        cpus: Int = 1, memory: Int = 32, ports: Int = 4, streamIDs: Int? = nil
    ) -> [List] {
        let sizes = [cpus, memory, 12, 32, ports, 56, 8]
        return sizes.enumerated().map { List(offset: 48 + $0.offset * 4, size: $0.element) }
            + (streamIDs.map { [List(offset: $0, size: 4)] } ?? [])
    }

    /// Two sets of bytes for other processors come after that of the CPUs.
    private static func omnivisor(hasDevices: Bool) -> [List] {
        let sizes = [1, 1, 1, 40, 12, 32, 4, 56, 8, 4, 20] + (hasDevices ? [66, 109] : [])
        return sizes.enumerated().map { List(offset: 48 + $0.offset * 4, size: $0.element) }
    }

    /// A list of CPUs in place of a bitmap.
    private static func riscV(root: Int) -> ForeignFormat {
        ForeignFormat(
            "the RISC-V branch", 15, cell: 132, root: root, upstream(cpus: 16, streamIDs: 76), console: 100)
    }
}
