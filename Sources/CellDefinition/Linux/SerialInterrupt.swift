// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import InmateImage

/// Which interrupt the serial port of an Arm64 cell's console has, as the interrupt controller counts.
struct SerialInterrupt {
    /// The number of the first that CPUs share.
    static let firstShared: UInt32 = 32

    let cell: CellDescriptor
    let linux: LinuxStart
    let machine: LinuxMachine?

    /// As the definition says; else as the machine's own device tree or the system configuration does; else the only one that nothing else claims.
    ///
    /// - Throws: ``ImageError``, where it cannot be known or is not the cell's.
    func number() throws(ImageError) -> UInt32 {
        if let number = linux.serialInterrupt {
            guard !ofVirtualPCI.contains(number) else {
                throw ImageError(
                    .start, "serial-interrupt = \(number) is one of the cell's virtual PCI (\(virtualPCIText))",
                    remedy: "set it to the serial port's, or vpci-interrupt-base in [cell] to four that no device has")
            }
            return number
        }
        if let number = machine?.deviceInterrupts[cell.console.address] {
            guard own.contains(number) else {
                throw ImageError(
                    .start,
                    "its device tree cannot be made: the serial port has the interrupt \(number) in this system, which is not "
                        + "the cell's",
                    remedy: "add \(number) to the pins of an [[interrupt-chip]]")
            }
            return number
        }
        let others = own.filter { !ofVirtualPCI.contains($0) }
        guard others.count != 1 else { return others[0] }
        let list = NumberList.text(of: own.map { Int($0) })
        let reason =
            if own.isEmpty { ", since the cell has none" } else if others.isEmpty {
                ": those of the cell (\(list)) are all of its virtual PCI (\(virtualPCIText))"
            } else {
                " among those of the cell (\(NumberList.text(of: others.map { Int($0) })))"
            }
        throw ImageError(
            .start, "its device tree cannot be made: which interrupt the serial port has cannot be seen" + reason,
            remedy: others.isEmpty
                ? "add the serial port's interrupt to the pins of an [[interrupt-chip]]"
                : "set serial-interrupt in [[image]]")
    }

    private var own: [UInt32] {
        cell.interruptChips.flatMap(\.pins).map { UInt32($0) }.filter { $0 >= Self.firstShared }.sorted()
    }

    /// Those that the cell's virtual PCI has: four from its base on. A base of 0 without a device says nothing.
    private var ofVirtualPCI: Range<UInt32> {
        let first = Self.firstShared + min(cell.vpciInterruptBase, 1024)
        let isUsed = cell.vpciInterruptBase > 0 || cell.pciDevices.contains { $0.kind == .sharedMemory }
        return isUsed ? first..<first + 4 : first..<first
    }

    private var virtualPCIText: String { "vpci-interrupt-base = \(cell.vpciInterruptBase)" }
}
