// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import JailhouseInterface
import ControlInterface
import Foundation
import Simulator
import Synchronization

/// Another tool gave a command that the daemon knows better than to give: such a machine is at its end.
struct OtherToolFroze: Error {}

/// Another tool made a cell that never answers, or Linux lost a CPU, in the very moment of the daemon's command, which
/// nobody can foresee who has not got the driver's lock: such a machine is at its end, too.
struct Unforeseeable: Error {}

/// A cell runs without its program, and to touch it would freeze Linux: such a machine is at its end, too.
struct LeftAlone: Error {}

/// The simulated machine with the daemon in it.
final class Arena {
    let place: Place
    let story: Story
    let machine: SimulatedMachine
    let daemon: Daemon
    let orders: Orders
    let architecture: Architecture
    /// Whether a daemon may find that it cannot begin: its Linux may have failed it. Its service manager starts it again.
    var daemonMayGiveUp = false
    private(set) var givenUp = 0
    /// Beside a running cell that it does not know the daemon does not disable the hypervisor.
    private let hasStranger: Bool

    init(programs: String, seed: UInt64, architecture: Architecture, story: Story) throws {
        self.architecture = architecture
        self.story = story
        hasStranger = seed.isMultiple(of: 2)
        place = try Place(architecture)
        var timing = Timing.none
        // long enough for the daemon to look while the CPUs have left and cells/0 is still there
        timing.disable = .milliseconds(6)
        var settings = MachineSettings(cpus: 10, timing: timing, seed: seed, architecture: architecture)
        if architecture == .arm64 { settings.gicVersion = 3 }
        machine = try SimulatedMachine(
            directory: place.machine, settings: settings,
            onReport: { line in story.say("machine: \(line)") })
        var environment = try machine.environment
        environment["SWIFT_BACKTRACE"] = "enable=no"
        daemon = Daemon(
            arguments: [
                programs + "/jailhoused", "--configuration", place.configuration, "--runtime", place.runtime,
            ], environment: environment, story: story)
        let machine = machine
        orders = Orders(socket: place.runtime + "/control", story: story) { machine.change { $0.now } }
    }

    /// From the daemon's last look to its command.
    private static let moment = Duration.milliseconds(5)
    private var delaysBefore: [pid_t: Duration] = [:]

    /// From now on ``delay`` is counted.
    func forgetDelay() {
        delaysBefore = delays
    }

    /// How long the daemon and the simulator have waited for a processor since.
    var delay: Duration {
        delays.reduce(.zero) { $0 + max($1.value - (delaysBefore[$1.key] ?? .zero), .zero) }
    }

    private var delays: [pid_t: Duration] {
        let processes = [getpid(), daemon.identifier].compactMap { $0 }
        return Dictionary(uniqueKeysWithValues: processes.map { ($0, RunDelay.total(of: $0)) })
    }

    /// Ends all of it and removes its directory.
    func end() {
        try? daemon.end(SIGKILL)
        machine.stop()
        place.remove()
    }

    var now: Duration { machine.change { $0.now } }

    /// Waits for something, and meanwhile for what must never be.
    ///
    /// - Throws: ``Wrong`` when it does not come true in time.
    func eventually(_ what: () -> String, within limit: Duration, _ condition: () throws -> Bool) throws {
        var deadline = ContinuousClock.now + limit
        while try !condition() {
            try noticeEnd()
            let machine = machine.machine
            if let freeze = machine.freeze {
                if machine.isFrozenByOtherTool { throw OtherToolFroze() }
                if let foresight = machine.foresight, foresight < Self.moment + delay { throw Unforeseeable() }
                let foresight = machine.foresight.map { "\($0)" } ?? "unknown"
                throw Wrong("the machine is frozen: \(freeze) (foresight \(foresight), waits for processors \(delay))")
            }
            if let oops = machine.oops { throw Wrong("Linux oopsed: \(oops)") }
            guard ContinuousClock.now < deadline else { throw Wrong("not within \(limit): \(what())") }
            // a machine that lets this program wait lets the daemon wait, too, at each of its steps
            deadline += pause(.milliseconds(3)) * 4
        }
    }

    /// Takes notice of a daemon that has ended by itself.
    func noticeEnd() throws {
        do {
            try daemon.noticeEnd()
        } catch is GaveUp {
            guard daemonMayGiveUp else { throw Wrong("the daemon gave up, and nothing was wrong with its Linux") }
            givenUp += 1
            try daemon.start()
        }
    }

    /// Another tool makes the cell that nobody has defined, where it is not there.
    func bringStranger() throws {
        guard hasStranger else { return }
        let configuration = try Subject.strangerConfiguration(architecture)
        let isThere: Bool = machine.change { machine in
            guard machine.isEnabled else { return false }
            guard !machine.cells.contains(where: { $0.name == Subject.stranger }) else { return true }
            machine.doBehindTheBack([.create(configuration), .restart(Subject.stranger)])
            return false
        }
        if !isThere { story.say("the stranger is brought back") }
    }

    /// What was wrong comes to an end, as far as it is not for the daemon to end it.
    func ceaseFaults() {
        machine.clearFaults()
        machine.change { machine in
            for cell in machine.cells where !cell.isRoot {
                for fault in [Fault.approve, .unlock] {
                    // an inmate that has ended has nothing to unlock
                    guard fault != .unlock || cell.commState == .runningLocked else { continue }
                    try? machine.inject(fault, into: cell.name)
                }
            }
        }
    }

    /// Whoever made the cells that nobody has defined destroys them, and those that bear a defined name: beside them,
    /// others may have to wait. What another tool began before the faults ceased may bring one later.
    ///
    /// - Returns: the defined ones.
    @discardableResult
    func removeIntruders() -> [String] {
        machine.change { machine in
            var names: [String] = []
            for cell in machine.cells where !cell.isRoot {
                if Subject.all.contains(where: { $0.name == cell.name }) {
                    guard cell.isOtherTools, cell.phase == .present else { continue }
                    names.append(cell.name)
                }
                // one that hangs is not waited for when it has failed
                if cell.name != Subject.stranger { try? machine.inject(.fail(.portWrite), into: cell.name) }
                machine.doBehindTheBack([.destroy(cell.name)])
            }
            return names
        }
    }

    /// - Throws: ``Wrong``.
    func waitUntilAlone() throws {
        try eventually({ "the cells that nobody has defined are gone" }, within: .seconds(10)) {
            removeIntruders()
            let names = Subject.all.map(\.name)
            return machine.machine.cells.allSatisfy { $0.isRoot || names.contains($0.name) }
        }
    }

    func tamper(_ how: StateFileTampering) {
        let path = place.runtime + "/state.json"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return }
        story.say("the state file is now \(how.rawValue)")
        let changed =
            switch how {
            case .garbage: "\u{0}\u{1}garbage"
            case .truncated: String(text.prefix(text.count / 2))
            case .empty: ""
            case .newer: text.replacingOccurrences(of: "\"version\":1", with: "\"version\":99")
            }
        try? changed.write(toFile: path, atomically: true, encoding: .utf8)
    }
}
