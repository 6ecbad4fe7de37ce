// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import ControlServer
import JailhouseInterface
import Logging
import Supervision
import SystemdSupport

/// The reply to a call, and what is logged about it.
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

/// Parameters that name the cell or file of a call.
protocol NamesSubject {
    var subject: String? { get }
}

extension Manager.OneCell: NamesSubject {
    var subject: String? { cell }
}

extension Manager.Alive.Parameters: NamesSubject {
    var subject: String? { cell }
}

extension Manager.OneCellOrAll: NamesSubject {
    var subject: String? { cell }
}

extension Manager.Enable.Parameters: NamesSubject {
    var subject: String? { configuration }
}

extension ManagerService {
    /// The cell or file that a call names, if it does.
    func subject<Method: ManagerMethod>(of call: VarlinkCall, _ method: Method.Type) -> String? {
        ((try? call.parameters(of: method)) as? any NamesSubject)?.subject
    }

    /// Logs which user changed what, or tried to.
    ///
    /// - Parameter suppressed: how many refusals were not logged since one last was.
    func note(_ method: any ManagerMethod.Type, _ answer: Answer, for peer: Peer, suppressed: Int = 0) {
        var entry = AuditEntry(command: method.name, subject: answer.subject, peer: peer)
        entry.suppressed = suppressed
        entry.write(answer.refusal, to: logger)
    }
}

/// A request that the fleet has not answered.
struct PendingCall {
    let request: FleetRequest
    /// The client whose request it is; nil for none.
    let peer: Peer?
    let continuation: CheckedContinuation<FleetAnswer, Never>

    /// The client whose request this task carries out.
    @TaskLocal static var asker: Peer?

    /// Logs what the request for one cell did to another one that requires it, or that it requires.
    ///
    /// - Parameter refusal: nil when it was done.
    func note(_ step: DependencyOrder.Step, _ refusal: ManagerError?, to logger: Logger) {
        guard let peer, case .cell(let request, let name) = request else { return }
        var entry = AuditEntry(command: step.request.methodName, subject: step.cell, peer: peer)
        entry.reason = "\(request.methodName) \(name)"
        entry.write(refusal.map { ($0.name, $0.message) }, to: logger)
    }
}

/// An entry about a change.
///
/// Fields: `JAILHOUSE_UID`, `JAILHOUSE_PID`, `JAILHOUSE_COMMAND` (the method), `JAILHOUSE_RESULT` (`done` or the error's
/// name), and `JAILHOUSE_CELL` or `JAILHOUSE_PATH`.
private struct AuditEntry {
    let command: String
    let subject: String?
    let peer: Peer
    /// The request that entailed it, if it is another one.
    var reason: String?
    var suppressed = 0

    /// In bytes, of what clients send; a cell's name has 31 at the most, and few paths have more.
    private static let longestSubject = 256
    private static let longestSentence = 4096

    init(command: String, subject: String?, peer: Peer) {
        self.command = command
        self.subject = subject?.shortened(to: Self.longestSubject)
        self.peer = peer
    }

    func write(_ refusal: (name: String, sentence: String)?, to logger: Logger) {
        var fields: Logger.Metadata = [
            "uid": "\(peer.user)", "pid": "\(peer.process)", "command": "\(command)",
            "result": "\(refusal?.name ?? "done")",
        ]
        if let subject { fields[subject.contains("/") ? "path" : "cell"] = "\(subject)" }
        let what = [command, subject].compactMap(\.self).joined(separator: " ")
        let origin = (reason.map { ", for \($0)" } ?? "") + ", requested by \(peer)"
        if let refusal {
            let sentence = refusal.sentence.shortened(to: Self.longestSentence)
            logger.record(
                .requestRefused, "\(what)\(origin), refused: \(sentence)\(RareLog.Pace.note(suppressed))",
                metadata: fields)
        } else {
            logger.record(.requestDone, "\(what)\(origin): done", metadata: fields)
        }
    }
}

extension Request {
    fileprivate var methodName: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
}

extension String {
    /// Its beginning, when it has more bytes than this.
    func shortened(to count: Int) -> String {
        utf8.count <= count ? self : String(decoding: utf8.prefix(count), as: UTF8.self) + "…"
    }
}
