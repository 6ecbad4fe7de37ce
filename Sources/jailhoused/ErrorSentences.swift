import CellConfiguration
import CellDefinition
import ControlInterface
import Hypervisor
import JailhouseInterface
import Supervision
import SystemPackage

extension ManagerError {
    static let noDriver = ManagerError.noDriver(
        message: "there is no /dev/jailhouse: load the driver (modprobe jailhouse)")
    static let notEnabled = ManagerError.notEnabled(
        message: "the hypervisor is not enabled: jailhouse-ctl enable")
    static let alreadyEnabled = ManagerError.alreadyEnabled(message: "the hypervisor is enabled already")

    static let beingShutDown = ManagerError.commandFailed(
        cell: nil, command: "disable", errno: 0, errnoName: "", message: "all cells are being stopped already")

    static func goingDown(cell: String?) -> ManagerError {
        .commandFailed(
            cell: cell, command: "start", errno: 0, errnoName: "",
            message: "all cells are being stopped, and the hypervisor with them: nothing is started meanwhile")
    }

    static func daemonEnds(cell: String) -> ManagerError {
        .superseded(cell: cell, message: "the daemon is going")
    }

    static func undefinedCellWouldBeAsked(_ cell: String) -> ManagerError {
        .foreignCell(
            cell: cell,
            message: """
                to disable the hypervisor would ask \(cell), which has no definition, so it is not known whether it \
                answers, and Linux may stand still for ever: have it destroyed by the tool that made it, or write \
                /etc/jailhoused/cells/\(cell).toml
                """)
    }

    static func cellNotFound(_ name: String, among names: [String]) -> ManagerError {
        let nearest = nearestWord(to: name, among: names)
        let hint =
            nearest.map { "did you mean \($0)?" }
            ?? (names.isEmpty ? "no cell is defined" : "there are \(names.joined(separator: ", "))")
        return .cellNotFound(cell: name, nearest: nearest, message: "there is no cell \(name): \(hint)")
    }

    init(_ failure: RequestFailure, cell: String, latest: FailureRecord? = nil) {
        switch failure {
        case .disabled: self = .notEnabled
        case .foreign:
            self = .foreignCell(
                cell: cell,
                message:
                    "\(cell) has no definition, so it is shown and never touched: write /etc/jailhoused/cells/\(cell).toml"
            )
        case .denied:
            self = .shutdownDenied(
                cell: cell,
                message: "\(cell) denied the shutdown request until its stop-timeout was over; it runs on")
        case .wouldFreeze:
            self = .commandFailed(
                cell: cell, command: "shutdown", errno: 0, errnoName: "",
                message: """
                    \(cell) would have to be asked to shut down, does not answer, and its configuration has no \
                    message-timeout: Linux would stand still for ever. Reboot in an orderly way when you can, and give \
                    the cell a message-timeout or passive-comm-region
                    """)
        case .superseded(let request):
            self = .superseded(cell: cell, message: "a later request took its place: \(request.rawValue) \(cell)")
        case .failed(.refused(let command, let refusal)), .refused(let command, let refusal):
            self = .init(refusal, command, cell: cell)
        case .failed(let cause):
            let reason = latest?.cause == cause ? latest?.reason ?? "\(cause)" : "\(cause)"
            self = .startFailed(cell: cell, message: "\(cell) did not come up: \(reason)")
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
        case let error as DefinitionProblem:
            self = .definitionInvalid(cell: error.cell, path: error.path, message: error.message)
        default:
            self = .commandFailed(cell: nil, command: "", errno: 0, errnoName: "", message: "\(error)")
        }
    }
}

extension Error {
    /// What to say of an error to a person.
    var sentence: String { ManagerError(any: self).message }
}
