import CellConfiguration

/// What another tool does to the machine behind everybody's back.
package enum OtherToolStep: Hashable, Sendable {
    case destroy(String)
    case shutDown(String)
    /// Loads what was loaded last, and starts it.
    case restart(String)
    /// Destroys it and creates it anew from its own configuration: stopped, and with the same number if it was the
    /// lowest.
    case recreate(String)
    /// Destroys it and creates another of the same hardware, so that a number is used again.
    case replace(String, by: String)
    /// Creates a cell from these bytes.
    case create([UInt8])
    /// Destroys both and creates them in the other order, so that each has the other's number.
    case swap(String, String)
    case disable
    /// Enables with the configuration that was last in force.
    case enable

    /// From the words of a command line, for example `["replace", "rtems", "other"]`.
    ///
    /// - Throws: ``SimulatorError`` `fault` that says which words there are.
    package init(words: [String]) throws(SimulatorError) {
        let arguments = Array(words.dropFirst())
        switch (words.first, arguments.count) {
        case ("destroy", 1): self = .destroy(arguments[0])
        case ("shut-down", 1): self = .shutDown(arguments[0])
        case ("restart", 1): self = .restart(arguments[0])
        case ("recreate", 1): self = .recreate(arguments[0])
        case ("replace", 2): self = .replace(arguments[0], by: arguments[1])
        case ("swap", 2): self = .swap(arguments[0], arguments[1])
        case ("disable", 0): self = .disable
        case ("enable", 0): self = .enable
        default:
            throw SimulatorError(
                .fault,
                "another tool cannot do \"\(words.joined(separator: " "))\"; it can destroy CELL, shut-down CELL, "
                    + "restart CELL, recreate CELL, replace CELL NAME, swap CELL CELL, disable, enable")
        }
    }

    /// Several, separated by commas.
    package static func steps(words: [String]) throws(SimulatorError) -> [OtherToolStep] {
        let text = words.joined(separator: " ")
        var steps: [OtherToolStep] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            steps.append(try OtherToolStep(words: part.split(separator: " ").map(String.init)))
        }
        return steps
    }
}

extension OtherToolStep: CustomStringConvertible {
    package var description: String {
        switch self {
        case .destroy(let name): "destroy \(name)"
        case .shutDown(let name): "shut-down \(name)"
        case .restart(let name): "restart \(name)"
        case .recreate(let name): "recreate \(name)"
        case .replace(let name, let other): "replace \(name) \(other)"
        case .create(let configuration): "create (\(configuration.count) bytes)"
        case .swap(let one, let other): "swap \(one) \(other)"
        case .disable: "disable"
        case .enable: "enable"
        }
    }
}

extension Machine {
    /// Another tool does all of this in one moment, so that nobody can see the machine in between; as soon as no
    /// command has the driver's lock. The first step that is refused ends it; what came before stays done.
    package mutating func doBehindTheBack(_ steps: [OtherToolStep]) {
        otherTool.append(steps)
    }

    mutating func letOtherToolWork() {
        while freeze == nil, !isBusy {
            if otherToolWork == nil {
                guard !otherTool.isEmpty else { return }
                let steps = otherTool.removeFirst()
                report("another tool: \(steps.map { "\($0)" }.joined(separator: ", "))")
                otherToolWork = OtherToolWork(steps: steps)
            }
            guard goOnWithOtherToolWork() else { return }
        }
    }

    /// - Returns: false when a cell is waited for.
    private mutating func goOnWithOtherToolWork() -> Bool {
        guard var work = otherToolWork else { return true }
        if let execution = work.execution {
            switch carryOut(execution) {
            case .goOn(let stage, _): work.execution?.stage = stage
            case .answer(nil): work.execution = nil
            case .answer(let refusal?): return endOtherToolWork(refusal)
            case .wait: return false
            case .freeze(let freeze):
                // thawed, it goes on with this
                begin(freeze)
                return false
            }
        } else if !work.moves.isEmpty {
            switch work.moves.removeFirst() {
            case .request(let request):
                requestCount += 1
                work.execution = Execution(
                    id: RequestID(number: requestCount), request: request, stage: .begin, due: now)
            case .refresh(let name):
                if let index = cells.firstIndex(where: { $0.name == name }) {
                    cells[index].isFresh = true
                    cells[index].losesNextStart = false
                }
            }
        } else if !work.steps.isEmpty {
            let step = work.steps.removeFirst()
            work.step = step
            switch moves(of: step) {
            case .success(let moves): work.moves = moves
            case .failure(let refusal):
                otherToolWork = work
                return endOtherToolWork(refusal)
            }
        } else {
            otherToolWork = nil
            return true
        }
        otherToolWork = work
        return true
    }

    /// Its request will never end by itself.
    mutating func abandonOtherToolWork() {
        if let execution = otherToolWork?.execution { abandon(execution.request, stage: execution.stage) }
        _ = endOtherToolWork(.invalid)
    }

    private mutating func endOtherToolWork(_ refusal: Refusal) -> Bool {
        if let step = otherToolWork?.step { report("another tool: \(step) was refused: \(refusal.name)") }
        otherToolWork = nil
        return true
    }

    private func moves(of step: OtherToolStep) -> Result<[OtherToolWork.Move], Refusal> {
        switch step {
        case .destroy(let name): return .success([.request(.destroy(.name(name)))])
        case .shutDown(let name): return .success([.request(.load(.name(name), []))])
        case .restart(let name):
            // what is in the cell's memory is what was loaded last
            return .success([.request(.load(.name(name), [])), .refresh(name), .request(.start(.name(name)))])
        case .recreate(let name): return recreate([name], as: [name])
        case .replace(let name, let other): return recreate([name], as: [other])
        case .swap(let one, let other):
            let ids = [one, other].compactMap { name in cells.first { $0.name == name }?.id }
            guard ids.count == 2 else { return .failure(.notFound) }
            // the lower number is the first to be given again
            return ids[0] < ids[1]
                ? recreate([other, one], as: [other, one]) : recreate([one, other], as: [one, other])
        case .create(let configuration): return .success([.request(.create(configuration))])
        case .disable: return .success([.request(.disable)])
        case .enable:
            guard let configuration = lastSystem else { return .failure(.invalid) }
            return .success([.request(.enable(configuration))])
        }
    }

    /// Destroys cells, and creates cells of the same hardware in this order.
    private func recreate(_ old: [String], as new: [String]) -> Result<[OtherToolWork.Move], Refusal> {
        var configurations: [[UInt8]] = []
        for (name, newName) in zip(old, new) {
            guard var descriptor = cells.first(where: { $0.name == name && !$0.isRoot })?.descriptor else {
                return .failure(.notFound)
            }
            descriptor.name = newName
            guard let bytes = try? descriptor.binary() else { return .failure(.invalid) }
            configurations.append(bytes)
        }
        return .success(
            old.map { .request(.destroy(.name($0))) } + configurations.map { .request(.create($0)) })
    }
}

/// What another tool is in the middle of: time passes in it only where a cell takes its own.
struct OtherToolWork: Sendable {
    enum Move: Sendable {
        case request(Request)
        /// What the cell has in memory counts as loaded, and no start of it will be lost.
        case refresh(String)
    }

    var steps: [OtherToolStep]
    var step: OtherToolStep?
    var moves: [Move] = []
    /// Without the faults that are for clients of the device.
    var execution: Machine.Execution?
}
