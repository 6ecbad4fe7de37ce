// SPDX-License-Identifier: Apache-2.0

extension CellDescriptor {
    /// How many entries of VT-d's table the pins of the IOAPICs need at the least: of an IOAPIC with several records, which
    /// have one id, each pin once (hypervisor/arch/x86/vtd.c).
    package var remappedPins: Int {
        Dictionary(grouping: interruptChips) { $0.id & 0xffff }.values.map { Set($0.flatMap(\.pins)).count }
            .reduce(0, +)
    }

    /// How many entries of VT-d's table the physical devices need at the least: of one with MSI and MSI-X the larger
    /// number. Bridges have none.
    package var remappedVectors: Int {
        Dictionary(grouping: pciDevices.filter { $0.kind == .device }, by: \.address).values
            .map { $0.map { max(Int($0.msiVectors), Int($0.msixVectors)) }.max() ?? 0 }
            .reduce(0, +)
    }
}
