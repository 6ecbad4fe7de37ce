// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
package import CellConfiguration

/// The simulated machine: Linux's driver and the hypervisor below it, as the real ones were seen to behave.
///
/// A value without clock or I/O. Its owner submits requests, sets the time (``advance(to:)``), does
/// what it asks for (``takeEffects()``) and shows ``sysfs`` to the world, unless the machine is frozen.
/// Requests are carried out one after the other: the driver has one lock.
package struct Machine: Sendable {
    package let settings: MachineSettings
    /// Since the machine was switched on.
    package internal(set) var now: Duration = .zero
    /// The configuration that the hypervisor was enabled with; nil: disabled.
    package internal(set) var system: SystemDescriptor? { didSet { changes &+= 1 } }
    /// In the order of their creation; the first is the root cell.
    package internal(set) var cells: [Cell] = [] { didSet { changes &+= 1 } }
    package internal(set) var console = HypervisorConsole() { didSet { changes &+= 1 } }
    /// Grows whenever ``sysfs`` may have changed.
    package private(set) var changes: UInt64 = 1
    /// `/sys/devices/system/cpu/online`: not the CPUs of other cells.
    package internal(set) var onlineCPUs: Set<Int> { didSet { changes &+= 1 } }
    /// Whether `enable` finds the hypervisor's firmware file.
    package var hasFirmware = true
    /// Why nothing moves any more; nil: it does.
    package internal(set) var freeze: Freeze?
    /// What killed a reader of sysfs, and with it the command that waits for it; nil: nothing.
    package internal(set) var oops: Oops?
    package internal(set) var faults = MachineFaults() { didSet { changes &+= 1 } }

    /// Linux is stalled until then: the hypervisor waits for a cell.
    var standsStillUntil: Duration = .zero
    var random: SeededGenerator
    var incarnations: UInt64 = 0

    /// Whether it was not a client of the device that froze the machine.
    package internal(set) var isFrozenByOtherTool = false
    /// What another tool is to do when the driver's lock is free.
    var otherTool: [OtherToolOrder] = []
    /// How many orders another tool was given.
    var otherToolOrders = 0
    /// What became of its last orders.
    var otherToolEnds: [OtherToolEnd] = []
    /// The configuration of the last successful enable.
    var lastSystem: [UInt8]?
    var requestCount: UInt64 = 0
    /// With a cell, about the request that has the driver's lock.
    var conversation: Conversation?
    /// The cells that know of the reconfiguration that is being announced.
    var informed: Set<UInt64> = []
    /// What another tool is in the middle of.
    var otherToolWork: OtherToolWork?
    var deeds: [Deed] = []
    /// The source of commands that do not come from the device's clients.
    static let otherTool = "another tool"
    /// Requests of the machine's own Linux, and what they are for.
    var ownRequests: [RequestID: String] = [:]
    /// How many cells other tools have made.
    var foreignCells = 0

    /// See ``wasShown(at:)``.
    private var shownAt: Duration = .zero
    private var waiting: [(id: RequestID, request: Request, submitted: Duration)] = []
    var current: Execution?
    private var effects: [Effect] = []
    private let inmates: Inmates

    /// What runs in the cells.
    package enum Inmates: Hashable, Sendable {
        case scripted
        /// What really executes, outside of this value: see ``Effect/order(_:cell:)``.
        case executing
    }

    /// A request that has the driver's lock.
    struct Execution: Sendable {
        let id: RequestID
        let request: Request
        var stage: Stage
        var due: Duration
        var plan = MachineFaults.Plan()
        var submitted: Duration = .zero
        var begun: Duration = .zero
        /// The cell that it is for.
        var target: String?
        var harms: [Deed.Harm] = []
    }

    package init(settings: MachineSettings = MachineSettings(), inmates: Inmates = .scripted) {
        self.settings = settings
        self.inmates = inmates
        onlineCPUs = Set(0..<settings.cpus)
        random = SeededGenerator(seed: settings.seed)
    }

    package var isEnabled: Bool { system != nil }

    /// Whether anybody in Linux can see anything change.
    package var standsStill: Bool {
        freeze != nil || now < standsStillUntil || patienceEnds != nil || otherToolWork != nil
    }

    // MARK: requests

    /// Puts a request in the queue for the driver's lock.
    ///
    /// - Parameter arrival: when the client gave it; nil: now.
    package mutating func submit(_ request: Request, at arrival: Duration? = nil) -> RequestID {
        requestCount += 1
        let id = RequestID(number: requestCount)
        waiting.append((id, request, arrival ?? now))
        return id
    }

    /// sysfs shows from this moment on what happened since it was shown last; the file system that the simulator writes
    /// to may have let it wait, and nobody could see earlier what a cell had become.
    package mutating func wasShown(at time: Duration) {
        for index in cells.indices where cells[index].quietSince > shownAt {
            cells[index].quietSince = max(time, cells[index].quietSince)
        }
        shownAt = time
    }

    /// The time has come to `time`: does what is due until then.
    package mutating func advance(to time: Duration) {
        while freeze == nil, let next = nextMoment, next <= time {
            now = max(now, next)
            if patienceEnds != nil { losePatience() } else { perform() }
        }
        now = max(now, time)
        noticeExits()
        passFaults()
    }

    private mutating func planFaults(for command: String, of cell: String?) -> MachineFaults.Plan {
        guard !faults.commands.isEmpty else { return MachineFaults.Plan() }
        var faults = faults
        let plan = faults.plan(for: command, of: cell, &random)
        self.faults = faults
        return plan
    }

    private mutating func passFaults() {
        guard !faults.sysfs.isEmpty else { return }
        let names = cellNames
        var faults = faults
        if faults.passSysfs(trueSysfs, named: names, now: now) { report("a fault of sysfs has ended") }
        // without a change nothing is to be shown again
        if faults != self.faults { self.faults = faults }
    }

    var cellNames: [Int: String] { Dictionary(cells.map { ($0.id, $0.name) }) { $1 } }

    private mutating func noticeExits() {
        for index in cells.indices where cells[index].unnoticed.contains(where: { $0.at <= now }) {
            cells[index].notice(until: now)
        }
    }

    /// When ``advance(to:)`` has something to do next; nil: not before a request or a fault.
    package var wakeUp: Duration? {
        guard freeze == nil else { return nil }
        let notices = cells.lazy.flatMap(\.unnoticed).map(\.at).filter { $0 > now }
        let end = standsStillUntil > now ? standsStillUntil : nil
        return [nextMoment, notices.min(), end, faults.nextEnd].compactMap { $0 }.min()
    }

    /// What is to be done outside, in order; empty afterwards.
    package mutating func takeEffects() -> [Effect] {
        defer { effects = [] }
        return effects
    }

    /// Whether a cell is still carrying out an order; no command continues before.
    var isBusy: Bool { cells.contains { $0.program.isBusy } }

    /// When the current request goes on, or the next one begins.
    private var nextMoment: Duration? {
        if let patienceEnds { return patienceEnds }
        if isBusy { return nil }
        if let current { return current.stage == .stuck ? nil : max(current.due, standsStillUntil) }
        let isIdle = waiting.isEmpty && otherTool.isEmpty && otherToolWork == nil
        return isIdle ? nil : max(now, standsStillUntil)
    }

    private mutating func perform() {
        noticeExits()
        if current == nil {
            letOtherToolWork()
            guard freeze == nil, otherToolWork == nil, !isBusy, !waiting.isEmpty else { return }
            let next = waiting.removeFirst()
            let target = name(ofCellIn: next.request)
            let plan = planFaults(for: next.request.command, of: target)
            current = Execution(
                id: next.id, request: next.request, stage: .waited, due: now, plan: plan, submitted: next.submitted,
                begun: now, target: target)
            if plan.waitBefore > .zero {
                current?.due = now + plan.waitBefore
                let whose = target.map { " of cell \"\($0)\"" } ?? ""
                report("\(next.request.command)\(whose) is held up for \(DurationText.text(plan.waitBefore))")
                return
            }
        }
        guard var execution = current else { return }
        // step by step: what happens between two steps is not the command's doing
        let healthy = healthyCells
        let step = carryOutWithFaults(execution)
        execution.harms += harms(since: healthy)
        current?.harms = execution.harms
        switch step {
        case .goOn(let stage, let cost):
            // what a wait for a cell took comes on top
            current?.stage = stage
            current?.due = max(now, standsStillUntil) + cost
        case .answer(let refusal):
            current = nil
            note(execution, refusal)
            tellOwner(of: execution.id, refusal)
            effects.append(.answered(execution.id, refusal))
        case .wait:
            // what has been looked at is not looked at again
            if execution.stage == .waited { current?.stage = .begin }
        case .freeze(let freeze): begin(freeze)
        }
    }

    mutating func begin(_ freeze: Freeze) {
        self.freeze = freeze
        isFrozenByOtherTool = current.map { ownRequests[$0.id] == Machine.otherTool } ?? true
        report("FROZEN: \(freeze)")
    }

    /// How long the cell that Linux waits for had shown itself as it is when the command was given that waits for it; negative
    /// if it has come to be so since.
    package var foresight: Duration? {
        guard let current, let id = freeze?.cell, let cell = cells.first(where: { $0.id == id }) else { return nil }
        return current.submitted - cell.quietSince
    }

    /// A cell has kept the hypervisor waiting for longer than anybody would watch.
    mutating func freeze(waitingFor index: Int, reason: String) {
        begin(
            Freeze(
                command: current?.request.command ?? "another tool", target: current?.target ?? cells[index].name,
                cell: cells[index].id, reason: reason))
    }

    /// What a command hangs in that suspends a CPU on which the hypervisor failed.
    ///
    /// - Parameter index: of the cell that it is for; it suspends the root cell in any case.
    func hang(_ command: String, _ index: Int? = nil) -> Freeze? {
        let suspended = [cells.firstIndex(where: \.isRoot), index].compactMap { $0 }
        guard let index = suspended.last(where: { !cells[$0].stoppedCPUs.isEmpty }),
            let cpu = cells[index].stoppedCPUs.min()
        else { return nil }
        return Freeze(
            command: command, target: cells[index].name, cell: cells[index].id,
            reason: "CPU \(cpu), on which the hypervisor failed, is not suspended")
    }

    // MARK: for the rest of the machine

    mutating func report(_ line: String) {
        effects.append(.report(line))
    }

    mutating func store(_ id: RequestID, image: Int, at address: UInt64, for index: Int) {
        _ = cells[index].program.stored()
        effects.append(.store(id, image: image, at: address, cell: cells[index].incarnation))
    }

    /// Bytes that no command loads, for the machine's next cell.
    mutating func write(_ bytes: [UInt8], at address: UInt64, for index: Int) {
        _ = cells[index].program.stored()
        effects.append(.write(bytes, at: address, cell: cells[index].incarnation))
    }

    mutating func give(_ orders: [CellOrder], to index: Int) {
        for order in orders { effects.append(.order(order, cell: cells[index].incarnation)) }
    }

    /// What runs in the cell does not do so any more.
    mutating func stop(_ index: Int) {
        give(cells[index].program.stopped(), to: index)
    }

    func index(ofCell id: Int) -> Int? {
        cells.firstIndex { $0.id == id }
    }

    mutating func addCell(_ descriptor: CellDescriptor, id: Int, phase: Cell.Phase) {
        incarnations += 1
        let cpus = Set(descriptor.cpus.members)
        let executes = id != 0 && inmates == .executing
        if executes { effects.append(.add(descriptor, system, cell: incarnations)) }
        let program: any CellProgram = executes ? ExecutingProgram(cell: descriptor) : ScriptedProgram()
        cells.append(
            Cell(
                id: id, incarnation: incarnations, descriptor: descriptor, cpus: cpus, phase: phase,
                commState: id == 0 ? .running : .shutDown,
                exits: Dictionary(uniqueKeysWithValues: cpus.map { ($0, ExitStatistics()) }),
                program: program
            ))
        cells[cells.count - 1].isOtherTools = otherToolWork != nil && current == nil
    }

    /// Ends a freeze, which no real machine does: the cell that was waited for counts as failed, and the request
    /// goes on, another tool's as well. Where no cell was waited for, the request is refused with EINVAL.
    package mutating func thaw() {
        if oops != nil {
            oops = nil
            if current?.stage == .stuck {
                current?.stage = .disabled
                current?.due = now
            }
            report("thawed")
        }
        guard let freeze else { return }
        self.freeze = nil
        standsStillUntil = now
        report("thawed")
        if let id = freeze.cell, let index = index(ofCell: id), !cells[index].isRoot {
            conversation = nil
            cells[index].stoppedCPUs = []
            stop(index)
            cells[index].commState = .failed
            current?.due = now
        } else if let current {
            self.current = nil
            abandon(current.request, stage: current.stage)
            effects.append(.answered(current.id, .invalid))
        } else {
            abandonOtherToolWork()
        }
    }
}

/// Why the machine hangs indefinitely.
package struct Freeze: Hashable, Sendable, CustomStringConvertible {
    /// The command in which it hangs, such as `load`.
    package let command: String
    /// The cell that the command was for.
    package let target: String
    /// The cell that is waited for, if it is one; the root cell, if it is a CPU that Linux lost.
    package let cell: Int?
    package let reason: String

    package var description: String { "\(command) of cell \"\(target)\": \(reason)" }
}
