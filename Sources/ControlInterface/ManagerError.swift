// SPDX-License-Identifier: Apache-2.0

/// The errors of `org.jailhoused.Manager`. `message` is a whole sentence: what happened and what to do.
package enum ManagerError: Error, Hashable, Sendable {
    /// - nearest: a name like the wrong one.
    case cellNotFound(cell: String, nearest: String?, message: String)
    case noDriver(message: String)
    case notEnabled(message: String)
    case alreadyEnabled(message: String)
    /// The cell exists but has no definition.
    case foreignCell(cell: String, message: String)
    case definitionInvalid(cell: String?, path: String?, message: String)
    /// The driver refused.
    ///
    /// - command: `enable`, `disable`, `create`, `load`, `start` or `destroy`.
    /// - errnoName: for example `EBUSY`.
    case commandFailed(cell: String?, command: String, errno: Int, errnoName: String, message: String)
    case shutdownDenied(cell: String, message: String)
    case startFailed(cell: String, message: String)
    /// A later request for this cell took the place of this one.
    case superseded(cell: String, message: String)
    case permissionDenied(method: String, message: String)
    /// The client exceeded a limit, and is disconnected.
    ///
    /// - limit: its name, see ``Manager/description``.
    case limitExceeded(limit: String, message: String)
}

extension ManagerError {
    /// The error's name in the interface, for example `CellNotFound`.
    package var name: String {
        switch self {
        case .cellNotFound: "CellNotFound"
        case .noDriver: "NoDriver"
        case .notEnabled: "NotEnabled"
        case .alreadyEnabled: "AlreadyEnabled"
        case .foreignCell: "ForeignCell"
        case .definitionInvalid: "DefinitionInvalid"
        case .commandFailed: "CommandFailed"
        case .shutdownDenied: "ShutdownDenied"
        case .startFailed: "StartFailed"
        case .superseded: "Superseded"
        case .permissionDenied: "PermissionDenied"
        case .limitExceeded: "LimitExceeded"
        }
    }

    /// For example `org.jailhoused.Manager.CellNotFound`.
    package var qualifiedName: String { "\(Manager.name).\(name)" }

    /// The sentence for people.
    package var message: String { fields.message }

    /// The cell that the error is about, if it is about one.
    package var cell: String? { fields.cell }
}

extension ManagerError {
    /// The fields of all errors; each error has some of them.
    struct Fields: Codable {
        var cell: String?
        var nearest: String?
        var path: String?
        var command: String?
        var errno: Int?
        var errnoName: String?
        var method: String?
        var limit: String?
        var message: String
    }

    var fields: Fields {
        switch self {
        case .noDriver(let message), .notEnabled(let message), .alreadyEnabled(let message):
            Fields(message: message)
        case .foreignCell(let cell, let message), .shutdownDenied(let cell, let message),
            .startFailed(let cell, let message), .superseded(let cell, let message):
            Fields(cell: cell, message: message)
        case .cellNotFound(let cell, let nearest, let message):
            Fields(cell: cell, nearest: nearest, message: message)
        case .definitionInvalid(let cell, let path, let message):
            Fields(cell: cell, path: path, message: message)
        case .commandFailed(let cell, let command, let errno, let errnoName, let message):
            Fields(cell: cell, command: command, errno: errno, errnoName: errnoName, message: message)
        case .permissionDenied(let method, let message):
            Fields(method: method, message: message)
        case .limitExceeded(let limit, let message):
            Fields(limit: limit, message: message)
        }
    }

    /// Nil for a name that is not ours; missing fields are empty, for the message is what matters then.
    init?(qualifiedName: String, fields: Fields) {
        let prefix = "\(Manager.name)."
        guard qualifiedName.hasPrefix(prefix) else { return nil }
        let cell = fields.cell ?? ""
        let message = fields.message
        switch qualifiedName.dropFirst(prefix.count) {
        case "CellNotFound": self = .cellNotFound(cell: cell, nearest: fields.nearest, message: message)
        case "NoDriver": self = .noDriver(message: message)
        case "NotEnabled": self = .notEnabled(message: message)
        case "AlreadyEnabled": self = .alreadyEnabled(message: message)
        case "ForeignCell": self = .foreignCell(cell: cell, message: message)
        case "DefinitionInvalid": self = .definitionInvalid(cell: fields.cell, path: fields.path, message: message)
        case "CommandFailed":
            self = .commandFailed(
                cell: fields.cell, command: fields.command ?? "", errno: fields.errno ?? 0,
                errnoName: fields.errnoName ?? "", message: message)
        case "ShutdownDenied": self = .shutdownDenied(cell: cell, message: message)
        case "StartFailed": self = .startFailed(cell: cell, message: message)
        case "Superseded": self = .superseded(cell: cell, message: message)
        case "PermissionDenied": self = .permissionDenied(method: fields.method ?? "", message: message)
        case "LimitExceeded": self = .limitExceeded(limit: fields.limit ?? "", message: message)
        default: return nil
        }
    }
}
