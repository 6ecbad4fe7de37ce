import FoundationEssentials
import Glibc
import SystemCalls

/// Serves ``ControlCommand``s: words separated by NUL and ended by a newline come in; a JSON object goes out.
final class ControlSocket: Sendable {
    private let descriptor: OwnedDescriptor
    private let thread: BackgroundThread?

    /// The longest command that is listened to.
    fileprivate static let longestCommand = 4096

    init(path: String, machine: SimulatedMachine) throws(SimulatorError) {
        do {
            descriptor = try SystemCall.listen(onSocket: path, mode: 0o666)
        } catch {
            throw SimulatorError(.directory, "\(error)")
        }
        let number = descriptor.rawValue
        thread = BackgroundThread { [weak machine] in
            while true {
                let client = accept(number, nil, nil)
                guard client >= 0 else {
                    if errno == EINTR || errno == ECONNABORTED { continue }
                    return
                }
                ControlSocket.serve(client, for: machine)
            }
        }
    }

    /// Ends the thread; no command is listened to any more.
    func close() {
        _ = shutdown(descriptor.rawValue, CInt(SHUT_RDWR))
        thread?.join()
    }

    private static func serve(_ number: CInt, for machine: SimulatedMachine?) {
        let client = OwnedDescriptor(adopting: number)
        var patience = timeval(tv_sec: 1, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        _ = setsockopt(client.rawValue, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        _ = setsockopt(client.rawValue, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
        guard let machine, let line = ControlSocket.line(from: client.rawValue) else { return }
        let words = line.split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        if words.count == 2, words[0] == "console" {
            serveConsole(of: words[1], to: client, machine)
            return
        }
        var answer = ControlAnswer()
        do {
            guard let command = ControlCommand(words: words) else {
                throw SimulatorError(.control, "the machine does not understand \"\(words.joined(separator: " "))\"")
            }
            answer.report = try machine.perform(command)
        } catch let error as SimulatorError {
            answer.error = error.message
            answer.code = error.code.rawValue
        } catch {
            answer.error = "\(error)"
        }
        guard let json = try? JSONEncoder().encode(answer) else { return }
        _ = try? SystemCall.write(Array(json), to: client.rawValue)
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
            answer.error = error.message
            answer.code = error.code.rawValue
        }
        guard let json = try? JSONEncoder().encode(answer),
            (try? SystemCall.write(Array(json) + [UInt8(ascii: "\n")], to: client.rawValue)) != nil, let thread
        else { return }
        // from here on both sides take their time
        var patience = timeval()
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(client.rawValue, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
        let number = client.release()
        let background = BackgroundThread {
            let client = OwnedDescriptor(adopting: number)
            thread.console.serve(client.rawValue) { thread.order(.input($0)) }
        }
        if let background { background.detach() } else { _ = Glibc.close(number) }
    }

    fileprivate static func line(from descriptor: CInt) -> [UInt8]? {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 512)
        while line.count < longestCommand {
            let count = buffer.withUnsafeMutableBytes { (try? SystemCall.read(descriptor, into: $0)) ?? 0 }
            guard count > 0 else { return nil }
            line += buffer[..<count]
            if let end = line.firstIndex(of: UInt8(ascii: "\n")) { return Array(line[..<end]) }
        }
        return nil
    }
}

private struct ControlAnswer: Codable {
    var report: MachineReport?
    var code: String?
    var error: String?
}

extension SimulatedMachine {
    /// Connects to the COM1 of a cell of the machine that is served in a directory: what was kept of its output, and
    /// what comes, can be read from the socket, which ends with the cell; what is written is typed.
    ///
    /// - Throws: ``SimulatorError``: what the machine answered, or `notServed`.
    public static func openConsole(
        ofCell name: String, inMachineAt directory: String
    ) throws(SimulatorError) -> OwnedDescriptor {
        let notServed = SimulatorError(
            .notServed,
            "no machine is served at \(directory): start one with jailhouse-sim serve --directory \(directory)")
        do {
            let socket = try SystemCall.connect(toSocket: directory + "/machine")
            try SystemCall.write(Array("console\0\(name)\n".utf8), to: socket.rawValue)
            let line = ControlSocket.shortLine(from: socket.rawValue)
            guard let answer = try? JSONDecoder().decode(ControlAnswer.self, from: Data(line)) else { throw notServed }
            if let message = answer.error {
                throw SimulatorError(SimulatorError.Code(rawValue: answer.code ?? "") ?? .control, message)
            }
            return socket
        } catch let error as SimulatorError {
            throw error
        } catch {
            throw notServed
        }
    }
}

extension ControlSocket {
    /// Byte by byte: what comes behind it is somebody else's.
    fileprivate static func shortLine(from descriptor: CInt) -> [UInt8] {
        var line: [UInt8] = []
        var byte: [UInt8] = [0]
        while line.count < longestCommand {
            let count = byte.withUnsafeMutableBytes { (try? SystemCall.read(descriptor, into: $0)) ?? 0 }
            guard count > 0, byte[0] != UInt8(ascii: "\n") else { break }
            line += byte
        }
        return line
    }
}

extension ControlCommand {
    /// Says it to the machine that is served in a directory.
    ///
    /// - Throws: ``SimulatorError``: what the machine answered, or `notServed`.
    @discardableResult
    public func send(toMachineAt directory: String) throws(SimulatorError) -> MachineReport {
        let answer: ControlAnswer
        do {
            let socket = try SystemCall.connect(toSocket: directory + "/machine")
            let text = words.map { $0.filter { $0 != "\n" && $0 != "\0" } }.joined(separator: "\0") + "\n"
            try SystemCall.write(Array(text.utf8), to: socket.rawValue)
            let bytes = try SystemCall.contents(of: socket.rawValue, named: directory, limit: 1 << 20)
            answer = try JSONDecoder().decode(ControlAnswer.self, from: Data(bytes))
        } catch {
            throw SimulatorError(
                .notServed,
                "no machine is served at \(directory): start one with jailhouse-sim serve --directory \(directory)")
        }
        if let message = answer.error {
            throw SimulatorError(SimulatorError.Code(rawValue: answer.code ?? "") ?? .control, message)
        }
        guard let report = answer.report else { throw SimulatorError(.control, "the machine does not answer") }
        return report
    }
}
