// SPDX-License-Identifier: Apache-2.0

/// Replies as bytes, each with the NUL that ends it, and back.
package enum VarlinkReply {
    /// - Parameter continues: more replies to the same call follow; only for calls with `more`.
    /// - Throws: ``ControlError/malformed(_:)``, which no reply of our interfaces can bring about.
    package static func message<Method: VarlinkMethod>(
        of method: Method.Type, _ reply: Method.Reply, continues: Bool = false
    ) throws(ControlError) -> [UInt8] {
        try VarlinkJSON.message(Outgoing(parameters: reply, continues: continues ? true : nil))
    }

    package static func message(_ error: ManagerError) -> [UInt8] {
        message(error: error.qualifiedName, error.fields)
    }

    package static func message(_ error: ServiceError) -> [UInt8] {
        message(error: error.qualifiedName, error.fields)
    }

    private static func message(error: String, _ fields: some Encodable) -> [UInt8] {
        let reply = Outgoing(error: error, parameters: fields)
        // the names are plain ASCII; strings and numbers always encode
        return (try? VarlinkJSON.message(reply)) ?? Array("{\"error\":\"\(error)\"}\0".utf8)
    }

    /// What a client received.
    ///
    /// - Parameter message: one message without its NUL.
    /// - Returns: the reply, and whether more of them follow.
    /// - Throws: ``ControlError``, also for a reply that is an error.
    package static func decode<Method: VarlinkMethod>(
        _ message: [UInt8], of method: Method.Type
    ) throws(ControlError) -> (reply: Method.Reply, continues: Bool) {
        try VarlinkJSON.checkDepth(message)
        do {
            let envelope = try VarlinkJSON.decode(ReplyEnvelope.self, from: message)
            if let name = envelope.error {
                throw failure(named: name, message)
            }
            let parameters = try VarlinkJSON.decode(ParametersEnvelope<Method.Reply>.self, from: message).parameters
            let reply = try parameters ?? VarlinkJSON.decode(Method.Reply.self, from: Array("{}".utf8))
            return (reply, envelope.continues ?? false)
        } catch let error as ControlError {
            throw error
        } catch let error as DecodingError {
            let path = VarlinkJSON.path(of: error)
            throw .malformed(
                path.isEmpty
                    ? "no JSON object" : "'\(path)' of the reply to \(Method.name) is missing or of the wrong type")
        } catch {
            throw .malformed("\(error)")
        }
    }

    private static func failure(named name: String, _ message: [UInt8]) -> ControlError {
        if let fields = try? VarlinkJSON.decode(ParametersEnvelope<ManagerError.Fields>.self, from: message).parameters,
            let error = ManagerError(qualifiedName: name, fields: fields)
        {
            return .manager(error)
        }
        let fields = try? VarlinkJSON.decode(ParametersEnvelope<ServiceError.Fields>.self, from: message).parameters
        return ServiceError(qualifiedName: name, fields: fields ?? ServiceError.Fields()).map { .service($0) }
            ?? .unknown(name: name)
    }

    private struct Outgoing<Parameters: Encodable>: Encodable {
        var error: String?
        var parameters: Parameters
        var continues: Bool?
    }

    private struct ReplyEnvelope: Decodable {
        var error: String?
        var continues: Bool?
    }
}
