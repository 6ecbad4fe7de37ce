// SPDX-License-Identifier: Apache-2.0

/// A system's configuration: the machine, the hypervisor's memory and the root cell (the contents of a
/// `.system` file, which upstream names `.cell` as well).
package struct SystemDescriptor: Hashable, Sendable {
    /// Bits that have no name are kept.
    package struct Flags: OptionSet, Hashable, Sendable {
        package var rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// Linux may read the hypervisor's console.
        package static let virtualDebugConsole = Flags(rawValue: 0x1)
    }

    package var architecture: Architecture
    /// The layout that it was read from, and is written in unless another is asked for.
    package var format: FormatVariant
    package var flags: Flags
    /// Where the hypervisor lives; Linux must keep it free. Only the physical address and the size are used.
    package var hypervisorMemory: MemoryRegion
    package var debugConsole: Console
    /// Arm: the interrupt of that serial port, as the interrupt controller numbers it, for cells whose Linux prints there; 0: it
    /// is not known. Only the TOML source has it.
    package var consoleInterrupt: UInt32 = 0
    package var platform: Platform
    /// Linux's own cell. Its ``CellDescriptor/architecture`` and revision are the system's.
    package var rootCell: CellDescriptor
    /// The 8 bytes where a cell of its own would have signature and revision: usually zeros, which this drops
    /// at their end.
    package var rootCellHeader: [UInt8]

    /// Setting another revision chooses its standard layout.
    package var revision: FormatRevision {
        get { format.revision }
        set { if newValue != format.revision { format = newValue.standard } }
    }

    package init(
        architecture: Architecture = .x86, flags: Flags = [], hypervisorMemory: MemoryRegion = MemoryRegion(),
        debugConsole: Console = .none, platform: Platform = Platform(), rootCell: CellDescriptor,
        rootCellHeader: [UInt8] = [], revision: FormatRevision = .current
    ) {
        self.architecture = architecture
        self.flags = flags
        self.hypervisorMemory = hypervisorMemory
        self.debugConsole = debugConsole
        self.platform = platform
        self.rootCell = rootCell
        self.rootCell.architecture = architecture
        self.rootCell.format = revision.standard
        self.rootCellHeader = rootCellHeader
        format = revision.standard
    }
}
