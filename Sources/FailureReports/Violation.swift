// SPDX-License-Identifier: Apache-2.0

package enum Access: String, Hashable, Sendable {
    case read, write
}

/// Why the hypervisor parked or stopped a CPU, or reported a fault, as its console says it.
///
/// The words are those of releases v0.10 to HEAD, on x86 (AMD and Intel), Arm64 and Arm32. Numbers are as printed: addresses
/// are guest-physical unless a case says otherwise.
package enum Violation: Hashable, Sendable {
    // MARK: memory and ports
    /// An I/O port that is not the cell's.
    case port(Access, UInt64, size: UInt64)
    /// An address in no memory region, or without that right (x86). Size 0: the instruction could not be decoded.
    case memory(Access, UInt64, size: UInt64)
    /// The same on Arm.
    case dataAbort(Access, UInt64, size: UInt64)
    /// An access that the rules of a region smaller than a page forbid; the address is physical.
    case subPage(Access, UInt64, size: UInt64)
    /// The CPU was to execute at an address that is in no executable region (Arm).
    case instructionAbort(UInt64)
    /// The bytes of the instruction cannot be read (x86).
    case unreadableInstruction
    /// An instruction that the hypervisor does not emulate on trapped memory.
    case unsupportedInstruction([UInt64], TrappedAccess? = nil)
    case inconsistentAccess(TrappedAccess? = nil)
    /// The hypervisor does not follow page tables of this kind, so it cannot read the instruction.
    case pagingMode(TrappedAccess? = nil)

    // MARK: PCI
    case pciConfiguration(Access, device: String, register: UInt64, size: UInt64)
    case pciPort(Access, port: UInt64, size: UInt64)
    case pciMemory(Access, device: String, register: UInt64, size: UInt64)
    case vectorTable(device: String)
    case vectorTarget(cell: String, device: String)
    /// Up to v0.11.
    case linkRegister(Access, UInt64)

    // MARK: interrupts and timers
    case ioapic(Access, register: UInt64, index: UInt64)
    case apicDelivery(UInt64)
    case apicReserved(register: UInt64, value: UInt64)
    case apicVector(register: UInt64, value: UInt64)
    case apicMode
    case apicWidth(UInt64)
    case apicDestination(register: String, value: UInt64)
    /// The line that closes each failure in the APIC's window; alone only for an unaligned access and for a fetch.
    case apicAccess(TrappedAccess?, isFetch: Bool = false)
    case interruptRoute(UInt64)

    // MARK: registers and instructions
    case msr(Access, UInt64)
    case pageAttributes(UInt64)
    /// With Intel's exit qualification, where it is printed: SDM, volume 3, "Exit Qualification for Control-Register
    /// Accesses".
    case controlRegister(qualification: UInt64? = nil)
    /// The register's number and the value, where they are printed.
    case extendedControlRegister(number: UInt64? = nil, value: UInt64? = nil)
    case keyboardController
    case tripleFault
    case vmExit(reason: UInt64)
    case svmExit(code: UInt64)
    case guestState
    case secureCall(UInt64)
    /// A trap of Arm without any reason line.
    case armTrap(class: UInt64, isForbidden: Bool)
    case testDevice(Access)

    // MARK: the hypervisor and the machine
    case hypervisorException(UInt64)
    case hypervisorAbort
    /// 32-bit Arm: the hypervisor itself was trapped, by no abort: `hvc`, `undef`, `fiq`.
    case hypervisorTrap(String)
    case hypervisorInstruction(String)
    case interruptState(device: String)
    case ioapicState(pin: UInt64)
    case iommuCommand(unit: UInt64)
    case iommuLocked(unit: UInt64)
    case messageFilterLocked(register: UInt64)
    case dmarRegister(Access, UInt64)
    case dmarQueue
    /// 32-bit Arm: the code for entering the hypervisor does not lie in one page.
    case identityMap

    /// A `FATAL` that no release up to now prints, or one that is cut off; without that word.
    case unknown(String)
}

/// Where a trapped access went, by the line that follows the reason.
package struct TrappedAccess: Hashable, Sendable {
    package var access: Access
    package var address: UInt64

    package init(_ access: Access, _ address: UInt64) {
        self.access = access
        self.address = address
    }
}

/// A device accessed memory that is not its cell's. Nobody is parked: the access was dropped.
package struct DMAFault: Hashable, Sendable {
    package var unit: UInt64
    /// bus:device.function
    package var device: String
    /// The address, to the page; nil where the report has none.
    package var address: UInt64?
    package var access: Access?
    /// The unit's own code: VT-d's fault reason, AMD-Vi's event code.
    package var code: UInt64
    package var vendor: Vendor
    /// AMD-Vi: an interrupt, no access to memory.
    package var isInterrupt = false

    /// Whose codes they are.
    package enum Vendor: Hashable, Sendable {
        case intel, amd
    }

    package init(
        unit: UInt64, device: String, address: UInt64? = nil, access: Access? = nil, code: UInt64,
        vendor: Vendor = .intel
    ) {
        (self.unit, self.device, self.address) = (unit, device, address)
        (self.access, self.code, self.vendor) = (access, code, vendor)
    }

    /// Takes AMD-Vi's event as the console has it (AMD I/O Virtualization Technology Specification, 2.5.3).
    ///
    /// - Parameters:
    ///   - flags: the event's first 64 bits; bit 53: a write, bit 51: an interrupt.
    ///   - address: the other ones.
    mutating func take(event flags: UInt64, _ address: UInt64) {
        isInterrupt = flags >> 51 & 1 == 1
        self.address = address
        access = isInterrupt || code != 2 ? nil : flags >> 53 & 1 == 1 ? .write : .read
    }

    /// The entry of VT-d's interrupt remapping table that a blocked interrupt asked for (Intel VT-d specification, 7.1.3 and
    /// 11.4.14.1: fault reasons 20h to 26h, bits 63:48 of the fault information); nil: it was an access to memory.
    package var interruptIndex: UInt64? {
        guard vendor == .intel, (0x20...0x26).contains(code), let address else { return nil }
        return address >> 48
    }
}
