// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import CellDefinition
import Glibc
import InmateImage
import Simulator
import SystemCalls

struct Debug: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gdb",
        abstract: "Debug a cell whose inmate executes.",
        discussion: """
            Stops the cell and starts gdb on it, with all its CPUs as threads and with the symbols of its image. A CPU \
            that touches what is not the cell's stops at its instruction with SIGSEGV; when it goes on, it is parked and \
            the cell fails. While gdb has the cell standing still, it answers nobody: the daemon sees what it would see \
            of a program that hangs. When gdb ends, in whatever way, the cell goes on without breakpoints.

            For an Arm64 cell gdb is gdb-multiarch (apt install gdb-multiarch); its CPUs that PSCI has not started are off.

            Images are looked for in the cell's definition. Words after -- are gdb's: \
            jailhouse-sim gdb rtems -- -ex 'break rtems_task_start'

            Example: jailhouse-sim gdb rtems --wait
            """)

    enum Architecture: String, ExpressibleByArgument, CaseIterable {
        case i386, amd64
    }

    @OptionGroup var machine: MachineOptions

    @Argument(help: "The cell's name.")
    var cell: String

    @Flag(help: "Wait for the cell's next start, and hold it at its first instruction.")
    var wait = false

    @Option(help: ArgumentHelp("An ELF file with symbols, instead of the image.", valueName: "file"))
    var symbols: String?

    @Option(help: ArgumentHelp("Where the definitions are, in cells/.", valueName: "directory"))
    var configuration = "/etc/jailhoused"

    @Option(help: "What gdb takes the CPUs for: i386 or amd64. Default: as the image is, else as they are.")
    var architecture: Architecture?

    @Option(
        help: ArgumentHelp(
            "Do not start gdb, but let one connect: target remote PATH.",
            discussion: "A Unix socket that is made for it, and removed at the end.", valueName: "path"))
    var listen: String?

    @Argument(parsing: .postTerminator, help: "For gdb.")
    var arguments: [String] = []

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        let image = try image()
        if wait { say("waits for the next start of \(cell)") }
        let stream = try SimulatedMachine.openDebugger(
            ofCell: cell, as: (architecture ?? image?.architecture)?.rawValue, waits: wait,
            inMachineAt: try machine.path)
        if let listen {
            var status = stat()
            if lstat(listen, &status) == 0, status.st_mode & S_IFMT != S_IFSOCK {
                throw ValidationError("--listen: \(listen) exists and is no socket.")
            }
            defer { unlink(listen) }
            let listener = try SystemCall.listen(onSocket: listen, mode: 0o600)
            say("the cell is halted; in gdb: target remote \(listen)")
            serve(listener.rawValue, stream.rawValue)
            return
        }
        try startDebugger(image, stream)
    }

    private func say(_ text: String) {
        _ = try? SystemCall.write(Array("jailhouse-sim: \(text)\n".utf8), to: STDERR_FILENO)
    }

    /// Copies in both directions between gdb, when it has come, and the machine.
    private func serve(_ listener: CInt, _ stream: CInt) {
        let number = accept(listener, nil, nil)
        guard number >= 0 else { return }
        let client = OwnedDescriptor(adopting: number)
        let first = client.rawValue
        var second = stream
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            var polled = [
                pollfd(fd: first, events: Int16(POLLIN), revents: 0),
                pollfd(fd: second, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&polled, 2, -1) >= 0 || errno == EINTR else { return }
            for (index, target) in [(0, second), (1, first)] where polled[index].revents != 0 {
                let count = buffer.withUnsafeMutableBytes { (try? SystemCall.read(polled[index].fd, into: $0)) ?? 0 }
                if count > 0 {
                    // what gdb says to a cell that is gone is lost
                    _ = try? SystemCall.send(Array(buffer[..<count]), to: target)
                } else if index == 0 {
                    return
                } else {
                    // gdb may still have something to say, and then goes
                    _ = shutdown(first, CInt(SHUT_WR))
                    second = -1
                }
            }
        }
    }

    private func startDebugger(_ image: Image?, _ stream: borrowing OwnedDescriptor) throws {
        let directory = try SystemCall.makeTemporaryDirectory("/tmp/jailhouse-sim-gdb-")
        let path = directory + "/gdb"
        defer {
            unlink(path)
            rmdir(directory)
        }
        let listener = try SystemCall.listen(onSocket: path, mode: 0o600)
        let (listening, streaming) = (listener.rawValue, stream.rawValue)
        let relay = BackgroundThread { [self] in serve(listening, streaming) }
        relay?.detach()
        var words = [image?.isForArm64 == true ? "gdb-multiarch" : "gdb", "-q"]
        if let path = image?.path { words.append(path) }
        words += ["-ex", "target remote \(path)"] + arguments
        // Ctrl-C is gdb's
        for number in [SIGINT, SIGQUIT] { signal(number, SIG_IGN) }
        let status = try Self.runProgram(words)
        if status != 0 { throw ExitCode(status) }
    }

    /// - Returns: its exit status; for a signal, as a shell says it.
    private static func runProgram(_ words: [String]) throws -> CInt {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGQUIT, SIGPIPE] { sigaddset(&signals, signal) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        let arguments = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var child = pid_t()
        let failure = posix_spawnp(&child, words[0], nil, &attributes, arguments, environ)
        guard failure == 0 else {
            throw ValidationError(
                "\(words[0]) cannot be started: \(String(cString: strerror(failure))). Debian and Ubuntu: apt install "
                    + words[0])
        }
        var status: CInt = 0
        while waitpid(child, &status, 0) == -1 && errno == EINTR {}
        return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
    }

    // MARK: symbols

    private struct Image {
        /// Nil when none has symbols.
        var path: String?
        var architecture: Architecture?
        var isForArm64 = false
    }

    /// The first ELF file among the images, or what --symbols says.
    private func image() throws -> Image? {
        if let symbols {
            guard let image = Self.image(symbols) else {
                throw ValidationError("--symbols: \(symbols) is no ELF file that can be read.")
            }
            return image
        }
        do {
            let definition = try definition()
            let path = definition.path
            if let image = definition.images.lazy.compactMap({ Self.image($0.path) }).first { return image }
            say("no image of \(path) is an ELF file: there are no symbols (--symbols FILE)")
            return Image(isForArm64: definition.descriptor.architecture == .arm64)
        } catch {
            say("there are no symbols, as the cell's definition cannot be read: \(error)")
        }
        return nil
    }

    /// In the file of its name, or else in one of another name.
    private func definition() throws -> CellDefinition {
        let directory = "\(configuration)/cells"
        let names = try SystemCall.names(inDirectory: directory).filter { $0.hasSuffix(".toml") }
        func read(_ name: String) throws -> CellDefinition {
            let path = "\(directory)/\(name)"
            let text = try SystemCall.contents(ofFile: path, limit: 1 << 20)
            return try CellDefinition(
                toml: String(decoding: text, as: UTF8.self), path: path, readFile: TrialProgram.read)
        }
        let usual = "\(cell).toml"
        if let own = names.contains(usual)
            ? nil : names.lazy.compactMap({ try? read($0) }).first(where: { $0.name == cell })
        {
            return own
        }
        return try read(usual)
    }

    private static func image(_ path: String) -> Image? {
        guard let file = try? ELFFile(try TrialProgram.read(path)) else { return nil }
        let architecture: Architecture? =
            switch file.machine {
            case .i386: .i386
            case .x8664: file.format == .elf64 ? .amd64 : .i386
            default: nil
            }
        return Image(path: path, architecture: architecture, isForArm64: file.machine == .aarch64)
    }
}
