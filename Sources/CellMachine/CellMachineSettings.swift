// SPDX-License-Identifier: Apache-2.0

/// What all cells of a simulated machine have in common.
package struct CellMachineSettings: Hashable, Sendable {
    package enum CommunicationRegionLayout: Hashable, Sendable {
        case current
        /// Of Jailhouse's first releases, as the RTEMS port of 2016 reads it.
        case of2016
    }

    package enum Accelerator: Hashable, Sendable {
        /// KVM where it nests SVM, else software.
        case automatic
        case software
    }

    /// QEMU for x86-64.
    package var emulator: String
    /// The files that Sources/CellMonitor builds.
    package var firmware: String
    package var monitor: String
    /// An existing directory: sockets of networks, and small files of each cell.
    package var directory: String
    /// The machine's RAM as a sparse file, of ``memorySize`` bytes: see ``MachineMemory``.
    package var memoryFile: String
    /// In bytes: whole megabytes, more than 2 GiB. What is above 2 GiB is at 4 GiB.
    package var memorySize: UInt64
    package var pmTimerPort: UInt16
    /// Of PCI's configuration space in memory: whole 256 MiB.
    package var configurationSpaceBase: UInt64
    package var layout: CommunicationRegionLayout
    package var accelerator: Accelerator
    /// How long QEMU may take for an answer.
    package var patience: Duration
    /// Whether a CPU that touches what is not the cell's is held at its instruction before it is parked, for a debugger;
    /// while there is one, it always is.
    package var holdsOnViolation = false

    package init(
        emulator: String = "/usr/bin/qemu-system-x86_64", firmware: String, monitor: String, directory: String,
        memoryFile: String, memorySize: UInt64 = 4 << 30, pmTimerPort: UInt16 = 0x608,
        configurationSpaceBase: UInt64 = 0xb000_0000, layout: CommunicationRegionLayout = .current,
        accelerator: Accelerator = .automatic, patience: Duration = .seconds(20)
    ) {
        self.emulator = emulator
        self.firmware = firmware
        self.monitor = monitor
        self.directory = directory
        self.memoryFile = memoryFile
        self.memorySize = memorySize
        self.pmTimerPort = pmTimerPort
        self.configurationSpaceBase = configurationSpaceBase
        self.layout = layout
        self.accelerator = accelerator
        self.patience = patience
    }
}
