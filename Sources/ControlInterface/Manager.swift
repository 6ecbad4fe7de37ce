// SPDX-License-Identifier: Apache-2.0

/// The interface `org.jailhoused.Manager`.
///
/// Its Swift names are those of the interface: the type `Cell` is `Manager.Cell`, the method `Start` is
/// `Manager.Start`; the errors are the cases of ``ManagerError``. See ``description`` for what each means.
package enum Manager {
    package static let name = "org.jailhoused.Manager"

    /// Every method, in the order of the interface.
    ///
    /// The table: calls are dispatched exhaustively, so that a forgotten method does not compile.
    package enum Method: String, CaseIterable, Sendable {
        case list = "List"
        case describe = "Describe"
        case enable = "Enable"
        case disable = "Disable"
        case create = "Create"
        case start = "Start"
        case stop = "Stop"
        case restart = "Restart"
        case destroy = "Destroy"
        case resetFailed = "ResetFailed"
        case alive = "Alive"
        case reload = "Reload"
        case shutDownAll = "ShutDownAll"
        case communicationRegion = "CommunicationRegion"
        case statistics = "Statistics"
        case watch = "Watch"
        case console = "Console"
        case failures = "Failures"
        case configurations = "Configurations"
        case check = "Check"

        /// - Parameter qualifiedName: for example `org.jailhoused.Manager.Start`.
        package init?(named qualifiedName: String) {
            let prefix = Manager.name + "."
            guard qualifiedName.hasPrefix(prefix) else { return nil }
            self.init(rawValue: String(qualifiedName.dropFirst(prefix.count)))
        }

        package var type: any ManagerMethod.Type {
            switch self {
            case .list: List.self
            case .describe: Describe.self
            case .enable: Enable.self
            case .disable: Disable.self
            case .create: Create.self
            case .start: Start.self
            case .stop: Stop.self
            case .restart: Restart.self
            case .destroy: Destroy.self
            case .resetFailed: ResetFailed.self
            case .alive: Alive.self
            case .reload: Reload.self
            case .shutDownAll: ShutDownAll.self
            case .communicationRegion: CommunicationRegion.self
            case .statistics: Statistics.self
            case .watch: Watch.self
            case .console: Console.self
            case .failures: Failures.self
            case .configurations: Configurations.self
            case .check: Check.self
            }
        }
    }
}

/// A method of `org.jailhoused.Manager`.
package protocol ManagerMethod: VarlinkMethod {
    /// Whether it changes the machine or the daemon: the socket for reading does not answer it.
    static var changesSomething: Bool { get }
    /// Whether it answers with a stream, and so only to calls with `more`.
    static var streams: Bool { get }
}

extension ManagerMethod {
    package static var interface: String { Manager.name }
    package static var changesSomething: Bool { false }
    package static var streams: Bool { false }
    /// A cell is given its stop-timeout, and Linux may stand still meanwhile.
    package static var patience: Duration { changesSomething ? .seconds(300) : .seconds(30) }
}

/// A method that does something to one cell and answers with the cell as it is when that is done.
package protocol CellCommand: ManagerMethod where Parameters == Manager.OneCell, Reply == Manager.CellReply {
    /// Whether the cell runs afterwards.
    static var bringsUp: Bool { get }
}

extension CellCommand {
    package static var changesSomething: Bool { true }
}

extension CellCommand {
    package static var bringsUp: Bool { false }
}
