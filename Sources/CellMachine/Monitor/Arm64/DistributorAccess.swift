// SPDX-License-Identifier: Apache-2.0

// Compiled into both the host side and the cell monitor for Arm64.

/// What becomes of a cell's access to the distributor, or to the page of a redistributor that has the same registers for
/// a CPU's own interrupts (Arm's IHI0048 and IHI0069): a cell reaches its own interrupts, and all else is as if it were
/// not there.
enum DistributorAccess: Hashable {
    /// Reads 0; a write has no effect.
    case ignored
    /// Reads what the hardware says; a write has no effect.
    case readOnly
    /// Registers in which each 1 that is written does something: only these bits.
    case bits(mask: UInt64)
    /// Registers of which only these bits are read and replaced.
    case fields(mask: UInt64)
    /// Version 2: which CPUs the interrupts from this one on go to, a byte each.
    case targets(first: UInt32)
    /// Version 3: the CPU that an interrupt goes to.
    case route(interrupt: UInt32)
    /// Version 2: sends an interrupt to other CPUs.
    case softwareInterrupt

    private enum Register {
        static let groups: UInt64 = 0x080
        static let bits = UInt64(0x100)..<0x400
        static let priorities = UInt64(0x400)..<0x800
        static let targets = UInt64(0x800)..<0xc00
        static let configuration = UInt64(0xc00)..<0xd00
        static let softwareInterrupt: UInt64 = 0xf00
        static let routes = UInt64(0x6000)..<0x8000
        /// Control, type and implementer.
        static let identity = UInt64(0)..<0x00c
    }

    /// What the hypervisor keeps for itself of a CPU's own interrupts: 0 and 1 are how CPUs call each other, 25 says
    /// that a list register is free.
    static let hypervisors: UInt32 = 1 << 0 | 1 << 1 | 1 << 25
    /// From here on interrupts have owners.
    static let firstShared: UInt32 = 32
    static let interruptLimit: UInt32 = 1024

    /// - Parameters:
    ///   - version: of the interrupt controller, 2 or 3.
    ///   - owned: 32 interrupts, by the number of the first divided by 32: which of them are the cell's.
    init(offset: UInt64, size: Int, version: UInt32, owned: (UInt32) -> UInt32) {
        self = .ignored
        let identification: Range<UInt64> = version == 3 ? 0xffd0..<0x1_0000 : 0xfd0..<0x1000
        if Register.identity.contains(offset) || identification.contains(offset) {
            self = .readOnly
        } else if Register.groups <= offset, offset < Register.bits.lowerBound {
            self = .fields(mask: DistributorAccess.mask(offset - Register.groups, size, bitsEach: 1, version, owned))
        } else if Register.bits.contains(offset) {
            let word = (offset - Register.bits.lowerBound) % 0x80
            self = .bits(mask: DistributorAccess.mask(word, size, bitsEach: 1, version, owned))
        } else if Register.priorities.contains(offset) {
            let place = offset - Register.priorities.lowerBound
            self = .fields(mask: DistributorAccess.mask(place, size, bitsEach: 8, version, owned))
        } else if Register.configuration.contains(offset) {
            let place = offset - Register.configuration.lowerBound
            self = .fields(mask: DistributorAccess.mask(place, size, bitsEach: 2, version, owned))
        } else if version == 2, Register.targets.contains(offset) {
            self = .targets(first: UInt32(offset - Register.targets.lowerBound))
        } else if version == 2, offset == Register.softwareInterrupt {
            self = .softwareInterrupt
        } else if version == 3, Register.routes.contains(offset), offset & 7 == 0 {
            let interrupt = UInt32(offset - Register.routes.lowerBound) / 8
            let isOwn = interrupt >= DistributorAccess.firstShared && DistributorAccess.owns(interrupt, owned)
            self = isOwn ? .route(interrupt: interrupt) : .ignored
        }
    }

    static func owns(_ interrupt: UInt32, _ owned: (UInt32) -> UInt32) -> Bool {
        interrupt < interruptLimit && owned(interrupt / 32) >> (interrupt % 32) & 1 != 0
    }

    /// The bits of an access that are about the cell's interrupts.
    ///
    /// - Parameter place: in bytes from the first register of the kind.
    private static func mask(
        _ place: UInt64, _ size: Int, bitsEach: UInt32, _ version: UInt32, _ owned: (UInt32) -> UInt32
    ) -> UInt64 {
        var mask: UInt64 = 0
        let perByte = 8 / bitsEach
        // of a priority's byte the hypervisor looks at the first interrupt of its word
        let start = bitsEach == 8 && size < 4 ? place & ~3 : place
        for index in 0..<UInt32(size) * perByte {
            let interrupt = UInt32(truncatingIfNeeded: start) * perByte + index
            guard owns(interrupt, owned) else { continue }
            // with version 3 those of a CPU are in its redistributor
            if interrupt < firstShared, bitsEach == 1, hypervisors >> interrupt & 1 != 0 { continue }
            mask |= (1 << UInt64(bitsEach) - 1) << UInt64(index * bitsEach)
        }
        if start != place { mask = owns(UInt32(truncatingIfNeeded: start), owned) ? 0xff : 0 }
        return mask
    }
}
