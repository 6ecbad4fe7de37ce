// SPDX-License-Identifier: Apache-2.0

/// A call as it came: which method, how it wants to be answered, and parameters that are decoded once the method
/// is known.
package struct VarlinkCall: Hashable, Sendable {
    /// For example `org.jailhoused.Manager.Start`.
    package let method: String
    /// The caller takes a stream of replies.
    package let more: Bool
    /// The caller wants no reply, not even an error.
    package let oneway: Bool
    private let message: [UInt8]

    /// - Parameter message: one message without its NUL.
    /// - Throws: ``ControlError/malformed(_:)`` or ``ControlError/tooDeep(limit:)``: the peer does not speak Varlink
    ///   and is best disconnected.
    package init(message: [UInt8]) throws(ControlError) {
        try VarlinkJSON.checkDepth(message)
        let envelope: CallEnvelope
        do {
            envelope = try VarlinkJSON.decode(CallEnvelope.self, from: message)
        } catch let error as DecodingError {
            let path = VarlinkJSON.path(of: error)
            throw .malformed(path.isEmpty ? "no JSON object" : "'\(path)' is missing or of the wrong type")
        } catch {
            throw .malformed("\(error)")
        }
        method = envelope.method
        more = envelope.more ?? false
        oneway = envelope.oneway ?? false
        self.message = message
    }

    /// The interface that ``method`` names: everything before the last dot.
    package var interface: String {
        guard let dot = method.lastIndex(of: ".") else { return "" }
        return String(method[..<dot])
    }

    /// The parameters, checked: none missing, none of the wrong type, none unknown.
    ///
    /// - Throws: ``ServiceError/invalidParameter(parameter:)`` with the parameter's name, or
    ///   ``ServiceError/expectedMore`` for a method that streams and a call that takes no stream.
    package func parameters<Method: VarlinkMethod>(of method: Method.Type) throws(ServiceError) -> Method.Parameters {
        if let method = method as? any ManagerMethod.Type, method.streams && !more { throw .expectedMore }
        do {
            let keys = try VarlinkJSON.decode(ParametersEnvelope<ObjectKeys>.self, from: message).parameters
            if let stranger = keys?.names.sorted().first(where: { !Method.Parameters.fieldNames.contains($0) }) {
                throw ServiceError.invalidParameter(parameter: stranger)
            }
            let envelope = try VarlinkJSON.decode(ParametersEnvelope<Method.Parameters>.self, from: message)
            return try envelope.parameters ?? VarlinkJSON.decode(Method.Parameters.self, from: Array("{}".utf8))
        } catch let error as ServiceError {
            throw error
        } catch let error as DecodingError {
            let prefix = "parameters."
            let path = VarlinkJSON.path(of: error)
            throw .invalidParameter(parameter: path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path)
        } catch {
            throw .invalidParameter(parameter: "parameters")
        }
    }

    /// A call as bytes, with the NUL that ends it.
    package static func message<Method: VarlinkMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters, more: Bool = false, oneway: Bool = false
    ) throws(ControlError) -> [UInt8] {
        // an encoder that is used once takes longer than the answer
        if Method.Parameters.self == Nothing.self, !oneway {
            let stream = more ? #""more":true,"# : ""
            return Array(#"{"method":"\#(Method.qualifiedName)",\#(stream)"parameters":{}}"#.utf8) + [0]
        }
        return try VarlinkJSON.message(
            Outgoing(
                method: Method.qualifiedName, parameters: parameters, more: more ? true : nil,
                oneway: oneway ? true : nil))
    }

    private struct Outgoing<Parameters: Encodable>: Encodable {
        var method: String
        var parameters: Parameters
        var more: Bool?
        var oneway: Bool?
    }

    private struct CallEnvelope: Decodable {
        var method: String
        var more: Bool?
        var oneway: Bool?
    }
}

/// The part of a message that depends on the method.
struct ParametersEnvelope<Parameters: Decodable>: Decodable {
    var parameters: Parameters?
}
