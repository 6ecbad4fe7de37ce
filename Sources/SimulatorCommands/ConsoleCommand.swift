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
            Starts with the last 64 KiB of output; ends with the cell. This is the console of the inmate; the \
            hypervisor's is read from /dev/jailhouse.

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
            Self.copy(from: STDIN_FILENO, to: STDOUT_FILENO, socket.rawValue)
            return
        }
        let terminal = try Terminal()
        print(terminal.path)
        fflush(nil)
        Self.copy(from: terminal.descriptor, to: terminal.descriptor, socket.rawValue)
    }

    /// Copies in both directions until the socket ends, or the output does.
    private static func copy(from input: CInt, to output: CInt, _ socket: CInt) {
        var polled = [
            pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
            pollfd(fd: input, events: Int16(POLLIN), revents: 0),
        ]
        var buffer = [UInt8](repeating: 0, count: 4096)
        while poll(&polled, 2, -1) >= 0 || errno == EINTR {
            if polled[0].revents != 0 {
                let count = buffer.withUnsafeMutableBytes { (try? SystemCall.read(socket, into: $0)) ?? 0 }
                guard count > 0, (try? SystemCall.write(Array(buffer[..<count]), to: output)) != nil else { return }
            }
            if polled[1].revents != 0 {
                let count = buffer.withUnsafeMutableBytes { (try? SystemCall.read(input, into: $0)) ?? 0 }
                if count > 0 {
                    guard (try? SystemCall.send(Array(buffer[..<count]), to: socket)) != nil else { return }
                } else {
                    // output goes on
                    polled[1].fd = -1
                }
            }
        }
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
