// SPDX-License-Identifier: Apache-2.0

/// Linux kernels that nothing could run, with sound headers.
package enum TestKernel {
    /// A bzImage of one page behind its setup (Documentation/arch/x86/boot.rst).
    ///
    /// - Parameters:
    ///   - release: as `uname -r` would print it.
    ///   - payload: the compressed kernel, which the page is followed by.
    package static func bzImage(
        sectors: UInt8 = 1, relocatable: Bool = true, initialSize: UInt64 = 0x40_0000, release: String = "",
        payload: [UInt8] = [], _ change: (inout [UInt8]) -> Void = { _ in }
    ) -> [UInt8] {
        let setup = (Int(sectors) + 1) * 512
        var bytes = [UInt8](repeating: 0, count: setup + 0x1000)
        func store(_ number: UInt64, _ offset: Int, _ width: Int) {
            for index in 0..<width { bytes[offset + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index)) }
        }
        store(UInt64(sectors), 0x1f1, 1)
        store(0xaa55, 0x1fe, 2)
        store(0x66, 0x201, 1)
        bytes.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
        store(0x20f, 0x206, 2)
        if !release.isEmpty {
            store(0x100, 0x20e, 2)
            let text = Array("\(release) (builder@host) #1 SMP\0".utf8)
            bytes.replaceSubrange(0x300..<0x300 + text.count, with: text)
        }
        store(1, 0x211, 1)
        store(0x7fff_ffff, 0x22c, 4)
        store(0x20_0000, 0x230, 4)
        store(relocatable ? 1 : 0, 0x234, 1)
        store(3, 0x236, 2)
        store(2047, 0x238, 4)
        store(payload.isEmpty ? 0 : 0x1000, 0x248, 4)
        store(UInt64(payload.count), 0x24c, 4)
        store(0x100_0000, 0x258, 8)
        store(initialSize, 0x260, 4)
        bytes[setup] = 0xe7
        bytes += payload
        change(&bytes)
        return bytes
    }

    /// An Image for Arm64 (Documentation/arch/arm64/booting.rst).
    package static func arm64(
        size: UInt64 = 0x40_0000, textOffset: UInt64 = 0, _ change: (inout [UInt8]) -> Void = { _ in }
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 0x2000)
        for index in 0..<8 {
            bytes[8 + index] = UInt8(truncatingIfNeeded: textOffset >> UInt64(8 * index))
            bytes[16 + index] = UInt8(truncatingIfNeeded: size >> UInt64(8 * index))
        }
        bytes[24] = 0xa
        bytes.replaceSubrange(0x38..<0x3c, with: Array("ARM".utf8) + [0x64])
        change(&bytes)
        return bytes
    }
}
