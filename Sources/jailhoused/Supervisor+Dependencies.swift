import CellDefinition
import ControlInterface
import Hypervisor
import JailhouseInterface
import Logging
import Supervision

/// Cells that need each other. ``DependencyOrder`` says in which order; here it is kept: a request is carried out with
/// those that it entails, and a command that would bring a cell up is held until what it waits for runs.
extension Supervisor {
    var order: DependencyOrder { DependencyOrder(cells.compactMapValues { $0.definition?.dependencies }) }

    /// Carries out a request, and what must be done for it before and after; returns when all is done.
    func request(_ request: Request, _ name: String) async throws -> Manager.Cell {
        guard cells[name]?.definition != nil else { return try await requestAlone(request, name) }
        let steps = order.steps(for: request, of: name, isRunning: isWanted)
        var isDone = false
        // by whom each of the others was stopped last: it is not started again if somebody else has stopped it since
        var stops: [String: RequestID] = [:]
        for step in steps {
            do {
                if step == DependencyOrder.Step(request, name) {
                    _ = try await requestAlone(request, name)
                    isDone = true
                } else if step.request == .start, let stop = stops[step.cell], lastRequests[step.cell] != stop {
                    continue
                } else {
                    _ = try await requestAlone(step.request, step.cell)
                    note(step, for: request, of: name)
                    if step.request == .stop { stops[step.cell] = lastRequests[step.cell] }
                }
            } catch {
                let left = request == .restart && !isDone ? await startAgain(stops, in: steps) : []
                if step == DependencyOrder.Step(request, name) {
                    if left.isEmpty { throw error }
                } else {
                    note(step, for: request, of: name, error)
                }
                throw ManagerError.dependency(request, of: name, isDone: isDone, step, error, left: left)
            }
        }
        guard let cell = cells[name] else { throw ManagerError.cellNotFound(name, among: cells.keys.sorted()) }
        return cell.onWire
    }

    /// What was stopped for a restart that did not come about.
    ///
    /// - Returns: those that do not run again, with the reason.
    private func startAgain(_ stops: [String: RequestID], in steps: [DependencyOrder.Step]) async -> [String] {
        var left: [String] = []
        // in the reverse order of their stops
        for step in steps.reversed() where step.request == .stop && lastRequests[step.cell] == stops[step.cell] {
            guard stops[step.cell] != nil else { continue }
            do {
                _ = try await requestAlone(.start, step.cell)
            } catch {
                left.append("\(step.cell), which was stopped for it, is not started again: \(error.sentence)")
            }
        }
        return left
    }

    /// Cells that are started by themselves, and those that they require, in the order of their start.
    var startingByThemselves: [String] {
        let wanted = cells.values.filter { $0.definition?.policy.autostart == true }.map(\.name)
        let order = order
        return order.startOrder(of: wanted.reduce(into: Set(wanted)) { $0.formUnion(order.required(by: $1)) })
    }

    /// In a new boot, what cells that are started by themselves require is to run as well.
    func wantRequired(at now: Moment) {
        for name in startingByThemselves {
            guard let cell = cells[name], cell.lifecycle.memory.goal != .run, let definition = cell.definition else {
                continue
            }
            var memory = LifecycleMemory()
            memory.goal = .run
            cells[name]?.lifecycle = CellLifecycle(definition.supervised, memory: memory, at: now)
        }
    }

    private func isWanted(_ name: String) -> Bool {
        guard let lifecycle = cells[name]?.lifecycle, lifecycle.condition != .gaveUp else { return false }
        return lifecycle.memory.goal == .run || lifecycle.sighting?.observation?.state.isRunning == true
    }

    // MARK: - Holding

    /// What a cell waits for before it is brought up.
    struct Wait: Hashable {
        let reason: String
        /// It will not end by itself.
        let isHopeless: Bool
    }

    func wait(of name: String) -> Wait? {
        guard let dependencies = cells[name]?.definition?.dependencies else { return nil }
        for other in dependencies.predecessors where !isUp(other) {
            let isRequired = dependencies.requires.contains(other)
            let condition = cells[other]?.lifecycle.condition
            if isWanted(other) {
                return Wait(
                    reason: "waits for \(other), which is \(condition?.rawValue ?? "absent")", isHopeless: false)
            }
            guard isRequired else { continue }
            let what = condition == .gaveUp ? "gave up" : "is not to run"
            return Wait(
                reason: "requires \(other), which \(what): jailhouse-ctl start \(other)", isHopeless: true)
        }
        return nil
    }

    private func isUp(_ name: String) -> Bool {
        switch cells[name]?.lifecycle.condition {
        case .running, .degraded: true
        default: false
        }
    }

    /// Keeps a command that would bring the cell up for later, if it has to wait.
    func holds(_ command: Command, for name: String) -> Bool {
        guard command == .create || command == .load || command == .start,
            cells[name]?.lifecycle.memory.goal == .run, let wait = wait(of: name)
        else { return false }
        held[name] = command
        note(wait, of: name)
        return true
    }

    /// Lets go what need not wait any more; tells clients for whom there is no hope.
    func serveHeld() {
        for (name, command) in held {
            let wait = cells[name]?.lifecycle.memory.goal == .run && view.isEnabled ? wait(of: name) : nil
            guard let wait else {
                letGo(name, command)
                continue
            }
            note(wait, of: name)
            guard wait.isHopeless else { continue }
            for id in starting[name] ?? [] {
                answers.removeValue(forKey: id)?.resume(
                    throwing: ManagerError.startFailed(cell: name, message: "\(name) \(wait.reason)"))
            }
        }
    }

    /// The cell decides anew, on what is there by now.
    private func letGo(_ name: String, _ command: Command) {
        held[name] = nil
        cells[name]?.waitsFor = nil
        conclude(command, for: name, .overtaken, at: Clock.now())
    }

    private func note(_ wait: Wait, of name: String) {
        guard cells[name]?.waitsFor != wait.reason else { return }
        cells[name]?.waitsFor = wait.reason
        hasNews = true
        logger.notice("\(name) \(wait.reason)", metadata: ["cell": "\(name)"])
    }
}

extension ManagerError {
    /// A step of a request for another cell failed.
    fileprivate static func dependency(
        _ request: Request, of name: String, isDone: Bool, _ step: DependencyOrder.Step, _ error: any Error,
        left: [String]
    ) -> ManagerError {
        let rest = left.map { "; \($0)" }.joined()
        if step == DependencyOrder.Step(request, name) {
            return .commandFailed(
                cell: name, command: request.rawValue, errno: 0, errnoName: "", message: error.sentence + rest)
        }
        let beginning = isDone ? "\(request.rawValue) \(name) is done, but" : "\(request.rawValue) \(name) is not done:"
        let relation = step.request == .start && !isDone ? "which it requires" : "which requires it"
        return .commandFailed(
            cell: name, command: request.rawValue, errno: 0, errnoName: "",
            message:
                "\(beginning) \(step.request.rawValue) of \(step.cell), \(relation), failed: \(error.sentence)\(rest)")
    }
}
