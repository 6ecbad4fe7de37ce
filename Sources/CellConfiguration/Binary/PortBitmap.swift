// SPDX-License-Identifier: Apache-2.0

// I/O ports in revision 10: a bitmap from port 0 on, in which a set bit forbids. Ports behind its end are forbidden.

extension CellDescriptor {
    /// For 65536 ports. The hypervisor writes behind its own bitmap when it is given more.
    private static let wholePortBitmap = 0x2000

    /// Of the bitmap when nothing else is said.
    var usualPortBitmapSize: UInt32 {
        architecture == .x86 || !ioPortRegions.isEmpty ? UInt32(CellDescriptor.wholePortBitmap) : 0
    }

    /// Of the bitmap that is written.
    var writtenPortBitmapSize: UInt32 {
        let end = ioPortRegions.map { Int($0.base) + Int($0.count) }.max() ?? 0
        let needed = UInt32(min((end + 7) / 8, CellDescriptor.wholePortBitmap))
        return max(portBitmapSize ?? usualPortBitmapSize, needed)
    }

    mutating func codePortBitmap(_ coder: inout RecordCoder, size: UInt32) throws(ConfigurationError) {
        guard size <= CellDescriptor.wholePortBitmap else {
            throw ConfigurationError(
                .length,
                "the bitmap of I/O ports has \(size) bytes, more than there are ports (0x2000 bytes): the hypervisor "
                    + "would write behind its own")
        }
        var bitmap = coder.isReading ? [] : portBitmap(size: Int(size))
        try coder.exact(&bitmap, width: Int(size))
        guard coder.isReading else { return }
        portBitmapSize = size
        ioPortRegions = CellDescriptor.regions(ofPortBitmap: bitmap)
    }

    private func portBitmap(size: Int) -> [UInt8] {
        var bitmap = [UInt8](repeating: 0xff, count: size)
        for region in ioPortRegions {
            for port in Int(region.base)..<min(Int(region.base) + Int(region.count), size * 8) {
                bitmap[port / 8] &= ~(1 << UInt8(port % 8))
            }
        }
        return bitmap
    }

    /// Each run of allowed ports; all 65536 are two regions.
    private static func regions(ofPortBitmap bitmap: [UInt8]) -> [IOPortRegion] {
        var regions: [IOPortRegion] = []
        for (index, byte) in bitmap.enumerated() where byte != 0xff {
            for bit in 0..<8 where byte & (1 << UInt8(bit)) == 0 {
                let port = index * 8 + bit
                if let last = regions.last, Int(last.base) + Int(last.count) == port, last.count < UInt16.max {
                    regions[regions.count - 1].count += 1
                } else {
                    regions.append(IOPortRegion(base: UInt16(port), count: 1))
                }
            }
        }
        return regions
    }
}
