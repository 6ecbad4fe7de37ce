// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Testing

@testable import FailureReports

extension SurroundingsTests {
    @Test("A record for a register has an effect: it is counted, and at its place in the list")
    func registers() throws {
        let known = try surroundings()
        func entry(_ device: String) -> Explanation {
            Violation.pciConfiguration(.write, device: device, register: 0x80, size: 4).explanation(in: known)
        }
        let foreign = Violation.pciConfiguration(.write, device: "00:05.0", register: 0x80, size: 4)
            .explanation(in: try surroundings(withSystem: false))
        #expect(foreign.entry?.contains("first-capability = 2\ncapabilities = 1\n") == true, "\(foreign)")
        let middle = entry("00:02.0")
        #expect(middle.entry?.hasPrefix("capabilities = 2    # of [[pci-device]] 00:02.0\n") == true, "\(middle)")
        #expect(middle.advice.contains("first-capability of the devices whose records follow grows by 1"))
        let last = entry("00:03.0")
        #expect(last.entry?.hasPrefix("capabilities = 2") == true && last.advice.contains("behind all other"))
        let bare = entry("00:04.0")
        #expect(bare.entry?.hasPrefix("first-capability = 2\ncapabilities = 1    # of") == true, "\(bare)")
    }

    @Test("A register that the files let the cell write is not said to be protected; Linux's device is copied whole")
    func writable() throws {
        var known = try surroundings()
        known.cell?.pciCapabilities[0].flags = [.write]
        func explain(_ device: String, _ register: UInt64) -> Explanation {
            Violation.pciConfiguration(.write, device: device, register: register, size: 4).explanation(in: known)
        }
        let own = explain("00:02.0", 0x64)
        #expect(own.entry == nil && own.advice.contains("not what the cell was created with"), "\(own)")
        let linux = explain("00:1f.2", 0x84)
        #expect(linux.entry == nil && linux.advice.contains("copy its [[pci-device]]"), "\(linux)")
    }

    @Test("A PCI device of Linux: one that the configuration lacks, one that it has, one of a cell")
    func linuxDevice() throws {
        var known = Surroundings(system: system)
        let missing = Violation.pciConfiguration(.write, device: "00:1b.0", register: 0x44, size: 2)
            .explanation(isRootCell: true, in: known)
        #expect(missing.advice.contains("Add the device to [root-cell]"), "\(missing)")
        let present = Violation.pciConfiguration(.write, device: "00:1f.2", register: 0x90, size: 2)
            .explanation(isRootCell: true, in: known)
        #expect(present.notes.contains { $0.contains("lies in none of its capabilities") }, "\(present)")
        #expect(present.advice.contains("[[pci-capability]]"))
        known.others = [try #require(cell)]
        let taken = Violation.pciConfiguration(.write, device: "00:02.0", register: 0x90, size: 2)
            .explanation(isRootCell: true, in: known)
        #expect(taken.notes == ["The cell \"sample\" has 00:02.0."])
    }
}
