/// What happens in cells, by themselves or because someone injects it.
extension Machine {
    /// Something that a program did by itself.
    public mutating func deliver(_ events: [CellEvent], from id: Int) {
        guard let index = index(ofCell: id), freeze == nil else { return }
        apply(events, to: index)
    }

    /// Plays a fault in the cell of that name.
    ///
    /// - Throws: ``SimulatorError`` `cell` when there is none, `condition` when nothing runs in it that could play
    ///   it, or the machine is frozen.
    public mutating func inject(_ fault: Fault, into name: String) throws(SimulatorError) {
        if let freeze { throw SimulatorError(.condition, "the machine is frozen: \(freeze)") }
        guard let index = cells.firstIndex(where: { $0.name == name }) else {
            let names = cells.filter { !$0.isRoot }.map(\.name)
            throw SimulatorError(
                .cell,
                "there is no cell \"\(name)\"; "
                    + (names.isEmpty ? "none has been created" : "there are \(names.joined(separator: ", "))"))
        }
        guard !cells[index].isRoot else {
            throw SimulatorError(.cell, "\"\(name)\" is the root cell: faults are for the others")
        }
        if fault == .loseNextStart {
            cells[index].losesNextStart = true
            return
        }
        guard let events = cells[index].program.play(fault) else {
            let why =
                cells[index].isAlive
                ? "it cannot do that" : "nothing executes in it (state: \(cells[index].state.text))"
            throw SimulatorError(.condition, "cell \"\(name)\": \(why)")
        }
        apply(events, to: index)
    }

    mutating func apply(_ events: [CellEvent], to index: Int) {
        cells[index].quietSince = now
        for event in events { apply(event, to: index) }
    }

    private mutating func apply(_ event: CellEvent, to index: Int) {
        let name = cells[index].name
        switch event {
        case .wroteState(let state):
            guard state != cells[index].commState else { return }
            cells[index].commState = state
            if state != .running || cells[index].starts > 0 { report("\(state.text): cell \"\(name)\"") }
        case .failed(let cpu, let violation):
            guard cells[index].cpus.contains(cpu), cells[index].failedCPUs.insert(cpu).inserted else { return }
            cells[index].count(violation.exit, on: cpu)
            for line in violation.lines(cpu: cpu, cell: name) { console.print(line) }
            // a cell whose other CPUs go on is not failed to the hypervisor
            if cells[index].failedCPUs == cells[index].cpus {
                cells[index].commState = .failed
                report("failed: cell \"\(name)\", CPU \(cpu): \(violation.rawValue)")
            } else {
                report("CPU failed: cell \"\(name)\", CPU \(cpu): \(violation.rawValue)")
            }
        case .printed(let text):
            guard !cells[index].descriptor.flags.isDisjoint(with: [.virtualConsolePermitted, .virtualConsoleActive])
            else { return }
            console.printFromCell(text)
        case .exited(let cpu, let reason):
            guard cells[index].cpus.contains(cpu) else { return }
            cells[index].count(reason, on: cpu)
        }
    }

    /// Takes a CPU away from Linux, or gives it back, as root does through sysfs.
    public mutating func setCPU(_ cpu: Int, online: Bool) throws(SimulatorError) {
        guard (0..<settings.cpus).contains(cpu) else {
            throw SimulatorError(.condition, "this machine has CPUs 0-\(settings.cpus - 1)")
        }
        if isEnabled, let root = cells.first, !root.cpus.contains(cpu) {
            throw SimulatorError(.condition, "CPU \(cpu) is a cell's")
        }
        if online { onlineCPUs.insert(cpu) } else { onlineCPUs.remove(cpu) }
    }
}
