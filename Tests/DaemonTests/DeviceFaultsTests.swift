// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import FailureReports
import Testing

@testable import Daemon

@Suite("Accesses of devices that an IOMMU dropped")
struct DeviceFaultsTests {
    private static func report(_ device: String, page: String, type: Int = 0) -> String {
        "VT-d fault event reported by IOMMU 0:\n Source Identifier (bus:dev.func): \(device)\n"
            + " Fault Reason: 0x5 Fault Info: \(page) Type \(type)\n"
    }

    private static let known = Surroundings(
        others: [CellDescriptor(name: "video", pciDevices: [PCIDevice(address: PCIAddress(rawValue: 0x10))])],
        drivers: ["00:1f.2": "ahci"])

    @Test("Each is counted once, by device, in what the console printed since it was read last")
    func counted() {
        var faults = DeviceFaults()
        let first = "Started cell \"video\"\n" + Self.report("00:02.0", page: "3a100")
        let messages = faults.note(first, at: 1, in: Self.known)
        #expect(messages.count == 1)
        #expect(messages.first?.contains("00:02.0") == true && messages.first?.contains("\"video\"") == true)
        #expect(faults.note("", at: 2, in: Self.known).isEmpty)
        #expect(faults.counts.map(\.count) == [1] && faults.counts[0].cell == "video")
        let second = Self.report("00:02.0", page: "3a200") + Self.report("00:1f.2", page: "1")
        let more = faults.note(second, at: 3, in: Self.known)
        #expect(more.count == 1 && more.first?.contains("ahci") == true)
        #expect(faults.counts.map(\.count) == [2, 1])
        #expect(faults.counts[0].fault.address == 0x3a20_0000 && faults.counts[0].last == 3)
        #expect(faults.counts[1].cell == nil)
    }

    @Test("A report whose lines come in two readings")
    func split() {
        var faults = DeviceFaults()
        let whole = Self.report("00:02.0", page: "3a100")
        for cut in [10, 50, 80, whole.count - 1] {
            faults.forget()
            #expect(faults.note(String(whole.prefix(cut)), at: 1, in: Self.known).isEmpty)
            let messages = faults.note(
                String(whole.dropFirst(cut)) + "Closing cell \"video\"\n", at: 2, in: Self.known)
            #expect(messages.count == 1 && faults.counts.map(\.count) == [1], "cut at \(cut): \(faults.counts)")
        }
    }

    @Test("More than an IOMMU can report is told once, and counted", arguments: ["Event Log", "Hardware Event"])
    func overflow(what: String) {
        var faults = DeviceFaults()
        let line = "IOMMU 0: \(what) \(what == "Event Log" ? "o" : "O")verflow occurred, some events were lost!\n"
        let whole = Self.report("00:02.0", page: "3a100")
        #expect(faults.note(line, at: 1, in: Self.known).first?.contains("some are lost") == true)
        #expect(faults.note(line + line, at: 1, in: Self.known).isEmpty && faults.overflows == 3)
        // in the middle of a report that is read again
        #expect(faults.note(whole.prefix(50) + "\n" + line, at: 2, in: Self.known).isEmpty)
        _ = faults.note("Closing cell \"video\"\n", at: 2, in: Self.known)
        _ = faults.note(whole, at: 2, in: Self.known)
        #expect(faults.overflows == 4)
        faults.forget()
        #expect(faults.overflows == 0)
    }

    @Test("A device that never stops is no memory leak")
    func limited() {
        var faults = DeviceFaults()
        for number in 0..<200 {
            _ = faults.note(Self.report("\(10 + number % 90):00.\(number % 8)", page: "1"), at: 0, in: Self.known)
        }
        #expect(faults.counts.count == DeviceFaults.limit)
    }
}
