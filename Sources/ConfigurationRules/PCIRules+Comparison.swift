// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

// A device that a cell has, against what the system says of it.

extension PCIRules {
    static let sameDevices = Rule<SystemRules.Placement>(
        id: "JH1016", severity: .error, title: "a PCI device's registers are as the system has them",
        consequence:
            "the hypervisor moderates the wrong registers: interrupts of the device do not arrive, or the cell may "
            + "write registers that were to be protected",
        remedy: "copy the device and its [[pci-capability]] from the system, without what the cell is not to have"
    ) { placement in
        let root = placement.system.rootCell
        let known = Dictionary(root.pciDevices.map { (DeviceKey($0), $0) }) { first, _ in first }
        return devices(of: placement.cell).compactMap { location, device in
            guard device.kind != .sharedMemory, let other = known[DeviceKey(device)], other.kind != .sharedMemory else {
                return nil
            }
            let own = differences(device, other)
            let capabilities = differences(
                capabilities(of: device, in: placement.cell), capabilities(of: other, in: root))
            let all = own + capabilities.map(\.difference)
            guard !all.isEmpty else { return nil }
            let places = (own.isEmpty ? [] : [location]) + capabilities.map { "pci-capability[\($0.index)]" }
            return .init(
                location: places[0],
                message: "of the device \(DeviceKey(device)), " + all.map(\.text).joined(separator: "; "),
                severity: all.contains(where: \.isGrave) ? nil : .warning, others: Array(places.dropFirst()))
        }
    }

    private struct Difference {
        /// `msix-vectors is 4 here, but 5 in the system`
        var text: String
        /// Whether other registers are meant; else it is only how many there are.
        var isGrave: Bool

        init(_ name: String, _ own: String, _ other: String, isGrave: Bool) {
            text = "\(name) \(own) here, but \(other) in the system"
            self.isGrave = isGrave
        }
    }

    /// Of what both say; a cell may leave out what it does not use, and the system what Linux does not.
    private static func differences(_ device: PCIDevice, _ other: PCIDevice) -> [Difference] {
        var found: [Difference] = []
        func compare<Number: BinaryInteger>(
            _ name: String, _ own: Number, _ theirs: Number, isAddress: Bool = false, _ text: (Number) -> String
        ) {
            guard own != 0, theirs != 0, own != theirs else { return }
            found.append(.init(name + " is", text(own), text(theirs), isGrave: isAddress))
        }
        if device.kind != other.kind, device.kind.isPhysical, other.kind.isPhysical {
            // the IOMMU is not told of a bridge
            found.append(.init("type is", device.kind.word, other.kind.word, isGrave: true))
        }
        if device.barMasks.contains(where: { $0 != 0 }), other.barMasks.contains(where: { $0 != 0 }),
            let index = zip(device.barMasks, other.barMasks).enumerated().first(where: { $0.element.0 != $0.element.1 }
            )?
            .offset
        {
            found.append(
                .init(
                    "in bar-masks, number \(index) is", hexadecimal(device.barMasks[index]),
                    hexadecimal(other.barMasks[index]), isGrave: false))
        }
        compare("msi-vectors", device.msiVectors, other.msiVectors) { "\($0)" }
        if device.msiVectors > 0, other.msiVectors > 0,
            device.msiFlags.contains(.address64) != other.msiFlags.contains(.address64)
        {
            found.append(
                .init(
                    "msi-64-bit is", "\(device.msiFlags.contains(.address64))",
                    "\(other.msiFlags.contains(.address64))", isGrave: true))
        }
        compare("msix-vectors", device.msixVectors, other.msixVectors) { "\($0)" }
        compare("msix-region-size", device.msixRegionSize, other.msixRegionSize) { hexadecimal($0) }
        compare("msix-address", device.msixAddress, other.msixAddress, isAddress: true) { hexadecimal($0) }
        return found
    }

    private static func differences(
        _ own: ArraySlice<PCICapability>, _ others: ArraySlice<PCICapability>
    ) -> [(index: Int, difference: Difference)] {
        zip(own.indices, own).compactMap { index, capability in
            let name = "the capability \(hexadecimal(capability.id))"
            if let same = others.first(where: { $0.hasSameID(capability) && $0.start == capability.start }) {
                guard same.length != capability.length else { return nil }
                return (
                    index,
                    Difference(
                        "\(name) at \(hexadecimal(capability.start)) has the length", "\(capability.length)",
                        "\(same.length)", isGrave: false)
                )
            }
            if let other = others.first(where: { $0.hasSameID(capability) }) {
                return (
                    index,
                    Difference(
                        "\(name) is at", hexadecimal(capability.start), hexadecimal(other.start), isGrave: true)
                )
            }
            guard let other = others.first(where: { $0.start == capability.start }) else { return nil }
            return (
                index,
                Difference(
                    "what is at \(hexadecimal(capability.start)) is the capability", hexadecimal(capability.id),
                    hexadecimal(other.id), isGrave: true)
            )
        }
    }
}

extension PCICapability {
    fileprivate func hasSameID(_ other: PCICapability) -> Bool { id == other.id }
}

extension PCIDevice.Kind {
    /// Others than these two are JH1018's.
    fileprivate var isPhysical: Bool { self == .device || self == .bridge }
    fileprivate var word: String { self == .bridge ? "\"bridge\"" : "\"device\"" }
}
