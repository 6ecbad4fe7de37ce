// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import CellConfiguration
import CellMachine
/// What happens in cells, by themselves or because someone injects it.
extension Machine {
    /// Something that a program did by itself.
    ///
    /// - Parameters:
    ///   - incarnation: of its cell, as given when it was created.
    ///   - run: after which of its starts; what comes late from an earlier one does not count.
    package mutating func deliver(_ events: [CellEvent], from incarnation: UInt64, run: Int = 0) {
        guard let index = cells.firstIndex(where: { $0.incarnation == incarnation }) else { return }
        for event in events where cells[index].program.accepts(event, run: run) {
            switch event {
            // the machine's own doing, or nothing that happened to the inmate
            case .ready, .counted: break
            default: cells[index].quietSince = now
            }
            apply(event, to: index)
        }
    }

    /// Plays a fault in the cell of that name.
    ///
    /// - Throws: ``SimulatorError`` `cell` when there is none, `condition` when nothing runs in it that could play
    ///   it, or the machine is frozen.
    package mutating func inject(_ fault: Fault, into name: String) throws(SimulatorError) {
        if let freeze { throw SimulatorError(.condition, "the machine is frozen: \(freeze)") }
        guard let index = cells.firstIndex(where: { $0.name == name }) else {
            let names = cells.filter { !$0.isRoot }.map(\.name)
            throw SimulatorError(
                .cell,
                "there is no cell \"\(name)\"; "
                    + (names.isEmpty ? "none has been created" : "there are \(names.joined(separator: ", "))"))
        }
        guard !cells[index].isRoot else {
            throw SimulatorError(.cell, "\"\(name)\" is the root cell: say inject --root")
        }
        if fault == .loseNextStart {
            cells[index].losesNextStart = true
            return
        }
        guard let reaction = cells[index].program.play(fault) else {
            let why =
                cells[index].isAlive
                ? cells[index].program.obstacle(to: fault) ?? "it cannot do that"
                : "nothing executes in it (state: \(cells[index].state.text))"
            throw SimulatorError(.condition, "cell \"\(name)\": \(why)")
        }
        apply(reaction, to: index)
    }

    mutating func apply(_ reaction: CellReaction, to index: Int) {
        cells[index].quietSince = now
        give(reaction.orders, to: index)
        for event in reaction.events { apply(event, to: index) }
    }

    private mutating func apply(_ event: CellEvent, to index: Int) {
        let name = cells[index].name
        switch event {
        case .wroteState(let state):
            endConversation(with: cells[index].incarnation, by: state)
            guard state != cells[index].commState else { return }
            cells[index].commState = state
            if state != .running || cells[index].starts > 0 { report("\(state.text): cell \"\(name)\"") }
        case .failed(let cpu, let violation):
            guard park(cpu, of: index, violation.lines(cpu: cpu, cell: name, settings.wording), violation.rawValue)
            else { return }
            cells[index].count(violation.exit, on: cpu)
        case .parked(let cpu, let report):
            _ = park(cpu, of: index, settings.wording.lines(report.lines(cpu: cpu, cell: name)), report.summary)
        case .held(let cpu, let violation):
            report(
                "held: cell \"\(name)\", CPU \(cpu): \(violation.summary); jailhouse-sim gdb \(name) shows it, and lets it go on"
            )
        case .printed(let text):
            guard !cells[index].descriptor.flags.isDisjoint(with: [.virtualConsolePermitted, .virtualConsoleActive])
            else { return }
            console.printFromCell(text)
        case .exited(let cpu, let reason):
            guard cells[index].cpus.contains(cpu) else { return }
            cells[index].count(reason, on: cpu)
        case .noted(let line): console.print(line)
        case .counted(let counts): cells[index].counted = counts
        case .answered(let reply): endConversation(with: cells[index].incarnation, by: reply)
        case .ready: break
        case .ended(let why):
            report("cell \"\(name)\": \(why)")
            guard [.running, .runningLocked].contains(cells[index].commState) else { return }
            cells[index].commState = .failed
            report("failed: cell \"\(name)\"")
            endConversation(with: cells[index].incarnation, by: .failed)
        }
    }

    /// - Returns: whether it was not parked before.
    private mutating func park(_ cpu: Int, of index: Int, _ lines: [String], _ reason: String) -> Bool {
        guard cells[index].cpus.contains(cpu), cells[index].failedCPUs.insert(cpu).inserted else { return false }
        let name = cells[index].name
        for line in lines { console.print(line) }
        // a cell whose other CPUs go on is not failed to the hypervisor
        if cells[index].failedCPUs == cells[index].cpus {
            cells[index].commState = .failed
            report("failed: cell \"\(name)\", CPU \(cpu): \(reason)")
            endConversation(with: cells[index].incarnation, by: .failed)
        } else {
            report("CPU failed: cell \"\(name)\", CPU \(cpu): \(reason)")
        }
        return true
    }

    /// Takes a CPU away from Linux, or gives it back, as root does through sysfs.
    package mutating func setCPU(_ cpu: Int, online: Bool) throws(SimulatorError) {
        guard (0..<settings.cpus).contains(cpu) else {
            throw SimulatorError(.condition, "this machine has CPUs 0-\(settings.cpus - 1)")
        }
        if isEnabled, let root = cells.first, !root.cpus.contains(cpu) {
            throw SimulatorError(.condition, "CPU \(cpu) is a cell's")
        }
        if online { onlineCPUs.insert(cpu) } else { onlineCPUs.remove(cpu) }
    }
}
