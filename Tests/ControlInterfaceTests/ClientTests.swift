// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls
import SystemPackage
import Testing

@testable import ControlInterface

struct ClientTests {
    /// A client, and the daemon's end of its connection.
    private func connection() throws -> (ControlClient, CInt) {
        var ends: [CInt] = [0, 0]
        // not for the child processes that other tests start
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        try SystemCall.result(of: "socketpair") { socketpair(AF_UNIX, type, 0, &ends) }
        return (ControlClient(adopting: OwnedDescriptor(adopting: ends[0])), ends[1])
    }

    private func directory() throws -> String {
        var template = Array("/tmp/control-client-XXXXXX".utf8CString)
        #expect(mkdtemp(&template) != nil)
        return String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
    }

    @Test func callAndReply() throws {
        let (client, daemon) = try connection()
        defer { close(daemon) }
        try SystemCall.write(VarlinkReply.message(of: Manager.Stop.self, .init(cell: Samples.cell)), to: daemon)
        #expect(try client.call(Manager.Stop.self, .init(cell: "rtems")).cell == Samples.cell)
        var received = [UInt8](repeating: 0, count: 4096)
        let count = try received.withUnsafeMutableBytes { try SystemCall.read(daemon, into: $0) }
        let call = try VarlinkCall(message: Array(received[..<(count - 1)]))
        #expect(call.method == Manager.Stop.qualifiedName)
    }

    @Test func stream() throws {
        let (client, daemon) = try connection()
        defer { close(daemon) }
        for continues in [true, true, false] {
            let bytes = try VarlinkReply.message(
                of: Manager.Watch.self, .init(change: Samples.change), continues: continues)
            try SystemCall.write(bytes, to: daemon)
        }
        var stream = try client.stream(Manager.Watch.self, .init())
        for _ in 0..<3 { #expect(try stream.next()?.change == Samples.change) }
        #expect(try stream.next() == nil)
    }

    @Test func daemonThatGoes() throws {
        let (client, daemon) = try connection()
        try SystemCall.write(Array("{\"par".utf8), to: daemon)
        shutdown(daemon, CInt(SHUT_WR))
        #expect(throws: ControlError.disconnected) { try client.call(Manager.List.self) }
        close(daemon)
        // the write end is gone too: no SIGPIPE
        #expect(throws: ControlError.disconnected) { try client.call(Manager.List.self) }
    }

    @Test func errorReply() throws {
        let (client, daemon) = try connection()
        defer { close(daemon) }
        let error = Samples.managerErrors[0]
        try SystemCall.write(VarlinkReply.message(error), to: daemon)
        #expect(throws: ControlError.manager(error)) { try client.call(Manager.Start.self, .init(cell: "x")) }
    }

    @Test func connecting() throws {
        let directory = try directory()
        let path = directory + "/socket"
        #expect(throws: ControlError.noSocket(path: path)) { try ControlClient(socket: path) }
        do {
            _ = try SystemCall.listen(onSocket: path, mode: 0o600)
        }
        #expect(throws: ControlError.nobodyListens(path: path)) { try ControlClient(socket: path) }
        let long = directory + "/" + String(repeating: "x", count: 200)
        #expect {
            try ControlClient(socket: long)
        } throws: { error in
            if case .connection(let cause) = error as? ControlError { cause.errno == .fileNameTooLong } else { false }
        }
        unlink(path)
        rmdir(directory)
    }
}
