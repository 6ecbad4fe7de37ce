// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ControlInterface
import Foundation
import Hypervisor
import JailhouseInterface
import Supervision
import TestSupport
import Testing

@testable import Daemon

@Suite("What clients are shown")
struct InventoryTests {
    private let now = Moment(nanoseconds: 1_000_000_000)

    /// `rtems` is defined and runs, `broken` has a definition that cannot be used, `odd` nobody defined.
    private func inventory() throws -> Inventory {
        let definition = try CellDefinition(toml: RTEMSCell.toml(), path: "/cells/rtems.toml", readFile: { _ in [] })
        var book = CellBook()
        var loaded = LoadedDefinitions()
        loaded.definitions = [definition]
        loaded.problems = [DefinitionProblem(cell: "broken", path: "/cells/broken.toml", message: "line 1: no")]
        book.begin(loaded, failures: [:])
        var fleet = Fleet(["rtems": FleetDefinition(definition)], memory: nil, at: now)
        let guests = [
            Look.Guest(name: CellName("rtems"), observation: Observation(id: 1, state: .running)),
            Look.Guest(name: CellName("odd"), observation: Observation(id: 2, state: .running)),
            Look.Guest(name: CellName(bytes: [0xff]), observation: Observation(id: 3, state: .shutDown)),
        ]
        _ = fleet.handle(.looked(Look(.enabled, guests: guests)), at: now)
        var inventory = Inventory(fleet: fleet, cells: book.cells)
        inventory.statistics = [("vmexits_total", 7)]
        return inventory
    }

    @Test("A list has every cell, whatever is known of it, by name")
    func list() throws {
        let list = try inventory().list()
        #expect(list.cells.map(\.name) == [#"#3 "\xff""#, "broken", "odd", "rtems"])
        #expect(list.cells.map(\.condition) == ["foreign", "absent", "foreign", "running"])
        #expect(list.cells.map(\.defined) == [false, false, false, true])
        #expect(list.machine.enabled && list.machine.driver)
        #expect(list.machine.lostCpus == nil)
    }

    @Test("The system in force is named where it is not the configured one, as that is now")
    func systemInForce() throws {
        var inventory = try inventory()
        let q35 = SystemSource(path: "/q35.toml", descriptor: SystemDescriptor(rootCell: CellDescriptor(name: "q35")))
        (inventory.system, inventory.systemInForce) = (q35, q35)
        #expect(inventory.list().machine.inForce == nil)
        inventory.systemInForce = nil
        #expect(inventory.list().machine.inForce == nil, "it is not known")
        var changed = q35.descriptor
        changed.rootCell.cpus = CPUSet([0, 1])
        inventory.systemInForce = SystemSource(path: "/q35.toml", descriptor: changed)
        #expect(inventory.list().machine.inForce == "/q35.toml", "the file has changed since")
        inventory.systemInForce = SystemSource(path: "/other.toml", descriptor: q35.descriptor)
        #expect(inventory.list().machine.inForce == "/other.toml")
    }

    @Test("Images are placed into the memory that the cell has, not into that of a definition that came later")
    func loadedDefinition() throws {
        func definition(_ text: String) throws -> CellDefinition {
            try CellDefinition(toml: text, path: "/cells/rtems.toml", readFile: { _ in [] })
        }
        func loaded(_ definition: CellDefinition) -> LoadedDefinitions {
            var loaded = LoadedDefinitions()
            loaded.definitions = [definition]
            return loaded
        }
        let old = try definition(RTEMSCell.toml())
        let new = try definition(RTEMSCell.toml().replacing("cpus = [3]", with: "cpus = [2]"))
        #expect(new.descriptor != old.descriptor)
        var book = CellBook()
        book.begin(loaded(old), failures: [:])
        let seen = Observation(id: 1, state: .running)
        book.created.assume(old, seen)
        let fleet = Fleet(["rtems": FleetDefinition(old)], memory: nil, at: now)
        _ = book.take(loaded(new), fleet, failures: [:])
        #expect(book["rtems"]?.definition == new)
        #expect(book.loadedDefinition(of: "rtems", .present(seen))?.descriptor == old.descriptor)
        #expect(book.loadedDefinition(of: "rtems", .absent) == new, "it is gone, and will be created anew")
        #expect(book.loadedDefinition(of: "nobody", nil) == nil)
    }

    @Test("A cell whose images are being read says so")
    func readingImages() throws {
        let definition = try CellDefinition(toml: RTEMSCell.toml(), path: "/cells/rtems.toml", readFile: { _ in [] })
        var book = CellBook()
        var loaded = LoadedDefinitions()
        loaded.definitions = [definition]
        book.begin(loaded, failures: [:])
        var fleet = Fleet(["rtems": FleetDefinition(definition)], memory: FleetMemory(), readsImages: true, at: now)
        let guest = Look.Guest(
            name: CellName("rtems"), observation: Observation(id: 1, state: .shutDown, managementExits: [3]))
        _ = fleet.handle(.looked(Look(.enabled, guests: [guest])), at: now)
        #expect(try Inventory(fleet: fleet, cells: book.cells).describe("rtems").problem == nil)
        _ = fleet.handle(.requested(.cell(.start, "rtems"), 1), at: now)
        _ = fleet.handle(.looked(Look(.enabled, guests: [guest])), at: now)
        #expect(try Inventory(fleet: fleet, cells: book.cells).describe("rtems").problem == "its images are being read")
    }

    @Test("A cell whose name cannot be typed has CPUs all the same: it is found by its number")
    func cpusOfTheNameless() throws {
        let tree = FileManager.default.temporaryDirectory.appending(path: "inventory-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: tree) }
        let cell = tree.appending(path: "cells/3")
        try FileManager.default.createDirectory(at: cell, withIntermediateDirectories: true)
        try Data("1\n".utf8).write(to: tree.appending(path: "enabled"))
        let files: [(String, [UInt8])] = [
            ("name", [0xff, 0x0a]), ("state", Array("running\n".utf8)), ("cpus_failed_list", [0x0a]),
            ("cpus_assigned_list", Array("2-3\n".utf8)),
        ]
        for (name, bytes) in files { try Data(bytes).write(to: cell.appending(path: name)) }
        let view = HypervisorView(directory: tree.path)
        view.look()
        var fleet = Fleet([:], memory: nil, at: now)
        _ = fleet.handle(.looked(view.lastLook), at: now)
        let inventory = Inventory(fleet: fleet, cells: [:], guests: view.guests)
        #expect(inventory.list().cells.map(\.cpus) == [[2, 3]])
        #expect(try inventory.describe(#"#3 "\xff""#).cell.cpus == [2, 3])
    }

    @Test("A description says what is wrong with a definition, and that a name cannot be typed")
    func describe() throws {
        let inventory = try inventory()
        #expect(try inventory.describe("broken").problem == "line 1: no")
        #expect(try inventory.describe(#"#3 "\xff""#).problem?.contains("not text") == true)
        let rtems = try inventory.describe("rtems")
        #expect(rtems.problem == nil)
        #expect(rtems.vmExits == 7)
        #expect(rtems.supervision?.desired == "running", "it was found running")
        #expect(try inventory.statistics("rtems").map(\.name) == ["vmexits_total"])
    }

    @Test("Requests for what cannot be asked are refused with the reason")
    func refusals() throws {
        let inventory = try inventory()
        try inventory.requireLife(of: "rtems")
        try inventory.requireLife(of: "odd")
        #expect(
            throws: ManagerError.definitionInvalid(cell: "broken", path: "/cells/broken.toml", message: "line 1: no")
        ) {
            try inventory.requireLife(of: "broken")
        }
        #expect { try inventory.requireLife(of: "rtms") } throws: { error in
            (error as? ManagerError)?.message == "there is no cell rtms: did you mean rtems?"
        }
        #expect { try inventory.describe(String(repeating: "x", count: 257)) } throws: { error in
            (error as? ManagerError)?.message == "no cell has a name of 257 bytes"
        }
        let none = Inventory(fleet: Fleet([:], memory: nil, at: now), cells: [:])
        #expect(throws: ManagerError.noDriver) { try none.requireLife(of: "rtems") }
    }

    @Test("Who begins to watch is shown what there is")
    func changes() throws {
        let inventory = try inventory()
        #expect(try inventory.changes(of: nil).map(\.cell.name) == ["broken", "odd", "rtems"])
        #expect(try inventory.changes(of: "odd").map(\.kind) == ["current"])
        #expect(throws: ManagerError.self) { try inventory.changes(of: "nobody") }
    }

    @Test("The reply to a request says how long Linux was stalled")
    func reply() throws {
        let inventory = try inventory()
        #expect(inventory.reply(about: "rtems", unanswered: nil).message == nil)
        let reply = inventory.reply(about: "rtems", unanswered: .milliseconds(1200))
        #expect(reply.message?.contains("did not answer the shutdown request") == true)
        #expect(inventory.reply(about: "gone", unanswered: nil).cell.condition == "absent")
    }
}
