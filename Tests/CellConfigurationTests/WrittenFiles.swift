// SPDX-License-Identifier: Apache-2.0

@testable import CellConfiguration

/// Files of each layout as upstream's headers lay them out, written byte by byte: the offsets stand here a second time, and
/// nothing of the codec is used.
struct WrittenFile {
    private(set) var bytes: [UInt8] = []

    init(size: Int) { bytes = [UInt8](repeating: 0, count: size) }

    mutating func put(_ offset: Int, _ width: Int, _ value: UInt64) {
        for index in 0..<width { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    }

    mutating func put(_ offset: Int, _ text: String) {
        for (index, byte) in text.utf8.enumerated() { bytes[offset + index] = byte }
    }

    mutating func append(_ fields: [(width: Int, value: UInt64)]) {
        for (width, value) in fields {
            let offset = bytes.count
            bytes += [UInt8](repeating: 0, count: width)
            put(offset, width, value)
        }
    }

    mutating func append(_ more: [UInt8]) { bytes += more }
}

extension WrittenFile {
    /// What a cell of each layout has: two memory regions, one interrupt chip, COM1 and ports 0x60 and 0x64, a PCI device.
    static func cell(_ variant: FormatVariant, oldLink: Bool = false) -> [UInt8] {
        var file = WrittenFile(size: 0)
        file.putCell(variant, at: 0, oldLink: oldLink)
        let revision = variant.rawValue.prefix { ("0"..."9").contains($0) }
        file.put(0, revision == "14" ? "JHCLL" : "JHCELL")
        file.put(6, 2, UInt64(revision) ?? 0)
        file.put(8, "probe")
        return file.bytes
    }

    private mutating func putCell(_ variant: FormatVariant, at offset: Int, oldLink: Bool, arm: Bool = false) {
        let isRevision10 = variant == .r10
        let isBefore12 = [.r10, .r11a, .r11b, .r11c].contains(variant)
        let rest = isBefore12 ? 76 : 80
        bytes += [UInt8](repeating: 0, count: offset + (isBefore12 ? 128 : 132) - bytes.count)
        put(offset + 40, 4, 0)
        put(offset + 44, 4, 1)
        put(offset + 48, 4, 8)
        put(offset + 52, 4, 2)
        put(offset + 60, 4, 1)
        put(offset + 64, 4, arm ? 0 : isRevision10 ? 0x2000 : 3)
        put(offset + 68, 4, 1)
        if !isBefore12 { put(offset + 76, 4, arm ? 1 : 0) }
        put(offset + rest, 4, 5)
        put(offset + rest + 4, 8, 0xf0000)
        put(offset + rest + 12, 8, 1_000_000)
        put(offset + rest + 20, 8, 0x3f8)
        put(offset + rest + 32, 2, 2)
        append([(8, 0b110)])
        append([(8, 0x3a00_0000), (8, 0), (8, 0x10_0000), (8, 0x47)])
        // unaligned accesses are bit 8 until the end of January 2020
        let isEarly = isBefore12 || [.r12a, .r12b, .r12c].contains(variant)
        append([(8, 0xfed0_0000), (8, 0xfed0_0000), (8, 0x1000), (8, isEarly ? 0x113 : 0x8013)])
        append([(8, 0xfec0_0000), (4, 0xff), (4, 0), (4, 0x10), (4, 0), (4, 0), (4, 0)])
        if arm {
            // no ports
        } else if isRevision10 {
            var bitmap = [UInt8](repeating: 0xff, count: 0x2000)
            bitmap[0x60 / 8] = 0b1110_1110
            bitmap[0x3f8 / 8] = 0
            append(bitmap)
        } else {
            append([(2, 0x60), (2, 1), (2, 0x64), (2, 1), (2, 0x3f8), (2, 8)])
        }
        append([(1, 3), (1, 0), (2, 0), (2, 0x70)])
        append([(4, oldLink ? 0xffff_ff00 : 0xffff_f000), (4, oldLink ? 0xffff_ffff : 0), (8, 0), (8, 0)])
        append([(2, 0), (2, 0), (1, 0), (1, 0), (2, 0), (2, 0), (8, 0), (4, 1)])
        append(oldLink ? [(2, 0x100), (2, 0)] : [(1, 1), (1, 3), (2, 1)])
        if arm && !isBefore12 { append([(4, 0x22)]) }
    }

    /// A system on x86 with one AMD unit and one of Intel's, or on Arm with a GICv3 and, where there can be one, an SMMU.
    static func system(_ variant: FormatVariant, arm: Bool = false, oldLink: Bool = false) -> [UInt8] {
        let places: (root: Int, unit: Int, units: Int, part: Int) =
            switch variant {
            case .r10, .r11a: (266, 20, 106, 88)
            case .r11b: (298, 24, 106, 88)
            case .r11c, .r12a, .r12b: (322, 24, arm ? 130 : 106, 88)
            case .r12c, .r12d: (354, 28, arm ? 130 : 106, 88)
            case .r13a: (354, 28, 88, 312)
            case .r13b, .r14: (356, 28, 88, 312)
            }
        let isNew = variant == .r13b || variant == .r14
        let revision = variant.rawValue.prefix { ("0"..."9").contains($0) }
        var file = WrittenFile(size: places.root)
        file.put(0, revision == "14" ? "JHSYS" : "JHSYST")
        if revision == "14" { file.put(5, 1, arm ? 2 : 0) }
        file.put(6, 2, UInt64(revision) ?? 0)
        file.put(8, 4, 1)
        file.put(12, 8, 0x3b00_0000)
        file.put(28, 8, 0x60_0000)
        file.put(44, 8, 0x3f8)
        file.put(56, 2, 2)
        file.put(76, 8, 0xb000_0000)
        file.put(84, 1, 0xff)
        file.put(86, 2, 1)
        let part = places.part
        if arm {
            file.put(part, 1, 25)
            file.put(part + 1, 1, 3)
            let gic = part + (isNew ? 4 : 2)
            file.put(gic, 8, 0x800_0000)
            file.put(gic + 32, 8, 0x80a_0000)
            guard ![.r10, .r11a, .r11b].contains(variant) else { return file.root(variant, places.root, arm, oldLink) }
            file.put(places.units, 4, 3)
            file.put(places.units + 4, 8, 0x905_0000)
            file.put(places.units + 12, 4, 0x2_0000)
            return file.root(variant, places.root, arm, oldLink)
        }
        file.put(part, 2, 0x608)
        file.put(part + (isNew ? 2 : 6), 1, 2)
        file.put(part + (isNew ? 4 : 2), 4, 256)
        file.put(part + (isNew ? 8 : 10), 4, 2_400_000)
        file.put(part + (isNew ? 12 : 14), 4, 62_500)
        let type = places.unit == 20 ? 0 : 4
        for (index, base) in [UInt64(0xfeb8_0000), 0xfed9_0000].enumerated() {
            let unit = places.units + index * places.unit
            if type > 0 { file.put(unit, 4, index == 0 ? 1 : 2) }
            file.put(unit + type, 8, base)
            file.put(unit + type + 8, 4, 0x1000)
            guard index == 0 else { continue }
            file.put(unit + type + 12, 2, 2)
            file.put(unit + type + 14, 1, 0x40)
            file.put(unit + type + 15, 1, 0x54)
            file.put(unit + type + 16, 4, 0x8004_8824)
        }
        return file.root(variant, places.root, arm, oldLink)
    }

    private func root(_ variant: FormatVariant, _ offset: Int, _ arm: Bool, _ oldLink: Bool) -> [UInt8] {
        var file = self
        file.putCell(variant, at: offset, oldLink: oldLink, arm: arm)
        file.put(offset + 8, "root")
        return file.bytes
    }
}
