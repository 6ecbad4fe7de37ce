// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ControlInterface
import Hypervisor
import JailhouseInterface
import Supervision
import SystemPackage

/// What an error's sentence needs to know besides the failure.
struct ErrorContext {
    let cells: [String: ManagedCell]
    let names: Set<String>
    /// Where a system would be configured.
    let settingsPath: String
    /// Why the configured system is not used; nil: none is configured.
    var systemRefusal: String?
}

extension ManagerError {
    static let noDriver = ManagerError.noDriver(
        message: "there is no /dev/jailhouse: load the driver (modprobe jailhouse)")
    static let notEnabled = ManagerError.notEnabled(
        message: "the hypervisor is not enabled: jailhouse-ctl enable")
    static let alreadyEnabled = ManagerError.alreadyEnabled(message: "the hypervisor is enabled already")

    static let beingShutDown = ManagerError.commandFailed(
        cell: nil, command: "disable", errno: 0, errnoName: "", message: "shutdown already in progress")

    static func cellNotFound(_ name: String, among names: [String]) -> ManagerError {
        let nearest = nearestWord(to: name, among: names)
        let hint =
            nearest.map { "did you mean \($0)?" }
            ?? (names.isEmpty ? "no cell is defined" : "known cells: \(names.joined(separator: ", "))")
        return .cellNotFound(cell: name, nearest: nearest, message: "there is no cell \(name): \(hint)")
    }

    /// A failure of the fleet, for a client.
    init(_ failure: FleetFailure, _ context: ErrorContext) {
        switch failure {
        case .noDriver: self = .noDriver
        case .notEnabled: self = .notEnabled
        case .alreadyEnabled: self = .alreadyEnabled
        case .noSystem:
            self = .definitionInvalid(
                cell: nil, path: context.settingsPath,
                message: context.systemRefusal.map {
                    "the configured system is not used: \($0); 'jailhouse-ctl reload' judges it again"
                }
                    ?? "no system is configured: set system = \"…\" in \(context.settingsPath), or use enable FILE")
        case .machineBusy(let isEnabling):
            let command: MachineCommand = isEnabling ? .enable : .disable
            self = .failed(
                command.rawValue, "the hypervisor is being \(command.rawValue)d already: try again when that is done")
        case .beingShutDown: self = .beingShutDown
        case .shuttingDown(let cell):
            self = .failed("start", "shutdown in progress: no cell can be started", cell: cell)
        case .daemonEnds(let cell): self = .superseded(cell: cell ?? "", message: Refusal.daemonEnds.message)
        case .noSuchCell(let name): self = .cellNotFound(name, among: context.names.sorted())
        case .cell(let name, .foreign):
            if let cell = context.cells[name], cell.definition == nil, let problem = cell.problem {
                self = .definitionInvalid(cell: name, path: cell.definitionPath, message: problem)
            } else {
                self = .init(RequestFailure.foreign, cell: name)
            }
        case .cell(let name, let failure):
            self = .init(failure, cell: name, latest: context.cells[name]?.failures.last)
        case .deniesShutdown(let name):
            self = .shutdownDenied(cell: name, message: "\(name) rejected the shutdown request and is still running")
        case .waitsInVain(let name, let reason): self = .startFailed(cell: name, message: "\(name) \(reason)")
        case .step(let request, let name, let isDone, let step, let failure, let left):
            self = .init(request, name, isDone: isDone, step, failure, left: left, context)
        case .unknownAnswer(let cell, let command):
            self = .foreignCell(
                cell: cell,
                message: """
                    cannot \(command.rawValue) the hypervisor: cell \(cell) was not created by the daemon and may never answer \
                    its shutdown request, which would hang Linux; stop or destroy it with the tool that created it
                    """)
        case .othersDestroyed(let cells):
            self = .foreignCell(
                cell: cells.first ?? "",
                message: """
                    disabling the hypervisor would destroy cells without a definition: \(cells.joined(separator: ", ")). \
                    To allow that: jailhouse-ctl disable --others
                    """)
        case .lostCPUs(let lost):
            self = .failed("disable", "cannot disable the hypervisor: \(lost.objection(to: nil) ?? "")")
        case .otherCPUs(let system, let online):
            self = .definitionInvalid(
                cell: nil, path: system.path,
                message: """
                    \(system.path) has the CPUs \(system.cpus.ranges), and Linux has \(online.ranges) online: the \
                    hypervisor needs exactly those, or the machine may hang. Correct the file, or bring the CPUs online
                    """)
        case .machine(let command, let refusal): self = .init(refusal, command)
        case .timedOut(let cell):
            self = .failed(
                "", "timed out waiting for the hypervisor; the request may still complete", cell: cell)
        case .notBegun: self = .superseded(cell: "", message: "timed out waiting for the driver; nothing was done")
        }
    }

    private static func failed(_ command: String, _ message: String, cell: String? = nil) -> ManagerError {
        .commandFailed(cell: cell, command: command, errno: 0, errnoName: "", message: message)
    }

    /// A step of a request for another cell failed.
    private init(
        _ request: Request, _ name: String, isDone: Bool, _ step: DependencyOrder.Step, _ failure: FleetFailure,
        left: [ShutDownResult.Left], _ context: ErrorContext
    ) {
        let reason = ManagerError(failure, context).message
        let rest = left.map {
            "; \($0.cell), which was stopped for it, is not started again: \(ManagerError($0.reason, context).message)"
        }.joined()
        guard step != DependencyOrder.Step(request, name) || isDone else {
            self = .failed(request.rawValue, reason + rest, cell: name)
            return
        }
        let beginning = isDone ? "\(request.rawValue) \(name) is done, but" : "\(request.rawValue) \(name) is not done:"
        let relation = step.request == .start && !isDone ? "which it requires" : "which requires it"
        self = .failed(
            request.rawValue,
            "\(beginning) \(step.request.rawValue) of \(step.cell), \(relation), failed: \(reason)\(rest)", cell: name)
    }

    private init(_ refusal: MachineRefusal, _ command: MachineCommand) {
        switch refusal.kind {
        case .noDriver: self = .noDriver(message: refusal.message)
        case .disabled: self = .notEnabled(message: refusal.message)
        case .enabled: self = .alreadyEnabled(message: refusal.message)
        case .configuration: self = .definitionInvalid(cell: nil, path: nil, message: refusal.message)
        case .other:
            self = .commandFailed(
                cell: nil, command: command.rawValue, errno: Int(refusal.errno),
                errnoName: ErrnoName.of(refusal.errno), message: refusal.message)
        }
    }

    init(_ failure: RequestFailure, cell: String, latest: FailureRecord? = nil) {
        switch failure {
        case .disabled: self = .notEnabled
        case .foreign:
            self = .foreignCell(
                cell: cell,
                message:
                    "\(cell) has no definition, so the daemon does not control it: add one to the directory cells"
            )
        case .denied:
            self = .shutdownDenied(
                cell: cell,
                message: "\(cell) rejected the shutdown request until its stop-timeout expired; it is still running")
        case .wouldFreeze:
            self = .commandFailed(
                cell: cell, command: "shutdown", errno: 0, errnoName: "",
                message: """
                    refusing to stop \(cell): it is not responding and has no message-timeout, so Linux would hang. \
                    Schedule a clean reboot, and give the cell a message-timeout or passive-comm-region
                    """)
        case .madeByOthers:
            self = .foreignCell(
                cell: cell,
                message: """
                    refusing to stop \(cell): another tool created and started it, so it may never answer a shutdown \
                    request, and Linux would hang; stop or destroy it with that tool. Once jailhouse-ctl start \(cell) has \
                    started it, the daemon controls it
                    """)
        case .superseded(let request):
            self = .superseded(cell: cell, message: "superseded by a later request: \(request.rawValue) \(cell)")
        case .failed(.refused(let command, let refusal)), .refused(let command, let refusal):
            self = .init(refusal, command, cell: cell)
        case .failed(let cause):
            let reason = latest?.cause == cause ? latest?.reason ?? "\(cause)" : "\(cause)"
            self = .startFailed(cell: cell, message: "\(cell) failed to start: \(reason)")
        }
    }

    private init(_ refusal: Refusal, _ command: Command, cell: String) {
        switch refusal.kind {
        case .definition:
            self = .definitionInvalid(cell: cell, path: nil, message: refusal.message)
        case .denied, .otherCellLocked, .other:
            self = .commandFailed(
                cell: cell, command: command.rawValue, errno: Int(refusal.errno),
                errnoName: ErrnoName.of(refusal.errno), message: refusal.message)
        }
    }

    init(_ error: HypervisorError) {
        switch error.code {
        case .noDriver: self = .noDriver(message: error.message)
        case .disabled: self = .notEnabled(message: error.message)
        case .enabled: self = .alreadyEnabled(message: error.message)
        case .malformedConfiguration: self = .definitionInvalid(cell: nil, path: nil, message: error.message)
        default:
            self = .commandFailed(
                cell: nil, command: error.command?.rawValue ?? "open", errno: Int(error.errno),
                errnoName: ErrnoName.of(error.errno), message: error.message)
        }
    }

    /// Any error of the daemon, for a client.
    init(any error: any Error) {
        switch error {
        case let error as ManagerError: self = error
        case let error as HypervisorError: self = ManagerError(error)
        case let failure as FleetFailure:
            self = ManagerError(failure, ErrorContext(cells: [:], names: [], settingsPath: ""))
        case let error as DefinitionProblem:
            self = .definitionInvalid(cell: error.cell, path: error.path, message: error.message)
        default:
            self = .commandFailed(cell: nil, command: "", errno: 0, errnoName: "", message: "\(error)")
        }
    }
}

extension Error {
    /// The error as a sentence for people.
    var sentence: String { ManagerError(any: self).message }
}

extension FleetFailure {
    /// Why a cell was not stopped at the end of the machine, without its name.
    func whyNotStopped(_ cell: String) -> String {
        switch self {
        case .unknownAnswer, .cell(_, .madeByOthers):
            "not created by the daemon, so it may not respond to a shutdown request; skipped"
        case .deniesShutdown: "rejected the shutdown request; still running"
        case .timedOut, .notBegun: "timed out"
        case .cell(_, .wouldFreeze): "not responding, and no message-timeout: asking it would hang Linux; skipped"
        case .cell(_, let failure): ManagerError(failure, cell: cell).message
        default: ManagerError(self, ErrorContext(cells: [:], names: [], settingsPath: "")).message
        }
    }

    /// Why the hypervisor was not disabled at the end of the machine.
    var whyNotDisabled: String {
        switch self {
        case .unknownAnswer(let cell, _), .cell(let cell, .wouldFreeze):
            "disabling would send \(cell) a shutdown request it may never answer, hanging Linux"
        case .timedOut, .notBegun: "timed out"
        default: ManagerError(self, ErrorContext(cells: [:], names: [], settingsPath: "")).message
        }
    }
}

extension [Int] {
    /// Such as `0-3,5`.
    fileprivate var ranges: String {
        var parts: [(Int, Int)] = []
        for number in self {
            if let last = parts.last, last.1 + 1 == number {
                parts[parts.count - 1].1 = number
            } else {
                parts.append((number, number))
            }
        }
        return parts.map { $0 == $1 ? "\($0)" : "\($0)-\($1)" }.joined(separator: ",")
    }
}
