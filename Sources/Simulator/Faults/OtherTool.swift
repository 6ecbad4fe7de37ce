// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// What another tool does to the machine behind everybody's back.
package enum OtherToolStep: Hashable, Sendable {
    case destroy(String)
    case shutDown(String)
    /// Loads what was loaded last, and starts it.
    case restart(String)
    /// Destroys it and creates it again from its own configuration: stopped, and with the same number if it was the
    /// lowest.
    case recreate(String)
    /// Destroys it and creates another of the same hardware, so that a number is used again.
    case replace(String, by: String)
    /// Creates a cell from these bytes.
    case create([UInt8])
    /// Destroys both and creates them in the other order, so that each has the other's number.
    case swap(String, String)
    /// Creates a cell of its own and starts it; the name may be empty, or bytes that are no text.
    case foreign(String, ForeignKind, cpu: Int?)
    case disable
    /// Enables with the configuration that was last in force.
    case enable

    /// How a cell that another tool has made behaves.
    package enum ForeignKind: String, Hashable, Sendable, CaseIterable {
        case answering
        /// It denies shutdown requests.
        case denying
        /// It answers nothing, and has no timeout.
        case silent
        /// It has not been started.
        case stopped
    }

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
        case ("foreign", 2...3):
            guard let kind = ForeignKind(rawValue: arguments[1]) else {
                let kinds = ForeignKind.allCases.map(\.rawValue).joined(separator: ", ")
                throw SimulatorError(.fault, "a foreign cell cannot be \"\(arguments[1])\"; it can be \(kinds)")
            }
            let cpu = arguments.count > 2 ? Int(arguments[2]) : nil
            guard arguments.count == 2 || cpu != nil else {
                throw SimulatorError(.fault, "\"\(arguments[2])\" is not the number of a CPU")
            }
            let name = arguments[0] == OtherToolStep.nameless ? "" : RawText.unescaped(arguments[0])
            guard RawText.bytes(name).count <= CellDescriptor.nameLimit else {
                throw SimulatorError(.fault, "a cell's name has at most \(CellDescriptor.nameLimit) bytes")
            }
            self = .foreign(name, kind, cpu: cpu)
        case ("disable", 0): self = .disable
        case ("enable", 0): self = .enable
        default:
            throw SimulatorError(
                .fault,
                "another tool cannot do \"\(words.joined(separator: " "))\"; it can destroy CELL, shut-down CELL, "
                    + "restart CELL, recreate CELL, replace CELL NAME, swap CELL CELL, "
                    + "foreign NAME answering|denying|silent|stopped [CPU], disable, enable")
        }
    }

    /// The word for the name that has no bytes.
    package static let nameless = "nameless"

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
        case .foreign(let name, let kind, let cpu):
            "foreign \(name.isEmpty ? OtherToolStep.nameless : RawText.escaped(name)) \(kind.rawValue)"
                + (cpu.map { " \($0)" } ?? "")
        case .swap(let one, let other): "swap \(one) \(other)"
        case .disable: "disable"
        case .enable: "enable"
        }
    }
}

extension Machine {
    /// Another tool does all of this in one moment, so that the machine cannot be seen in between; as soon as no
    /// command has the driver's lock. The first step that is refused ends it; what came before stays done.
    ///
    /// - Returns: the number by which ``otherToolEnd(of:)`` knows it.
    @discardableResult
    package mutating func doBehindTheBack(_ steps: [OtherToolStep]) -> Int {
        otherToolOrders += 1
        otherTool.append(OtherToolOrder(number: otherToolOrders, steps: steps))
        return otherToolOrders
    }

    /// What became of an order; nil while it is not done, or when it is long ago.
    package func otherToolEnd(of number: Int) -> OtherToolEnd? {
        otherToolEnds.first { $0.number == number }
    }

    /// Whether another tool is in the middle of this order.
    package func isOtherToolBusy(with number: Int) -> Bool {
        otherToolWork?.number == number && freeze == nil
    }

    private mutating func noteOtherToolEnd(_ refusal: String?) {
        guard let number = otherToolWork?.number else { return }
        otherToolEnds.append(OtherToolEnd(number: number, refusal: refusal))
        // the client looks at once
        otherToolEnds.removeFirst(max(0, otherToolEnds.count - 16))
    }

    mutating func letOtherToolWork() {
        while freeze == nil, !isBusy {
            if otherToolWork == nil {
                guard !otherTool.isEmpty else { return }
                let order = otherTool.removeFirst()
                report("another tool: \(order.steps.map { "\($0)" }.joined(separator: ", "))")
                otherToolWork = OtherToolWork(number: order.number, steps: order.steps)
            }
            guard goOnWithOtherToolWork() else { return }
        }
    }

    /// - Returns: false when a cell is waited for.
    private mutating func goOnWithOtherToolWork() -> Bool {
        guard var work = otherToolWork else { return true }
        if isBusy { return false }
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
            case .fill(let name):
                if let index = cells.firstIndex(where: { $0.name == name }) {
                    write(
                        OtherToolWork.idling(settings.architecture),
                        at: cells[index].descriptor.memoryRegions[0].physicalStart, for: index)
                    cells[index].isFresh = true
                }
            case .fault(let name, let fault):
                if let index = cells.firstIndex(where: { $0.name == name }),
                    let reaction = cells[index].program.play(fault)
                {
                    apply(reaction, to: index)
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
            noteOtherToolEnd(nil)
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
        let step = otherToolWork?.step.map { "\($0)" } ?? "its work"
        report("another tool: \(step) was refused: \(refusal.name)")
        noteOtherToolEnd("another tool's step \(step) was refused: \(refusal.name)")
        otherToolWork = nil
        return true
    }

    private mutating func moves(of step: OtherToolStep) -> Result<[OtherToolWork.Move], Refusal> {
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
        case .foreign(let name, let kind, let cpu): return foreign(name, kind, cpu)
        case .disable: return .success([.request(.disable)])
        case .enable:
            guard let configuration = lastSystem else { return .failure(.invalid) }
            return .success([.request(.enable(configuration))])
        }
    }

    private mutating func foreign(
        _ name: String, _ kind: OtherToolStep.ForeignKind, _ cpu: Int?
    ) -> Result<[OtherToolWork.Move], Refusal> {
        guard let root = cells.first, let cpu = cpu ?? root.cpus.filter({ $0 != 0 }).max() else {
            return .failure(.invalid)
        }
        let size: UInt64 = 0x1_0000
        let cell = CellDescriptor(
            name: name, architecture: settings.architecture, cpus: CPUSet([cpu]),
            memoryRegions: [
                MemoryRegion(
                    physicalStart: settings.reservedMemory.lowerBound + UInt64(foreignCells % 64) * size, size: size,
                    flags: [.read, .write, .execute, .loadable]),
                MemoryRegion(virtualStart: 0x10_0000, size: 0x1000, flags: [.read, .write, .communicationRegion]),
            ])
        guard let configuration = try? cell.binaryWithRawName() else { return .failure(.invalid) }
        foreignCells += 1
        var moves: [OtherToolWork.Move] = [.request(.create(configuration))]
        if kind == .stopped { return .success(moves) }
        moves += [.fill(name), .request(.start(.name(name)))]
        switch kind {
        case .answering: moves.append(.fault(name, .approve))
        case .denying: moves.append(.fault(name, .deny))
        case .silent: moves.append(.fault(name, .hang))
        case .stopped: break
        }
        return .success(moves)
    }

    /// Destroys cells, and creates cells of the same hardware in this order.
    private func recreate(_ old: [String], as new: [String]) -> Result<[OtherToolWork.Move], Refusal> {
        var configurations: [[UInt8]] = []
        for (name, newName) in zip(old, new) {
            guard var descriptor = cells.first(where: { $0.name == name && !$0.isRoot })?.descriptor else {
                return .failure(.notFound)
            }
            descriptor.name = newName
            guard let bytes = try? descriptor.binaryWithRawName() else { return .failure(.invalid) }
            configurations.append(bytes)
        }
        return .success(
            old.map { .request(.destroy(.name($0))) } + configurations.map { .request(.create($0)) })
    }
}

/// What another tool is to do.
struct OtherToolOrder: Sendable {
    let number: Int
    let steps: [OtherToolStep]
}

/// What became of an order to another tool.
package struct OtherToolEnd: Hashable, Sendable {
    package let number: Int
    /// Which step was refused, and with which errno; nil: all are done.
    package let refusal: String?
}

/// What another tool is in the middle of: time passes in it only where a cell takes its own.
struct OtherToolWork: Sendable {
    enum Move: Sendable {
        case request(Request)
        /// What the cell has in memory counts as loaded, and no start of it will be lost.
        case refresh(String)
        /// It gets a program that does nothing.
        case fill(String)
        case fault(String, Fault)
    }

    /// A branch to itself.
    static func idling(_ architecture: Architecture) -> [UInt8] {
        architecture == .x86 ? [0xeb, 0xfe] : [0x00, 0x00, 0x00, 0x14]
    }

    let number: Int
    var steps: [OtherToolStep]
    var step: OtherToolStep?
    var moves: [Move] = []
    /// Without the faults that are for clients of the device.
    var execution: Machine.Execution?
}
