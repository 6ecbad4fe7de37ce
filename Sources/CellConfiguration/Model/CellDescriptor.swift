// SPDX-License-Identifier: Apache-2.0

/// A cell's configuration: what hardware it has (the contents of a `.cell` file).
package struct CellDescriptor: Hashable, Sendable {
    /// Bits that have no name are kept.
    package struct Flags: OptionSet, Hashable, Sendable {
        package var rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// The inmate answers no messages in its communication region: it is never asked.
        package static let passiveCommunicationRegion = Flags(rawValue: 0x1)
        package static let testDevice = Flags(rawValue: 0x2)
        package static let aarch32 = Flags(rawValue: 0x4)
        package static let virtualConsolePermitted = Flags(rawValue: 0x4000_0000)
        package static let virtualConsoleActive = Flags(rawValue: 0x8000_0000)
        /// All that upstream has.
        package static let known: Flags = [
            .passiveCommunicationRegion, .testDevice, .aarch32, .virtualConsolePermitted, .virtualConsoleActive,
        ]
    }

    /// Bytes that a name may have; its field has one more, for the NUL.
    package static let nameLimit = 31

    package var architecture: Architecture
    /// The layout that it was read from, and is written in unless another is asked for.
    package var format: FormatVariant
    /// The name as the file has it: 32 bytes, without zeros at their end.
    package var nameField: [UInt8]
    /// Set by the driver; 0 in files.
    package var id: UInt32
    package var flags: Flags
    /// Bits of a file that mean nothing in its layout, but something in later ones; kept as they are.
    package var meaninglessFlags: UInt32 = 0
    package var cpus: CPUSet
    package var memoryRegions: [MemoryRegion]
    package var cacheRegions: [CacheRegion]
    package var interruptChips: [InterruptChip]
    package var ioPortRegions: [IOPortRegion]
    package var pciDevices: [PCIDevice]
    package var pciCapabilities: [PCICapability]
    /// MMU-500: the id in the low half, the mask in the high half.
    package var streamIDs: [UInt32]
    /// Arm: the first interrupt of the cell's virtual PCI host controller.
    package var vpciInterruptBase: UInt32
    /// Where the cell's first CPU begins.
    package var cpuResetAddress: UInt64
    /// How often the hypervisor looks for the reply to a message before it gives up, with all of the root cell
    /// stalled meanwhile; 0: indefinitely. It counts loops, not time.
    package var messageReplyTimeout: UInt64
    package var console: Console
    /// Bytes behind the last list, which nothing counts: the driver accepts and ignores them.
    package var surplus: [UInt8] = []
    /// The length of the bitmap of I/O ports in bytes, which only revision 10 has; nil: as usual, 0x2000 on x86 and none
    /// on Arm.
    package var portBitmapSize: UInt32?
    /// Whether the file does not give the ``architecture`` (before revision 14), so that it was guessed from its
    /// contents. It does not count when descriptors are compared.
    package var isArchitectureGuessed: Bool {
        get { guess.isArchitecture }
        set { guess.isArchitecture = newValue }
    }
    /// Whether the source does not give the revision, so that the cell follows the system that it is to run on. It does
    /// not count when descriptors are compared.
    package var isRevisionAssumed: Bool {
        get { guess.isRevision }
        set { guess.isRevision = newValue }
    }
    private var guess = Guess()

    /// More of them are a damaged file.
    package static let surplusLimit = 4096

    package init(
        name: String, architecture: Architecture = .x86, flags: Flags = [], cpus: CPUSet = CPUSet([]),
        memoryRegions: [MemoryRegion] = [], cacheRegions: [CacheRegion] = [], interruptChips: [InterruptChip] = [],
        ioPortRegions: [IOPortRegion] = [], pciDevices: [PCIDevice] = [], pciCapabilities: [PCICapability] = [],
        streamIDs: [UInt32] = [], vpciInterruptBase: UInt32 = 0, cpuResetAddress: UInt64 = 0,
        messageReplyTimeout: UInt64 = 0, console: Console = .none, id: UInt32 = 0,
        revision: FormatRevision = .current
    ) {
        self.nameField = Array(name.utf8)
        self.architecture = architecture
        self.flags = flags
        self.cpus = cpus
        self.memoryRegions = memoryRegions
        self.cacheRegions = cacheRegions
        self.interruptChips = interruptChips
        self.ioPortRegions = ioPortRegions
        self.pciDevices = pciDevices
        self.pciCapabilities = pciCapabilities
        self.streamIDs = streamIDs
        self.vpciInterruptBase = vpciInterruptBase
        self.cpuResetAddress = cpuResetAddress
        self.messageReplyTimeout = messageReplyTimeout
        self.console = console
        self.id = id
        format = revision.standard
    }

    /// Setting another revision chooses its standard layout.
    package var revision: FormatRevision {
        get { format.revision }
        set { if newValue != format.revision { format = newValue.standard } }
    }

    /// As the driver is given it: without the bytes that nothing counts.
    package var withoutSurplus: CellDescriptor {
        var cell = self
        cell.surplus = []
        return cell
    }

    /// ``nameField`` up to its first zero, as text.
    package var name: String {
        get { String(decoding: nameField.prefix { $0 != 0 }, as: UTF8.self) }
        set { nameField = Array(newValue.utf8) }
    }

    package var isPassive: Bool { flags.contains(.passiveCommunicationRegion) }

    /// The first one, when there are several by mistake.
    package var communicationRegion: MemoryRegion? {
        memoryRegions.first { $0.flags.contains(.communicationRegion) }
    }

    /// Whether a hung inmate would freeze Linux: its replies are waited for indefinitely.
    package var canFreezeRootCell: Bool { !isPassive && messageReplyTimeout == 0 }
}

/// Equal to any other.
private struct Guess: Hashable, Sendable {
    var isArchitecture = false
    var isRevision = false

    static func == (first: Guess, second: Guess) -> Bool { true }

    func hash(into hasher: inout Hasher) {}
}
