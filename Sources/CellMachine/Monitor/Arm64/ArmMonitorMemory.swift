// SPDX-License-Identifier: Apache-2.0

// Compiled into both the host side and the cell monitor for Arm64.

extension MonitorMemory {
    /// What the Arm64 monitor has otherwise than the x86 monitor.
    enum Arm64 {
        /// Where QEMU's virt machine has its RAM, which the file of the machine's memory is.
        static let ram: UInt64 = 0x4000_0000

        /// The registers of the cell, x0 to x30, which the monitor saves at each exit: the end of the CPU's stack.
        static let frameSize = 256
        static let frame = CPU.record - frameSize

        /// Within the parameters, where x86 has its lists of configuration space.
        enum Parameter {
            /// 32 bits: 2 or 3.
            static let gicVersion = 0x400
            /// 32 bits: CPUs of the whole system, each of which has a frame of the redistributor.
            static let systemCPUs = 0x404
            /// 64 bits each: where the cell sees the distributor and the redistributor.
            static let distributor = 0x408
            static let redistributor = 0x410
            /// 64 bits: stage 2's VTCR.
            static let translationControl = 0x418
            /// 32 bits: the kind of the cell's serial port when QEMU has no such, else 0; the distance of its registers;
            /// what the cell wrote to its line control register. 64 bits: where it is in the machine that the
            /// configuration is for.
            static let serialKind = 0x420
            static let serialDistance = 0x424
            static let serialLineControl = 0x428
            static let serialAddress = 0x430
            /// 64 bits: where the cell sees its page, when it is a whole one.
            static let serialPage = 0x438
            /// 32 bits each: the interrupt of the first pin of virtual PCI devices; where the bell is on QEMU's PCI bus, and
            /// its interrupt.
            static let firstPinInterrupt = 0x440
            static let bellSlot = 0x444
            static let bellInterrupt = 0x448
            /// 1024 bits: the interrupts that are the cell's.
            static let interrupts = 0x480
        }

        /// A region that is not whole pages: u64 cell address, u64 physical address, u64 size, u64 flags, u64 machine
        /// address.
        enum Checked {
            static let size = 40
            static let limit = 48
            static let machineAddress = 32
            static let nothing = UInt64.max
        }

        enum Flag {
            /// The cell begins in AArch32.
            static let is32Bit: UInt32 = 0x1000
        }

        /// Within the record of a CPU.
        enum Record {
            /// 32 bits: not 0 while the CPU executes the cell's program, or is about to.
            static let isOn = 0x20
            /// 32 bits: not 0 when it shall begin; 64 bits each: where, and with what in x1.
            static let startRequested = 0x24
            static let entry = 0x28
            static let context = 0x30
            /// 32 bits each: interrupts 0 to 15 that other CPUs send, with the sender in bits 12 to 10; not 0 when one is
            /// there. Its lock is before them.
            static let callsLock = 0x38
            static let calls = 0x800
            /// 32 bits each: positions in the queue.
            static let queueHead = 0x340
            static let queueTail = 0x344
            /// 32 bits each: interrupts that found no free list register.
            static let queue = 0x400
            static let queueEntries = 256
        }

        /// In the order of the driver's files; the last has none, and counts in the total only.
        enum Counter: Int {
            case mmio, management, hypercall, maintenance, virtualInterrupt, virtualSGI, psci, smccc, other

            /// Those that have a file.
            static let shown = 8
        }

        /// Why a CPU was parked; the details are given for each.
        enum Reason: UInt64 {
            case memory = 1  // address, size, 1 when read
            case checkedRegion  // address, size, 1 when read
            case fetch  // address
            case configurationMemory  // function << 16 | register, size
            case vectorTable  // function
            case message  // none
            case route  // interrupt
            case call  // none
            case firmwareCall  // number
            case trap  // none
        }

        /// The registers of a report, 64 bits each; x0 to x30 follow them. The last four are for debuggers: SCTLR, TCR,
        /// TTBR0 and TTBR1 of EL1.
        enum Register: Int {
            case pc, sp, spsr, elr, esr, systemControl, translationControl, lowerTable, upperTable
            static let general = 9
            static let generalCount = 31
        }
    }
}
