// SPDX-License-Identifier: Apache-2.0

/// How QEMU is started for one cell.
protocol EmulatorCommand {
    var settings: CellMachineSettings { get }
    /// Without the program.
    var list: [String] { get }
    /// Of its devices that are on one, in their order.
    var networks: [String] { get }
    /// The cell's slot, where its monitor rings those of other cells.
    var doorbellSlot: Int? { get }
}

/// Descriptors that QEMU inherits.
enum EmulatorDescriptor {
    static let control = 3
    static let bell = 4
    static let serial = 5
    static let memory = 6
    /// One for each device with a network.
    static let firstNetwork = 7

    /// A channel of QEMU's over one.
    static func channel(_ name: String, _ descriptor: Int) -> [String] {
        ["-chardev", "socket,id=\(name),fd=\(descriptor)"]
    }
}
