// SPDX-License-Identifier: Apache-2.0

// Compiled into both the host side and the cell monitor: the one description of what they share.

/// The machine memory of one cell's monitor: 1 MiB. The host fills it before each start; the monitor runs in it.
///
/// Numbers are byte offsets from its beginning, little endian.
enum MonitorMemory {
    static let size = 0x10_0000
    static let cpuLimit = 8
    static let slotLimit = 16
    /// The monitor sees its memory here, and all machine memory from ``window`` on.
    static let virtualBase = 0x10_0000
    static let window: UInt = 0xffff_8000_0000_0000

    static let parameters = 0
    static let image = 0x2000
    static let imageLimit = 0x1_e000
    /// Page tables that the monitor itself runs with.
    static let hostTables = 0x2_0000
    static let hostTablePages = 6
    /// Nested page tables for a CPU that waits: guest address 0 is the last of these pages, which halts.
    static let parkingTables = 0x2_6000
    static let parkingPages = 5
    static let registerMap = 0x2_c000
    static let registerMapSize = 0x2000
    static let portMap = 0x2_e000
    static let portMapSize = 0x3000
    /// VT-d: the root table, then one context table, which is every bus's that has devices of the cell.
    static let remappingTables = 0x3_1000
    /// Ends of links through shared memory; other cells' monitors read them, and leave interrupts there.
    static let links = 0x3_4000
    static let ring = 0x3_8000
    static let ringEntries = 0x1000
    /// One area a CPU, the boot CPU's last.
    static let cpus = 0x4_0000
    static let cpuStride = 0x6000
    static let bootCPU = cpuLimit
    /// Nested and VT-d page tables.
    static let tables = 0x7_8000
    static let tablePages = (communicationRegion - tables) / 0x1000
    static let communicationRegion = 0xf_f000

    /// Within the area of a CPU; its stack ends at ``record``.
    enum CPU {
        static let controlBlock = 0
        static let hostState = 0x1000
        static let record = 0x5000
    }

    /// Within the record of a CPU.
    enum Record {
        /// 32 bits: the machine's number of this CPU, which is its APIC's, too.
        static let number = 0
        static let failed = 0x04
        static let initRequested = 0x08
        /// 32 bits: ``sipiPending`` and the vector.
        static let sipi = 0x0c
        static let waitsForSIPI = 0x10
        static let lock = 0x14
        /// 32 bits: not 0 while the CPU waits for the host, before its first instruction or before it is parked.
        static let held = 0x18
        /// 64 bits each, in the order of ``Counter``.
        static let counters = 0x40
        /// Why the CPU was parked: kind, three details, registers; 64 bits each.
        static let report = 0x100
        static let registers = 0x200
    }

    static let sipiPending: UInt32 = 0x100
    /// The vector that represents the cell's reset address.
    static let resetVector: UInt32 = 0x100

    /// Within the parameters. Below `locks` the monitor only reads.
    enum Parameter {
        static let resetAddress = 0x00
        /// Of this memory in the machine.
        static let base = 0x08
        static let nestedRoot = 0x10
        static let cpuCount = 0x18
        static let flags = 0x1c
        /// Where the cell sees its communication region.
        static let communicationAddress = 0x20
        static let configurationSpace = 0x28
        static let lastBus = 0x30
        static let configurationWrites = 0x34
        static let pciDevices = 0x38
        static let pciCapabilities = 0x3c
        static let checkedRegions = 0x40
        static let pins = 0x44
        static let pmTimerPort = 0x48
        /// Of the device by which the monitors of several cells ring each other: its registers and its vectors.
        static let doorbellRegisters = 0x50
        static let doorbellVectors = 0x58
        static let cpuNumbers = 0x60
        /// Which of the machine's parts for monitors this is.
        static let slot = 0x80
        static let links = 0x84
        /// 32 bits each, written by the host whenever they change, whether or not a cell has this memory: see
        /// `HypervisorNumbers`.
        static let hypervisorNumbers = 0x88
        /// So many of them are told by the hypervisor itself; behind them is how many CPUs the machine has.
        static let toldNumbers = 5
        static let machineCPUs = 0x9c

        /// Spinlocks, 32 bits each.
        static let locks = 0x100
        static let ringLock = 0x100
        static let configurationLock = 0x104
        static let pinLock = 0x108
        /// Set by the host when it wants to be notified of the next event.
        static let notify = 0x10c
        static let ringHead = 0x110
        static let ringTail = 0x114
        static let ringMissed = 0x118
        static let failedCount = 0x11c
        /// CPUs of the cell that have reached the monitor.
        static let arrivedCount = 0x12c
        static let cyclesPerMillisecond = 0x120
        /// What the cell wrote to port 0xcf8 and to the IOAPIC's index.
        static let configurationAddress = 0x124
        static let pinIndex = 0x128
        /// What the cell wrote to the IOAPIC's redirection table.
        static let pinTable = 0x140

        /// Lists, of the sizes below.
        static let writeList = 0x400
        static let deviceList = 0x800
        static let capabilityList = 0x1000
        static let checkedList = 0x1800
    }

    enum Flag {
        static let remapsDMA: UInt32 = 0x1
        static let hasTestDevice: UInt32 = 0x2
        static let measuresCycles: UInt32 = 0x4
        static let putcPermitted: UInt32 = 0x8
        static let interruptsByPIC: UInt32 = 0x10
        static let hasKeyboard: UInt32 = 0x20
        /// A CPU that touches what is not the cell's is held before it is parked.
        static let holdsOnViolation: UInt32 = 0x40
    }

    /// A write to configuration space before the cell starts: u32 function << 16 | register, u32 size, u32 value.
    enum Write {
        static let size = 16
        static let limit = 64
    }

    /// u16 address, u8 kind, u8 MSI flags, u32 bar masks[6], u16 first capability, u16 capabilities,
    /// u64 MSI-X table, u32 its size, u16 vectors, u32 what the cell sees of the base addresses[6].
    enum Device {
        static let size = 80
        static let limit = 25
        static let kind = 2
        static let messageFlags = 3
        static let bars = 4
        static let firstCapability = 28
        static let capabilities = 30
        static let vectorTable = 32
        static let vectorTableSize = 40
        static let vectors = 44
        static let baseAddresses = 48
    }

    /// One end of a link: an ivshmem device of the cell.
    enum Link {
        static let size = 0x200
        static let limit = 16
        static let vectorLimit = 16
        /// 32 bits: 1 when the other ends can reach this one.
        static let isThere = 0x00
        static let function = 0x04
        /// 64 bits: of the state table, in the machine; with the function, this names the link.
        static let stateTable = 0x08
        static let identifier = 0x10
        static let peers = 0x14
        static let vectors = 0x18
        static let linkProtocol = 0x1c
        /// 64 bits each; the last is where the cell sees the memory.
        static let stateTableSize = 0x20
        static let commonSize = 0x28
        static let outputSize = 0x30
        static let address = 0x38
        /// What the cell has written.
        static let command = 0x40
        static let vectorControl = 0x44
        static let interruptControl = 0x48
        static let privilegedControl = 0x4c
        static let state = 0x50
        /// 32 bits: vectors that other ends have rung.
        static let pending = 0x54
        static let vectorTable = 0x100
    }

    /// u16 id, u16 start, u16 length, u16 flags.
    enum Capability {
        static let size = 8
        static let limit = 256
    }

    /// A region that is not whole pages: u64 cell address, u64 machine address, u64 size, u64 flags.
    enum Checked {
        static let size = 32
        static let limit = 64
    }

    /// In the order of the driver's files.
    enum Counter: Int, CaseIterable {
        case mmio, management, hypercall, portIO, xapic, controlRegister, cpuid, xsetbv, exception, otherMSR
        case x2APICCommand

        /// Those that have a file.
        static let shown = 11
    }

    /// An entry of the ring: u8 kind, u8 index of the CPU, u16 unused, u32 value.
    enum Event: UInt8 {
        case character = 1
        /// The CPU's record has the report.
        case parked, sipi, ignoredNMI, outsideDestination, unknownHypercall, testDevice
        /// The monitor itself stumbled: the record has vector, RIP and error code.
        case crashed
        /// The CPU will be parked as soon as it is released; the record has the report.
        case held
        /// Arm64: the host shall ring the monitor in the machine's part of this number.
        case rung
    }

    /// Why a CPU was parked; the details are given for each.
    enum Reason: UInt64 {
        case port = 1  // port, size, 1 when read
        case memory  // address, size, 1 when read
        case fetch  // address
        case register  // number, 1 when read
        case exit  // code, information 1 and 2
        case configurationPort  // port, size | read << 8, address port
        case configurationMemory  // function << 16 | register, size, 1 when read
        case vectorTable  // function
        case deliveryMode  // ICR
        case logicalDestination  // LDR
        case destinationFormat  // DFR
        case apicWidth  // size, offset, 1 when write
        case apicReserved  // register, value, offset | 1 << 32 when by the window | write << 33
        case apicLVT  // the same
        case apicAccess  // offset, 1 when write
        case pins  // register, index, 1 when read
        case controlRegister  // none
        case instruction  // four bytes, address, 1 when read
        case attributes  // PAT
        case paging  // none
        case checkedRegion  // address, size, 1 when read
        case keyboard  // none
    }

    /// The registers of a report, 64 bits each.
    enum Register: Int, CaseIterable {
        case rip, rsp, flags, rax, rbx, rcx, rdx, rsi, rdi, cs, csBase, csAttributes, cr0, cr3, cr4, efer
    }
}
