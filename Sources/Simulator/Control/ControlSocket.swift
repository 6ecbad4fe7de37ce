// SPDX-License-Identifier: Apache-2.0

import CellMachine
import FoundationEssentials
import Glibc
import Synchronization
package import SystemCalls
import SystemPackage

/// Serves ``ControlCommand``s: words separated by NUL and ended by a newline come in; a JSON object goes out.
final class ControlSocket: Sendable {
    private let descriptor: OwnedDescriptor
    private let thread: BackgroundThread
    private let end = End()

    /// The longest command that is listened to, in bytes.
    fileprivate static let longestCommand = 4096
    /// What is read of a longer one before it is refused.
    private static let longestRefused = 1 << 20
    /// How long a client may take for each part of its command.
    private static let patience = Duration.seconds(1)
    /// Before the next client is taken when there was no descriptor or memory for one.
    private static let pause = Duration.milliseconds(100)

    private final class End: Sendable {
        let hasCome = Atomic(false)
    }

    init(path: String, machine: SimulatedMachine) throws(SimulatorError) {
        do {
            descriptor = try SystemCall.listen(onSocket: path, mode: 0o600)
        } catch {
            throw SimulatorError(.directory, "\(error)")
        }
        let number = descriptor.rawValue
        let thread = BackgroundThread { [weak machine, end] in
            while !end.hasCome.load(ordering: .acquiring) {
                let client = accept(number, nil, nil)
                if client >= 0 {
                    ControlSocket.serve(client, for: machine)
                } else if errno != EINTR, errno != ECONNABORTED, !end.hasCome.load(ordering: .acquiring) {
                    SystemCall.sleep(for: ControlSocket.pause)
                }
            }
        }
        guard let thread else { throw SimulatorError(.directory, "the system has no thread left for the socket") }
        self.thread = thread
    }

    /// Ends the thread; no command is listened to any more.
    func close() {
        end.hasCome.store(true, ordering: .releasing)
        _ = shutdown(descriptor.rawValue, CInt(SHUT_RDWR))
        thread.join()
    }

    private static func serve(_ number: CInt, for machine: SimulatedMachine?) {
        let client = OwnedDescriptor(adopting: number)
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        guard let machine, (try? SystemCall.limitWaiting(on: client.rawValue, to: patience)) != nil else { return }
        let line: [UInt8]
        do {
            guard let received = try ControlSocket.line(from: client.rawValue) else { return }
            line = received
        } catch {
            finish(ControlAnswer(error), to: client.rawValue)
            return
        }
        let words = line.split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        if words.count == 2, words[0] == "console" {
            serveConsole(of: words[1], to: client, machine)
            return
        }
        if words.count == 4, words[0] == "debug" {
            serveDebugger(of: words[1], as: words[2], waits: words[3] == "wait", to: client, machine)
            return
        }
        let answer: ControlAnswer
        do throws(SimulatorError) {
            guard let command = ControlCommand(words: words) else {
                throw SimulatorError(.control, "the machine does not understand \"\(words.joined(separator: " "))\"")
            }
            answer = ControlAnswer(report: try machine.perform(command))
        } catch {
            answer = ControlAnswer(error)
        }
        finish(answer, to: client.rawValue)
    }

    /// The last word: the client sees the end also when a child of this process has inherited the descriptor.
    private static func finish(_ answer: ControlAnswer, to client: CInt) {
        send(answer, to: client)
        _ = shutdown(client, CInt(SHUT_RDWR))
    }

    /// - Returns: whether it has been sent.
    @discardableResult
    private static func send(_ answer: ControlAnswer, to client: CInt, end: [UInt8] = []) -> Bool {
        guard let json = try? JSONEncoder().encode(answer) else { return false }
        return (try? SystemCall.send(Array(json) + end, to: client)) != nil
    }

    /// An answer without a report, a newline, and then what comes out of the cell's COM1; what the client sends goes
    /// into it.
    private static func serveConsole(of cell: String, to client: consuming OwnedDescriptor, _ machine: SimulatedMachine)
    {
        var answer = ControlAnswer()
        var thread: CellThread?
        do {
            thread = try machine.thread(ofCell: cell)
        } catch {
            answer = ControlAnswer(error)
        }
        // from then on both sides take their time
        guard send(answer, to: client.rawValue, end: [UInt8(ascii: "\n")]), let thread,
            (try? SystemCall.limitWaiting(on: client.rawValue, to: nil)) != nil
        else { return }
        let number = client.release()
        let background = BackgroundThread {
            let client = OwnedDescriptor(adopting: number)
            thread.console.serve(client.rawValue) { thread.order(.input($0)) }
            _ = shutdown(client.rawValue, CInt(SHUT_RDWR))
        }
        if let background { background.detach() } else { _ = Glibc.close(number) }
    }

    /// When everything is stopped: an answer without a report, a newline, and then gdb's remote protocol.
    ///
    /// - Parameter architecture: empty: as the CPUs are.
    private static func serveDebugger(
        of cell: String, as architecture: String, waits: Bool, to client: consuming OwnedDescriptor,
        _ machine: SimulatedMachine
    ) {
        let thread: CellThread?
        do {
            thread = try machine.debuggedThread(ofCell: cell, mayComeLater: waits)
        } catch {
            return finish(ControlAnswer(error), to: client.rawValue)
        }
        let number = client.release()
        let request = CellThread.DebugRequest(
            architecture: architecture.isEmpty ? nil : architecture, waits: waits
        ) { result in
            let background = BackgroundThread {
                let client = OwnedDescriptor(adopting: number)
                switch result {
                case .success(let session):
                    guard send(ControlAnswer(), to: client.rawValue, end: [UInt8(ascii: "\n")]),
                        (try? SystemCall.limitWaiting(on: client.rawValue, to: nil)) != nil
                    else { return }
                    session.serve(client.rawValue)
                    _ = shutdown(client.rawValue, CInt(SHUT_RDWR))
                case .failure(let error): finish(ControlAnswer(error), to: client.rawValue)
                }
            }
            if let background { background.detach() } else { _ = Glibc.close(number) }
        }
        if let thread { thread.order(.debug(request)) } else { machine.keep(request, forCell: cell) }
    }

    /// - Returns: nil when the client goes, or does not go on, before the line ends.
    /// - Throws: ``SimulatorError`` `control` when it is too long, with all of it read: else the client would learn
    ///   of the end of its connection only.
    private static func line(from descriptor: CInt) throws(SimulatorError) -> [UInt8]? {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 512)
        while line.count < longestRefused {
            let count = buffer.withUnsafeMutableBytes { (try? SystemCall.read(descriptor, into: $0)) ?? 0 }
            guard count > 0 else { return nil }
            line += buffer[..<count]
            if let end = buffer[..<count].firstIndex(of: UInt8(ascii: "\n")) {
                line.removeLast(count - end)
                guard line.count < longestCommand else { break }
                return line
            }
        }
        throw SimulatorError(.control, "a command has at most \(longestCommand) bytes")
    }
}

private struct ControlAnswer: Codable {
    var report: MachineReport?
    var code: String?
    var error: String?
}

extension ControlAnswer {
    fileprivate init(_ error: SimulatorError) {
        self.init(code: error.code.rawValue, error: error.message)
    }

    /// - Throws: ``SimulatorError``: what the machine answered, or `control` when that makes no sense.
    fileprivate init(json: [UInt8], ofMachineAt directory: String) throws(SimulatorError) {
        guard !json.isEmpty else {
            throw SimulatorError(.control, "the machine at \(directory) has closed the connection without an answer")
        }
        do {
            self = try JSONDecoder().decode(ControlAnswer.self, from: Data(json))
        } catch {
            throw SimulatorError(
                .control,
                "invalid reply from the machine at \(directory): is it a different version of jailhouse-sim?")
        }
        if let error { throw SimulatorError(SimulatorError.Code(rawValue: code ?? "") ?? .control, error) }
    }
}

/// The client's side of the socket.
private enum ControlConnection {
    /// How long the machine may take for an answer.
    fileprivate static let patience = Duration.seconds(10)

    /// Connects, and says something.
    static func open(toMachineAt directory: String, saying words: [String]) throws(SimulatorError) -> OwnedDescriptor {
        try connecting(to: directory) { () throws(SystemCallError) in
            let socket = try SystemCall.connect(toSocket: directory + "/machine", patience: patience)
            try SystemCall.limitWaiting(on: socket.rawValue, to: patience)
            let text = words.map { $0.filter { $0 != "\n" && $0 != "\0" } }.joined(separator: "\0") + "\n"
            try SystemCall.send(Array(text.utf8), to: socket.rawValue)
            return socket
        }
    }

    static func connecting<Result: ~Copyable>(
        to directory: String, _ body: () throws(SystemCallError) -> Result
    ) throws(SimulatorError) -> Result {
        do {
            return try body()
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory, .connectionRefused: throw SimulatorError.notServed(at: directory)
            case .permissionDenied:
                throw SimulatorError(
                    .control, "the machine at \(directory) is another user's, and you may not use it: \(error)")
            case .resourceTemporarilyUnavailable:
                throw SimulatorError(.control, "the machine at \(directory) does not answer within \(patience)")
            default: throw SimulatorError(.control, "the machine at \(directory) cannot be talked to: \(error)")
            }
        }
    }

    /// Byte by byte: what follows the line belongs to another reader.
    static func line(from socket: CInt) throws(SystemCallError) -> [UInt8] {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < ControlSocket.longestCommand {
            let count = try withUnsafeMutableBytes(of: &byte) { (bytes) throws(SystemCallError) in
                try SystemCall.read(socket, into: bytes)
            }
            guard count > 0, byte != UInt8(ascii: "\n") else { break }
            line.append(byte)
        }
        return line
    }
}

extension SimulatedMachine {
    /// Connects to the COM1 of a cell of the machine that is served in a directory: what was kept of its output, and
    /// what comes, can be read from the socket, which ends with the cell; what is written is typed.
    ///
    /// - Throws: ``SimulatorError``: what the machine answered, `notServed`, or `control`.
    package static func openConsole(
        ofCell name: String, inMachineAt directory: String
    ) throws(SimulatorError) -> OwnedDescriptor {
        try openStream(["console", name], inMachineAt: directory)
    }

    /// Stops a cell of the machine that is served in a directory for a debugger, whose remote protocol the socket then
    /// speaks; the cell goes on when it is closed.
    ///
    /// - Parameters:
    ///   - architecture: what gdb takes its CPUs for, `i386` or `amd64`; nil: as they are.
    ///   - waits: for the cell's next start, however long that takes; the CPUs are then held at their first instruction.
    /// - Throws: ``SimulatorError``: what the machine answered, `notServed`, or `control`.
    package static func openDebugger(
        ofCell name: String, as architecture: String?, waits: Bool, inMachineAt directory: String
    ) throws(SimulatorError) -> OwnedDescriptor {
        try openStream(
            ["debug", name, architecture ?? "", waits ? "wait" : "now"], inMachineAt: directory,
            patience: waits ? nil : ControlConnection.patience)
    }

    private static func openStream(
        _ words: [String], inMachineAt directory: String, patience: Duration? = ControlConnection.patience
    ) throws(SimulatorError) -> OwnedDescriptor {
        let socket = try ControlConnection.open(toMachineAt: directory, saying: words)
        let number = socket.rawValue
        let line = try ControlConnection.connecting(to: directory) { () throws(SystemCallError) in
            try SystemCall.limitWaiting(on: number, to: patience)
            let line = try ControlConnection.line(from: number)
            try SystemCall.limitWaiting(on: number, to: nil)
            return line
        }
        _ = try ControlAnswer(json: line, ofMachineAt: directory)
        return socket
    }
}

extension ControlCommand {
    /// Says it to the machine that is served in a directory.
    ///
    /// - Throws: ``SimulatorError``: what the machine answered, `notServed`, or `control`.
    @discardableResult
    package func send(toMachineAt directory: String) throws(SimulatorError) -> MachineReport {
        let socket = try ControlConnection.open(toMachineAt: directory, saying: words)
        let number = socket.rawValue
        let bytes = try ControlConnection.connecting(to: directory) { () throws(SystemCallError) in
            try SystemCall.contents(of: number, named: directory, limit: 1 << 20)
        }
        guard let report = try ControlAnswer(json: bytes, ofMachineAt: directory).report else {
            throw SimulatorError(.control, "the answer of the machine at \(directory) has no report")
        }
        return report
    }
}
