// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// What a cell has in the simulated machine: `[simulation]` and `[[simulated-device]]` of its definition, which
/// `jailhouse-sim` reads for cells that execute.
package struct SimulationTable: Hashable, Sendable {
    /// Hardware of a PC that no cell of the real hypervisor has. To try a program that was not yet built without it.
    package enum Device: String, CaseIterable, Hashable, Sendable {
        /// The interrupt controllers, with their trigger registers.
        case pic8259A = "8259a"
        /// The interval timer, with the port that gates its speaker.
        case pit8254 = "8254"
        /// The keyboard controller.
        case keyboardController = "8042"
        /// The clock that runs without power.
        case realTimeClock = "mc146818"
        /// The registers of the display; its memory is ordinary RAM.
        case vga

        /// The I/O ports by which it is driven.
        package var ports: [ClosedRange<UInt16>] {
            switch self {
            case .pic8259A: [0x20...0x21, 0xa0...0xa1, 0x4d0...0x4d1]
            case .pit8254: [0x40...0x43, 0x61...0x61]
            case .keyboardController: [0x60...0x60, 0x64...0x64]
            case .realTimeClock: [0x70...0x71]
            case .vga: [0x3b0...0x3df]
            }
        }
    }

    /// The device in the simulated machine where the cell's configuration has a PCI device.
    package struct PCIModel: Hashable, Sendable {
        /// As in the configuration.
        package var address: PCIAddress
        /// As QEMU calls it: `e1000e`.
        package var model: String
        /// The wire that a network card is at; cards with the same name here can talk to each other.
        package var network: String?
    }

    package var devices: [Device] = []
    /// Whether the definition is for the simulated machine only: it has hardware that a real machine's Linux uses.
    package var isOnly = false
    package var pci: [PCIModel] = []

    package init() {}

    init(_ document: SourceDocument) throws(ConfigurationError) {
        if let table = try document.root.table("simulation") {
            isOnly = try table.value("only")?.boolean() ?? false
            let devices = table.value("devices")
            for word in try devices.map({ (value) throws(ConfigurationError) in try value.words() }) ?? [] {
                let name = try word.word(of: Device.allCases.map(\.rawValue))
                if let device = Device(rawValue: name) { self.devices.append(device) }
            }
        }
        for table in try document.root.tables("simulated-device") {
            let address = try table.required("bdf")
            guard let place = PCIAddress(try address.string()) else {
                throw address.error(.invalidValue, "this must be bus, device and function, for example \"00:19.0\"")
            }
            guard !pci.contains(where: { $0.address == place }) else {
                throw address.error(.conflict, "another simulated device is at \(place)")
            }
            pci.append(
                PCIModel(
                    address: place, model: try table.required("model").simulatorName(),
                    network: try table.value("network")?.simulatorName()))
        }
    }
}

extension SourceValue {
    /// A list, or one value instead of a list of it.
    fileprivate func words() throws(ConfigurationError) -> [SourceValue] {
        if (try? string()) != nil { return [self] }
        return try list()
    }

    /// What a command line of QEMU may contain and in a file's name.
    fileprivate func simulatorName() throws(ConfigurationError) -> String {
        let name = try string()
        let isSound = name.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || "-.".unicodeScalars.contains(scalar))
        }
        guard !name.isEmpty, name.utf8.count <= 32, isSound else {
            throw error(.invalidValue, "this must be a name of up to 32 letters, digits, hyphens and dots")
        }
        return name
    }
}
