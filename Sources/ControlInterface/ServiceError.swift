// SPDX-License-Identifier: Apache-2.0

/// The errors of `org.varlink.service`: a call that never reached its method.
package enum ServiceError: Error, Hashable, Sendable {
    case interfaceNotFound(interface: String)
    case methodNotFound(method: String)
    case methodNotImplemented(method: String)
    /// A parameter that is missing, of the wrong type, or not one of the method's.
    case invalidParameter(parameter: String)
    case permissionDenied
    /// The method answers only calls with `more`.
    case expectedMore
}

extension ServiceError {
    static let interface = "org.varlink.service"

    /// For example `org.varlink.service.MethodNotFound`.
    package var qualifiedName: String {
        let name =
            switch self {
            case .interfaceNotFound: "InterfaceNotFound"
            case .methodNotFound: "MethodNotFound"
            case .methodNotImplemented: "MethodNotImplemented"
            case .invalidParameter: "InvalidParameter"
            case .permissionDenied: "PermissionDenied"
            case .expectedMore: "ExpectedMore"
            }
        return "\(Self.interface).\(name)"
    }

    struct Fields: Codable {
        var interface: String?
        var method: String?
        var parameter: String?
    }

    var fields: Fields {
        switch self {
        case .interfaceNotFound(let interface): Fields(interface: interface)
        case .methodNotFound(let method), .methodNotImplemented(let method): Fields(method: method)
        case .invalidParameter(let parameter): Fields(parameter: parameter)
        case .permissionDenied, .expectedMore: Fields()
        }
    }

    init?(qualifiedName: String, fields: Fields) {
        let prefix = "\(Self.interface)."
        guard qualifiedName.hasPrefix(prefix) else { return nil }
        switch qualifiedName.dropFirst(prefix.count) {
        case "InterfaceNotFound": self = .interfaceNotFound(interface: fields.interface ?? "")
        case "MethodNotFound": self = .methodNotFound(method: fields.method ?? "")
        case "MethodNotImplemented": self = .methodNotImplemented(method: fields.method ?? "")
        case "InvalidParameter": self = .invalidParameter(parameter: fields.parameter ?? "")
        case "PermissionDenied": self = .permissionDenied
        case "ExpectedMore": self = .expectedMore
        default: return nil
        }
    }
}

extension ServiceError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .interfaceNotFound(let interface): "the daemon has no interface '\(interface)'"
        case .methodNotFound(let method): "the daemon has no method '\(method)'"
        case .methodNotImplemented(let method): "the daemon does not answer '\(method)' yet"
        case .invalidParameter(let parameter): "the daemon does not accept the parameter '\(parameter)'"
        case .permissionDenied: "the daemon does not permit this"
        case .expectedMore: "the method answers with a stream only"
        }
    }
}
