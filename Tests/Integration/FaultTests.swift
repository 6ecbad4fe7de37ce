// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

/// What the daemon does when the driver, sysfs, its own Linux and other tools let it down.
@Suite("Faults") struct FaultTests {
    /// A machine in which RTEMS runs.
    private func running(_ definition: String? = nil) async throws -> LiveMachine {
        let machine = try await LiveMachine.start(
            cells: ["rtems": try definition ?? Definitions.rtems()], simulator: ["--timing", "none"])
        #expect(try await machine.control("start", "rtems").status == 0)
        return machine
    }

    /// Definitions whose cells come back soon.
    private func impatient() throws -> String {
        try Definitions.rtems()
            .replacingOccurrences(of: #"(?m)^delay *=.*$"#, with: #"delay = "1 ms""#, options: .regularExpression)
            .replacingOccurrences(
                of: #"(?m)^limit *=.*$"#, with: #"limit = { attempts = 50, within = "1 s" }"#,
                options: .regularExpression)
    }

    @Test(
        "While sysfs says nonsense, a running cell is neither restarted nor taken for gone",
        arguments: [
            ["state", "gone"], ["state", "empty"], ["state", "garbage"], ["state", "truncated"], ["name", "gone"],
            ["cpus_failed_list", "garbage"], ["half", "gone"], ["half", "empty"], ["enabled", "gone"],
            ["enabled", "empty"], ["enabled", "garbage"],
        ])
    func sysfs(fault: [String]) async throws {
        let machine = try await running()
        let isCells = fault[0] != "enabled"
        try await machine.inject(["sysfs"] + fault + (isCells ? ["--cell", "rtems"] : []) + ["--for", "300ms"])
        try await eventually("the fault ends") { try await machine.state().faults.isEmpty }
        try await eventually("it is seen again: \(machine.log)") {
            try await machine.cell("rtems")?.condition == "running"
        }
        #expect(try await machine.state().cells.last?.starts == 1)
        #expect(!machine.log.contains("destroyed by another program"))
        // and what happens afterwards is noticed
        try await machine.inject("rtems", "fail")
        try await eventually("it is restarted: \(machine.log)") { try await machine.cell("rtems")?.restarts == 1 }
    }

    @Test("A failure that happens while sysfs cannot be read is found when it can be")
    func blindFailure() async throws {
        let machine = try await running(try impatient())
        try await machine.inject("sysfs", "half", "gone", "--cell", "rtems", "--for", "200ms")
        try await machine.inject("rtems", "fail")
        try await eventually("it is restarted: \(machine.log)") {
            let cell = try await machine.cell("rtems")
            return cell?.restarts == 1 && cell?.condition == "running"
        }
    }

    @Test("While somebody else has the driver's lock, the daemon answers and takes notice of failures")
    func heldLock() async throws {
        let machine = try await running(try impatient())
        try await machine.inject("lock", "8s")
        let began = ContinuousClock.now
        let list = try await machine.control("list")
        #expect(list.status == 0 && list.output.contains("rtems"))
        #expect(ContinuousClock.now - began < .seconds(6), "it has not waited for the lock\n\(machine.log)")
        try await machine.inject("rtems", "fail")
        try await eventually("it is seen: \(machine.log)") { try await machine.cell("rtems")?.condition != "running" }
        let status = try await machine.control("status")
        #expect(status.status == 0)
        try await eventually("it is restarted: \(machine.log)") {
            let cell = try await machine.cell("rtems")
            return cell?.restarts == 1 && cell?.condition == "running"
        }
    }

    @Test("Without descriptors the daemon sees nothing, and so does nothing; afterwards it serves its clients")
    func noDescriptors() async throws {
        let machine = try await running()
        try await machine.inject("program", "jailhoused", "descriptor", "EMFILE", "--times", "100")
        try await eventually("they are used up") {
            try await machine.state().faults.isEmpty
        }
        try await eventually("it answers: \(machine.log)") { try await machine.cell("rtems")?.condition == "running" }
        #expect(try await machine.state().cells.last?.starts == 1)
        try await machine.inject("program", "jailhoused", "accept", "EMFILE", "--times", "3")
        try await eventually("clients are served: \(machine.log)") { try await machine.control("list").status == 0 }
    }

    @Test("A reload without descriptors takes no definition and no setting away", arguments: [1, 2, 3, 4])
    func reload(failing: Int) async throws {
        let machine = try await running()
        try await machine.inject("program", "jailhoused", "open", "EMFILE", "--times", "\(failing)")
        let reload = try await machine.control("reload")
        #expect((reload.output + reload.errors).contains("Too many open files"), "\(reload)")
        try await machine.inject("clear")
        #expect(try await machine.cell("rtems")?.condition == "running")
        #expect(try await machine.control("restart", "rtems").status == 0, "its definition is in force")
        #expect(try await machine.control("disable").status == 0)
        #expect(try await machine.control("enable").status == 0, "the system is known")
    }

    @Test(
        "A command that says it failed, before or after its effect, does not keep a cell from running",
        arguments: ["create", "load", "start"], ["EINTR", "EBUSY", "ENOMEM", "EIO"])
    func refused(command: String, errno: String) async throws {
        let machine = try await LiveMachine.start(
            cells: ["rtems": try impatient()], simulator: ["--timing", "none"])
        for moment in [[], ["--after"]] {
            try await machine.inject(["command", command, errno] + moment)
            _ = try await machine.control("start", "rtems")
            try await eventually("it runs: \(machine.log)") {
                try await machine.cell("rtems")?.condition == "running"
            }
            #expect(try await machine.control("destroy", "rtems").status == 0, "\(machine.log)")
        }
    }

    @Test("An enable that fails is tried again, and then autostart counts", arguments: [[], ["--after"]])
    func enable(moment: [String]) async throws {
        let definition = try Definitions.rtems(("autostart = false", "autostart = true"))
        let machine = try await LiveMachine.start(
            cells: ["rtems": definition], simulator: ["--timing", "none"],
            before: { try await $0.inject(["command", "enable", "EINTR", "--times", "2"] + moment) })
        try await eventually("it runs: \(machine.log)") { try await machine.cell("rtems")?.condition == "running" }
    }

    @Test("A state file that cannot be written is said once and written later", arguments: ["ENOSPC", "EROFS"])
    func stateFile(errno: String) async throws {
        let machine = try await running(try impatient())
        let call = errno == "EROFS" ? "open" : "write"
        try await machine.inject("program", "jailhoused", call, errno, "--until-cleared")
        try await machine.inject("rtems", "fail")
        try await eventually("it is restarted: \(machine.log)") { try await machine.cell("rtems")?.restarts == 1 }
        try await machine.inject("clear")
        try await eventually("it is written: \(machine.log)") { machine.log.contains("is writable again") }
        #expect(machine.log.components(separatedBy: "cannot write the state file").count == 2)
        let text = try String(
            contentsOf: machine.directory.url.appending(path: "run/state.json"), encoding: .utf8)
        #expect(text.contains("\"restarts\":1"))
    }

    @Test("The wall clock does not matter to supervision", arguments: ["ahead", "behind"])
    func clock(direction: String) async throws {
        let machine = try await running(try Definitions.rtems())
        try await machine.inject("program", "jailhoused", "clock", direction, "3h")
        try await machine.inject("rtems", "fail")
        try await eventually("it is restarted: \(machine.log)") {
            let cell = try await machine.cell("rtems")
            return cell?.restarts == 1 && cell?.condition == "running"
        }
        #expect(try await machine.control("stop", "rtems").status == 0)
    }

    @Test("While a command takes long, the daemon answers; killed in the middle, its successor carries on")
    func slow() async throws {
        let machine = try await running(try impatient())
        try await machine.inject("command", "load", "60s")
        try await machine.inject("rtems", "fail")
        try await eventually("it loads") { machine.console.contains("load of cell \"rtems\" is held up") }
        #expect(try await machine.control("list").output.contains("starting"))
        try await machine.killDaemon()
        try await machine.inject("clear")
        try await eventually("it runs: \(machine.log)") { try await machine.cell("rtems")?.condition == "running" }
    }

    @Test("A command that others have overtaken while it waited is not given")
    func overtaken() async throws {
        let other = try impatient().replacingOccurrences(of: "name = \"rtems\"", with: "name = \"other\"")
            .replacingOccurrences(of: "cpus = [3]", with: "cpus = [2]")
            .replacingOccurrences(of: "physical = 0x3a000000", with: "physical = 0x3b000000")
        let machine = try await LiveMachine.start(
            cells: ["rtems": try impatient(), "other": other], simulator: ["--timing", "none"])
        #expect(try await machine.control("start", "rtems").status == 0)
        #expect(try await machine.control("start", "other").status == 0, "\(machine.log)")
        // its load waits for the one that takes long; meanwhile somebody else has it running
        try await machine.inject("command", "load", "60s", "--cell", "other")
        try await machine.inject("other", "fail")
        try await eventually("the load is under way") { machine.console.contains("is held up") }
        try await machine.inject("rtems", "fail")
        try await eventually("it is to be loaded") { machine.log.contains("rtems: backing-off → starting") }
        // the other tool has to wait for the lock, which is free before the daemon's own next command
        try await machine.inject("other-tool", "restart", "rtems")
        try await machine.inject("clear")
        try await eventually("both run: \(machine.log)") {
            let conditions = [
                try await machine.cell("rtems")?.condition, try await machine.cell("other")?.condition,
            ]
            return conditions == ["running", "running"]
        }
        #expect(
            try await machine.state().cells.first { $0.name == "rtems" }?.starts == 2,
            "\(machine.console) \(machine.log)")
    }

    @Test("Numbers that another tool swaps between two looks change nothing but the numbers")
    func swapped() async throws {
        let other = try Definitions.rtems(
            ("name = \"rtems\"", "name = \"other\""), ("cpus = [3]", "cpus = [2]"),
            ("physical = 0x3a000000", "physical = 0x3b000000"))
        let machine = try await LiveMachine.start(
            cells: ["rtems": try Definitions.rtems(), "other": other], simulator: ["--timing", "none"])
        #expect(try await machine.control("start", "rtems").status == 0)
        #expect(try await machine.control("start", "other").status == 0, "\(machine.log)")
        try await machine.inject("other-tool", "swap", "rtems", "other", ",", "restart", "rtems")
        try await eventually("they are known by their new numbers: \(machine.log)") {
            let ids = [try await machine.cell("rtems")?.id, try await machine.cell("other")?.id]
            return ids == [2, 1]
        }
        try await eventually("the one that runs is let run: \(machine.log)") {
            try await machine.cell("rtems")?.condition == "running"
        }
        #expect(try await machine.state().cells.first { $0.name == "rtems" }?.starts == 1)
    }
}
