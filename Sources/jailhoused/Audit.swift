import ControlInterface
import Logging

/// What a call is answered with, and what the journal is to say of it.
struct Answer: Sendable {
    /// The cell, or the file, that the call is about.
    var subject: String?
    let bytes: [UInt8]
    /// The name of the error that the call was answered with, and its sentence; nil when it was carried out.
    var refusal: (name: String, sentence: String)?

    init(subject: String? = nil, bytes: [UInt8]) {
        self.subject = subject
        self.bytes = bytes
    }

    init(subject: String? = nil, refusal: ManagerError) {
        self.init(subject: subject, bytes: VarlinkReply.message(refusal))
        self.refusal = (refusal.name, refusal.message)
    }

    init(subject: String? = nil, refusal: ServiceError) {
        self.init(subject: subject, bytes: VarlinkReply.message(refusal))
        self.refusal = ("\(refusal.qualifiedName.split(separator: ".").last ?? "")", "\(refusal)")
    }
}

/// Parameters that say what a call is about.
protocol NamesSubject {
    var subject: String? { get }
}

extension Manager.OneCell: NamesSubject {
    var subject: String? { cell }
}

extension Manager.OneCellOrAll: NamesSubject {
    var subject: String? { cell }
}

extension Manager.Enable.Parameters: NamesSubject {
    var subject: String? { configuration }
}

extension ManagerService {
    /// What a call is about, if it says so.
    func subject<Method: ManagerMethod>(of call: VarlinkCall, _ method: Method.Type) -> String? {
        ((try? call.parameters(of: method)) as? any NamesSubject)?.subject
    }

    /// Says in the journal who changed what, or tried to.
    ///
    /// Fields: `JAILHOUSE_UID`, `JAILHOUSE_PID`, `JAILHOUSE_COMMAND` (the method), `JAILHOUSE_RESULT` (`done` or the
    /// error's name), and `JAILHOUSE_CELL` or `JAILHOUSE_PATH`.
    func note(_ method: any ManagerMethod.Type, _ answer: Answer, for peer: Peer) {
        var fields: Logger.Metadata = [
            "uid": "\(peer.user)", "pid": "\(peer.process)", "command": "\(method.name)",
            "result": "\(answer.refusal?.name ?? "done")",
        ]
        if let subject = answer.subject { fields[subject.contains("/") ? "path" : "cell"] = "\(subject)" }
        let command = [method.name, answer.subject].compactMap(\.self).joined(separator: " ")
        if let refusal = answer.refusal {
            logger.warning("\(command), asked for by \(peer), refused: \(refusal.sentence)", metadata: fields)
        } else {
            logger.notice("\(command), asked for by \(peer): done", metadata: fields)
        }
    }
}
