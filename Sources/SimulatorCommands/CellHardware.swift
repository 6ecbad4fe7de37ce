// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import CellDefinition
import CellMachine
import Simulator
import SystemCalls

/// `--cells`.
enum CellsChoice: String, ExpressibleByArgument, CaseIterable {
    case execute, script
}

/// `--device`.
struct DeviceChoice: ExpressibleByArgument {
    var device: SimulatedDevice

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        let words = parts[0].split(separator: "=", maxSplits: 1).map(String.init)
        guard words.count == 2, let address = PCIAddress(words[0]), DeviceChoice.isName(words[1]) else { return nil }
        device = SimulatedDevice(address: address, model: words[1])
        for part in parts.dropFirst() {
            guard part.hasPrefix("network="), case let name = String(part.dropFirst(8)), DeviceChoice.isName(name)
            else { return nil }
            device.network = name
        }
    }

    /// What is allowed in QEMU's command line and in a file's name.
    private static func isName(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "-" || $0 == ".")
            }
    }
}

/// `--definitions`.
struct DefinitionDirectory: Sendable {
    let path: String
    /// Called with what the simulated machine does not have, and which definitions cannot be understood.
    let say: @Sendable (String) -> Void

    /// What the definition of a cell of this name says of the simulated machine.
    @Sendable func hardware(of name: String) -> ExecutionSettings.Hardware {
        let loaded = ConfigurationDirectory.definitions(in: path, PlainFiles())
        for error in loaded.errors { say("a definition is left out: \(error)") }
        return loaded.definitions.first { $0.name == name }.map(hardware) ?? ExecutionSettings.Hardware()
    }

    private func hardware(of definition: CellDefinition) -> ExecutionSettings.Hardware {
        let simulation = definition.simulation
        for device in simulation.devices where LegacyDevice(rawValue: device.rawValue) == nil {
            say("cell \"\(definition.name)\": the simulated machine has no \(device.rawValue)")
        }
        return ExecutionSettings.Hardware(
            devices: simulation.pci.map {
                SimulatedDevice(address: $0.address, model: $0.model, network: $0.network)
            },
            legacyDevices: Set(simulation.devices.compactMap { LegacyDevice(rawValue: $0.rawValue) }))
    }
}
