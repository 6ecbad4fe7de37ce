/// The interface `org.jailhoused.Manager`.
///
/// Its Swift names are those of the interface: the type `Cell` is `Manager.Cell`, the method `Start` is
/// `Manager.Start`; the errors are the cases of ``ManagerError``. See ``description`` for what each means.
package enum Manager {
    package static let name = "org.jailhoused.Manager"

    /// Every method, in the order of the interface.
    package static let methods: [any ManagerMethod.Type] = [
        List.self, Describe.self, Enable.self, Disable.self, Create.self, Start.self, Stop.self, Restart.self,
        Destroy.self, ResetFailed.self, Reload.self, ShutDownAll.self, CommunicationRegion.self, Statistics.self,
        Watch.self, Console.self, Failures.self, Check.self,
    ]

    private static let methodsByName = Dictionary(uniqueKeysWithValues: methods.map { ($0.qualifiedName, $0) })

    /// The method that a call names, or nil.
    ///
    /// - Parameter qualifiedName: for example `org.jailhoused.Manager.Start`.
    package static func method(named qualifiedName: String) -> (any ManagerMethod.Type)? {
        methodsByName[qualifiedName]
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
