// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Foundation
import Glibc
import Synchronization
import SystemCalls

/// A daemon on a real socket that answers as a test tells it, and remembers what it was asked.
final class ScriptedDaemon: Sendable {
    /// What to do with a call: messages to send, and whether to hang up after them.
    struct Answer: Sendable {
        var messages: [[UInt8]]
        var hangsUp = false

        static func reply<Method: VarlinkMethod>(_ method: Method.Type, _ reply: Method.Reply) -> Answer {
            Answer(messages: (try? VarlinkReply.message(of: method, reply)).map { [$0] } ?? [])
        }

        static func stream(_ changes: [Manager.Change], hangsUp: Bool = true) -> Answer {
            Answer(
                messages: changes.compactMap {
                    try? VarlinkReply.message(of: Manager.Watch.self, .init(change: $0), continues: true)
                }, hangsUp: hangsUp)
        }

        static func error(_ error: ManagerError) -> Answer { Answer(messages: [VarlinkReply.message(error)]) }
    }

    let directory: String
    var socket: String { directory + "/socket" }

    private let listener: CInt
    private let received = Mutex<[VarlinkCall]>([])
    private let answer: @Sendable (VarlinkCall) -> Answer

    /// All calls so far, in the order in which they came.
    var calls: [VarlinkCall] { received.withLock { $0 } }

    init(_ answer: @escaping @Sendable (VarlinkCall) -> Answer) throws {
        self.answer = answer
        directory = try temporaryDirectory()
        listener = try SystemCall.listen(onSocket: directory + "/socket", mode: 0o600).release()
        let listener = listener
        Thread.detachNewThread { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else {
                    // here and nowhere else, lest another test's socket gets the number while this thread uses it
                    close(listener)
                    return
                }
                // not for the commands that other tests start
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                guard let daemon = self else {
                    close(connection)
                    return
                }
                Thread.detachNewThread { daemon.serve(connection) }
            }
        }
    }

    /// A daemon that knows the cells that are given, and answers everything about them with "done".
    convenience init(_ cells: [Manager.Cell], details: Manager.Details? = nil) throws {
        try self.init { call in
            switch call.method {
            case Manager.List.qualifiedName:
                return .reply(Manager.List.self, .init(machine: Samples.machine, cells: cells))
            case Manager.Reload.qualifiedName:
                return .reply(Manager.Reload.self, .init())
            case Manager.ResetFailed.qualifiedName, Manager.Enable.qualifiedName, Manager.Disable.qualifiedName:
                return .reply(Manager.Disable.self, Nothing())
            default: break
            }
            let name = (try? call.parameters(of: Manager.Describe.self))?.cell ?? ""
            guard let cell = cells.first(where: { $0.name == name }) else {
                return .error(
                    .cellNotFound(
                        cell: name, nearest: cells.first?.name,
                        message: "there is no cell '\(name)'; did you mean '\(cells.first?.name ?? "")'?"))
            }
            switch call.method {
            case Manager.Describe.qualifiedName:
                return .reply(Manager.Describe.self, .init(details: details ?? Manager.Details(cell: cell)))
            case Manager.CommunicationRegion.qualifiedName:
                return .reply(Manager.CommunicationRegion.self, .init(region: Samples.region))
            default:
                return .reply(Manager.Start.self, .init(cell: cell))
            }
        }
    }

    deinit {
        shutdown(listener, CInt(SHUT_RDWR))
        try? FileManager.default.removeItem(atPath: directory)
    }

    private func serve(_ connection: CInt) {
        defer { close(connection) }
        var framer = VarlinkFramer()
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(connection, &buffer, buffer.count)
            guard count > 0 else { return }
            framer.append(buffer[..<count])
            while let message = try? framer.next(), let call = try? VarlinkCall(message: message) {
                received.withLock { $0.append(call) }
                let answer = answer(call)
                for message in answer.messages { _ = send(connection, message, message.count, CInt(MSG_NOSIGNAL)) }
                if answer.hangsUp { return }
            }
        }
    }
}

/// A new directory of one's own.
func temporaryDirectory() throws -> String {
    let path = FileManager.default.temporaryDirectory.path + "/jailhouse-ctl-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
}
