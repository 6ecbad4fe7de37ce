// SPDX-License-Identifier: Apache-2.0

import Foundation
import JailhouseInterface
import Supervision
import Testing

@testable import Hypervisor

@Suite("Looking at the hypervisor")
struct HypervisorViewTests {
    private let tree = Tree()

    @Test("Without a driver nothing is there")
    func noDriver() {
        let view = HypervisorView(directory: "/nonexistent")
        view.look()
        #expect(!view.hasDriver)
        #expect(view.seen("rtems") == .disabled)
    }

    @Test("Cells come, change and go")
    func comeAndGo() {
        let view = HypervisorView(directory: tree.directory)
        tree.addCell(0, "root", "running", cpus: "0-2")
        view.look()
        #expect(view.seen("rtems") == .absent)
        #expect(view.rootCellName == "root")
        #expect(view.guests.isEmpty)

        tree.addCell(1, "rtems")
        view.look()
        #expect(view.seen("rtems") == .present(Observation(id: 1, state: .shutDown)))
        #expect(view.guests.map(\.label) == ["rtems"])

        tree.write("cells/1/state", "failed\n")
        tree.write("cells/1/cpus_failed_list", "3\n")
        view.look()
        #expect(view.seen("rtems") == .present(Observation(id: 1, state: .failed, failedCPUs: [3])))

        tree.removeCell(1)
        view.look()
        #expect(view.seen("rtems") == .absent)
    }

    @Test("A CPU on which the hypervisor itself failed is the cell's that has it, whatever sysfs says")
    func stopped() {
        let view = HypervisorView(directory: tree.directory)
        tree.addCell(1, "rtems", "running", cpus: "3-4")
        tree.addCell(2, "other", "running", cpus: "2")
        view.look(stoppedCPUs: [0, 4])
        var expected = Observation(id: 1, state: .running)
        expected.stoppedCPUs = [4]
        #expect(view.seen("rtems") == .present(expected))
        #expect(view.seen("other") == .present(Observation(id: 2, state: .running)))
        #expect(expected.lostCPUs == [4])
        view.look()
        #expect(view.seen("rtems") == .present(Observation(id: 1, state: .running)))
    }

    @Test("A cell that runs while all of its CPUs have failed is between two states", arguments: [true, false])
    func torn(known: Bool) {
        let view = HypervisorView(directory: tree.directory)
        tree.addCell(1, "rtems", "running", cpus: "3-4")
        if known { view.look() }
        tree.write("cells/1/cpus_failed_list", "3-4\n")
        view.look()
        #expect(view.sighting(of: "rtems") == nil)
        #expect(view.lastLook.guests.map(\.isCurrent) == [false])

        tree.write("cells/1/state", "failed\n")
        view.look()
        #expect(view.seen("rtems") == .present(Observation(id: 1, state: .failed, failedCPUs: [3, 4])))
        // one that has a CPU left does run
        tree.write("cells/1/cpus_failed_list", "3\n")
        tree.write("cells/1/state", "running\n")
        view.look()
        #expect(view.seen("rtems") == .present(Observation(id: 1, state: .running, failedCPUs: [3])))
    }

    @Test("Cells whose names are empty or not text are seen, and the last look has them")
    func nameless() throws {
        let view = HypervisorView(directory: tree.directory)
        tree.addCell(1, "", "running")
        tree.addCell(2, "x", "running")
        try Data([0xff, 0xfe, 0x0a]).write(to: URL(filePath: tree.directory + "/cells/2/name"))
        view.look()
        #expect(view.isComplete)
        #expect(view.guests.map(\.label).sorted() == [#"#1 """#, #"#2 "\xff\xfe""#])
        #expect(view.lastLook.hypervisor == .enabled)
        #expect(view.lastLook.guests.map(\.observation.state) == [.running, .running])
        #expect(view.lastLook.guests.contains { $0.name == CellName(bytes: [0xff, 0xfe]) })
    }

    @Test("A name that was misread does not stay", arguments: ["garbage\n", "\n"])
    func misreadName(text: String) {
        let view = HypervisorView(directory: tree.directory, nameInterval: .zero)
        tree.addCell(1, "rtems", "running")
        tree.write("cells/1/name", text)
        view.look()
        #expect(view.sighting(of: "rtems") == .absent)
        tree.write("cells/1/name", "rtems\n")
        view.look()
        view.look()
        #expect(view.sighting(of: "rtems")?.observation?.state == .running)
        for moment in ["", text, "rtems\n", text] {
            tree.write("cells/1/name", moment)
            view.look()
            #expect(view.sighting(of: "rtems")?.observation?.state == .running, "misread for a moment")
        }
    }

    /// Chaos, seed 543364, round 236: the daemon took its own cell for a stranger, and waited for it without end.
    @Test("A name that is misread while the files are opened anew makes no stranger")
    func misreadWhileOpenedAnew() throws {
        let view = HypervisorView(directory: tree.directory)
        tree.addCell(1, "rtems", "running")
        view.look()
        // whoever has it open sees it empty, and then it is another file
        tree.write("cells/1/state", "")
        try FileManager.default.removeItem(atPath: tree.directory + "/cells/1/state")
        view.look()
        #expect(view.sighting(of: "rtems") == nil)
        tree.write("cells/1/name", "garbage\n")
        tree.write("cells/1/state", "running\n")
        view.look()
        #expect(view.sighting(of: "rtems")?.observation?.state == .running)
        #expect(view.guests.map(\.label) == ["rtems"])
    }

    @Test("A number used again between two looks is another cell")
    func numberUsedAgain() {
        let view = HypervisorView(directory: tree.directory)
        tree.addCell(1, "rtems", "running")
        view.look()
        tree.removeCell(1)
        tree.addCell(1, "other", "running")
        view.look()
        #expect(view.seen("rtems") == .absent)
        #expect(view.seen("other") == .present(Observation(id: 1, state: .running)))
    }

    @Test("The same name and number are another cell if the directory is another one")
    func sameNameAndNumber() throws {
        let view = HypervisorView(directory: tree.directory)
        tree.addCell(1, "rtems", "running")
        view.look()
        let first = try #require(view.lastLook.guests.first?.observation)
        view.look()
        #expect(view.lastLook.guests.first?.observation == first)
        // so that its number is not given again
        let old = tree.directory + "/old"
        try FileManager.default.moveItem(atPath: tree.directory + "/cells/1", toPath: old)
        for file in ["state", "name", "cpus_failed_list"] { try Data().write(to: URL(filePath: old + "/" + file)) }
        tree.addCell(1, "rtems", "running")
        view.look()
        let second = try #require(view.lastLook.guests.first?.observation)
        #expect(first.incarnation != nil && second.incarnation != nil)
        #expect(!second.isSameCell(as: first))
        #expect(second.isSameCell(as: Observation(id: 1, state: .failed)), "as far as can be told")
    }

    @Test("A state that is garbage says nothing, and is shown as it was")
    func garbage() {
        let view = HypervisorView(directory: tree.directory)
        tree.addCell(1, "rtems", "running")
        view.look()
        tree.write("cells/1/state", "gibberish\n")
        view.look()
        #expect(view.seen("rtems") == nil)
        #expect(view.guests.map(\.observation.state) == [.running])
        tree.write("cells/1/state", "failed\n")
        view.look()
        #expect(view.seen("rtems")?.observation?.state == .failed)
    }

    @Test("A directory half there is nobody's, and every cell that is not seen may be it")
    func half() throws {
        let view = HypervisorView(directory: tree.directory)
        tree.write("cells/2/name", "half\n")
        view.look()
        #expect(view.seen("half") == nil)
        #expect(view.seen("other") == nil)
        tree.addCell(2, "half")
        view.look()
        #expect(view.seen("half") == .present(Observation(id: 2, state: .shutDown)))
        #expect(view.seen("other") == .absent)
    }

    @Test("A cell whose files vanish while its directory is listed is not gone", arguments: ["state", "name", ""])
    func filesVanish(file: String) throws {
        let view = HypervisorView(directory: tree.directory)
        tree.addCell(1, "rtems", "running")
        view.look()
        let path = tree.directory + "/cells/1"
        for name in ["state", "name", "cpus_assigned_list"] where file.isEmpty || file == name {
            tree.write("cells/1/\(name)", "")
            try FileManager.default.removeItem(atPath: "\(path)/\(name)")
        }
        view.look()
        let seen = view.seen("rtems")
        #expect(seen == nil || seen == .present(Observation(id: 1, state: .running)))
        #expect(view.guests.map(\.label) == ["rtems"])
        tree.addCell(1, "rtems", "failed")
        view.look()
        #expect(view.seen("rtems")?.observation?.state == .failed)
    }

    @Test("Cells that cannot be listed are not gone")
    func unlisted() throws {
        let view = HypervisorView(directory: tree.directory)
        tree.addCell(1, "rtems", "running")
        view.look()
        let cells = tree.directory + "/cells"
        try FileManager.default.moveItem(atPath: cells, toPath: cells + ".away")
        view.look()
        #expect(view.seen("rtems") == nil)
        #expect(view.seen("other") == nil)
        try FileManager.default.moveItem(atPath: cells + ".away", toPath: cells)
        view.look()
        #expect(view.seen("rtems")?.observation?.state == .running)
    }

    @Test("enabled is believed when it says 0 or 1", arguments: ["", "x\n", "7\n"])
    func enabledIsGarbage(text: String) {
        let view = HypervisorView(directory: tree.directory)
        tree.addCell(1, "rtems", "running")
        view.look()
        tree.write("enabled", text)
        view.look()
        #expect(view.hasDriver && view.isEnabled)
        #expect(view.seen("rtems")?.observation?.state == .running)
        #expect(view.seen("other") == nil)
        tree.write("enabled", "0\n")
        view.look()
        #expect(view.seen("rtems") == .disabled)
    }

    @Test("Of the root cell nothing is read that is a hypercall")
    func rootCellIsLeftAlone() throws {
        tree.addCell(0, "root", "running", cpus: "0-2")
        tree.addCell(1, "rtems", "running")
        let reads = try Reads(in: ["", "/statistics", "/statistics/cpu3"].map { "\(tree.directory)/cells/0\($0)" })
        let view = HypervisorView(directory: tree.directory)
        for _ in 0..<2 { view.look { _ in [.managementExits, .totalExits] } }
        #expect(view.statistics(ofCell: 0).isEmpty)
        #expect(view.exits(ofCell: 0).total == nil)
        #expect(view.rootCellName == "root")
        #expect(
            HypervisorCommands(sysfs: tree.directory).lookNow { _ in .managementExits }.sighting(of: "root") == .absent)
        #expect(try reads.names().isSubset(of: ["name", "cpus_assigned_list"]))
        _ = try String(contentsOfFile: tree.directory + "/cells/0/state", encoding: .utf8)
        #expect(try reads.names() == ["state"], "the watch works")
    }

    @Test("Statistics are read only when asked for")
    func statistics() {
        let view = HypervisorView(directory: tree.directory)
        tree.addCell(1, "rtems", "running")
        view.look { _ in [.managementExits, .totalExits] }
        #expect(view.seen("rtems")?.observation?.managementExits == [3])
        #expect(view.seen("rtems")?.observation?.totalExits == 7)
        view.look()
        #expect(view.seen("rtems")?.observation?.managementExits == nil)
        #expect(view.statistics(ofCell: 1).map(\.name) == ["cpu3/vmexits_management", "vmexits_total"])
    }

    @Test("Counters that cannot be read now are not taken for counters that are not offered")
    func unreadableCounters() {
        let view = HypervisorView(directory: tree.directory)
        tree.addCell(1, "rtems", "running")
        func exits() -> [UInt64]? {
            view.look { _ in .managementExits }
            return view.seen("rtems")?.observation?.managementExits
        }
        tree.write("cells/1/statistics/cpu3/vmexits_management", "")
        #expect(exits() == nil)
        tree.write("cells/1/statistics/cpu3/vmexits_management", "12")
        #expect(exits() == nil, "a part of a number")
        tree.write("cells/1/statistics/cpu3/vmexits_management", "12\n")
        #expect(exits() == [12])
        // the hypervisor's word for "none"
        tree.write("cells/1/statistics/vmexits_total", "195938833\n")
        #expect(view.exits(ofCell: 1).total == nil)
        #expect(view.statistics(ofCell: 1).map(\.name) == ["cpu3/vmexits_management"])
        tree.addCell(2, "old driver", cpus: "2")
        view.look { _ in .managementExits }
        #expect(view.seen("old driver")?.observation?.managementExits == [])
    }

    @Test("Cells are not there while the hypervisor is disabled")
    func disabled() {
        let view = HypervisorView(directory: tree.directory)
        tree.addCell(1, "rtems", "running")
        tree.write("enabled", "0\n")
        view.look()
        #expect(view.hasDriver)
        #expect(view.seen("rtems") == .disabled)
    }
}

extension HypervisorView {
    /// Without the number of the directory, which is another one each time.
    fileprivate func seen(_ name: String) -> Sighting? {
        guard case .present(var observation)? = sighting(of: name) else { return sighting(of: name) }
        observation.incarnation = nil
        return .present(observation)
    }
}
