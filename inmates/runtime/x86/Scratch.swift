// SPDX-License-Identifier: Apache-2.0

import _Volatile

/// 64 KiB of memory that the image's file does not hold: zero when the program was loaded as it should be, since
/// a cell that is started again finds its RAM as it left it.
enum Scratch {
    static let words: UInt32 = 0x4000

    static var isClean: Bool {
        for index in 0..<words where register(index).load() != 0 { return false }
        return true
    }

    static func store(_ value: UInt32, at index: UInt32) { register(index % words).store(value) }

    private static func register(_ index: UInt32) -> VolatileMappedRegister<UInt32> {
        VolatileMappedRegister(unsafeBitPattern: UInt(scratchAddress() + index * 4))
    }
}

@_extern(c, "scratch_address") private func scratchAddress() -> UInt32
