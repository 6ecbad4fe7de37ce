// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Simulator
import SystemCalls

struct ConsoleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console",
        abstract: "Show the output of a cell's COM1, and type into it.",
        discussion: """
            Starts with what the cell has printed since it was started, 64 KiB at most; goes on over restarts, and ends with \
            the cell. This is the console of the inmate; the \
            hypervisor's is read from /dev/jailhouse. In a terminal every key goes to the cell, Ctrl-C as well; Ctrl-] \
            ends this program, and the cell goes on.

            Example: jailhouse-sim console rtems
            """)

    @OptionGroup var machine: MachineOptions

    @Argument(help: "The cell's name.")
    var cell: String

    @Flag(help: "Give a pseudo-terminal, whose path is printed, instead of this program's input and output.")
    var pty = false

    func run() throws {
        let socket = try SimulatedMachine.openConsole(ofCell: cell, inMachineAt: try machine.path)
        signal(SIGPIPE, SIG_IGN)
        guard pty else {
            let keyboard = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 ? RawKeyboard() : nil
            defer { keyboard?.restore() }
            return Self.copy(from: STDIN_FILENO, to: STDOUT_FILENO, socket.rawValue, keyboard)
        }
        let terminal = try Terminal()
        print(terminal.path)
        fflush(nil)
        Self.copy(from: terminal.descriptor, to: terminal.descriptor, socket.rawValue)
    }

    /// Copies in both directions until the socket ends, or the output does, or the user.
    private static func copy(from input: CInt, to output: CInt, _ socket: CInt, _ keyboard: RawKeyboard? = nil) {
        var polled = [
            pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
            pollfd(fd: input, events: Int16(POLLIN), revents: 0),
        ]
        var buffer = [UInt8](repeating: 0, count: 4096)
        let patience = keyboard == nil ? -1 : RawKeyboard.period
        while poll(&polled, 2, patience) >= 0 || errno == EINTR {
            if keyboard != nil, SystemCall.takeTerminationSignal() != nil { return }
            if polled[0].revents != 0 {
                let count = buffer.withUnsafeMutableBytes { (try? SystemCall.read(socket, into: $0)) ?? 0 }
                guard count > 0, (try? SystemCall.write(Array(buffer[..<count]), to: output)) != nil else { return }
            }
            if polled[1].revents != 0 {
                let count = buffer.withUnsafeMutableBytes { (try? SystemCall.read(input, into: $0)) ?? 0 }
                if count > 0 {
                    let typed = Array(buffer[..<count])
                    let sent = keyboard == nil ? typed[...] : typed.prefix { $0 != RawKeyboard.escape }
                    guard (try? SystemCall.send(Array(sent), to: socket)) != nil, sent.count == count else { return }
                } else {
                    // output goes on
                    polled[1].fd = -1
                }
            }
        }
    }
}

/// The user's terminal, of which every key is passed on.
private struct RawKeyboard {
    /// Ctrl-], as of telnet(1).
    static let escape: UInt8 = 0x1d
    /// How often signals are looked for, in milliseconds.
    static let period: CInt = 200

    private let original: termios

    /// Nil where the terminal is gone.
    init?() {
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        original = settings
        cfmakeraw(&settings)
        // programs that write a line feed alone are readable all the same
        settings.c_oflag |= tcflag_t(OPOST | ONLCR)
        guard tcsetattr(STDIN_FILENO, TCSANOW, &settings) == 0 else { return nil }
        // it must not be left raw
        SystemCall.blockTerminationSignals()
        try? SystemCall.write(Array("(Ctrl-] ends the console)\n".utf8), to: STDERR_FILENO)
    }

    func restore() {
        var settings = original
        tcsetattr(STDIN_FILENO, TCSADRAIN, &settings)
        try? SystemCall.write(Array("\n".utf8), to: STDERR_FILENO)
    }
}

/// A pseudo-terminal, raw, of which the other side is given away.
private struct Terminal {
    let descriptor: CInt
    let path: String
    /// Kept open: without anybody there, reading fails.
    private let other: CInt

    // asm-generic/ioctls.h, TIOCSPTLCK and TIOCGPTN
    private static let setLock: UInt = 0x4004_5431
    private static let getNumber: UInt = 0x8004_5430

    init() throws {
        let number = try SystemCall.open("/dev/ptmx", O_RDWR | O_NOCTTY).release()
        descriptor = number
        var (lock, index): (CInt, CInt) = (0, 0)
        try SystemCall.result(of: "ioctl", on: "/dev/ptmx") { ioctl(number, Terminal.setLock, &lock) }
        try SystemCall.result(of: "ioctl", on: "/dev/ptmx") { ioctl(number, Terminal.getNumber, &index) }
        let path = "/dev/pts/\(index)"
        self.path = path
        other = try SystemCall.result(of: "open", on: path) { open(path, O_RDWR | O_NOCTTY | O_CLOEXEC) }
        var settings = termios()
        tcgetattr(other, &settings)
        cfmakeraw(&settings)
        tcsetattr(other, TCSANOW, &settings)
    }
}
