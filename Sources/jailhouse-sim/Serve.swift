import ArgumentParser
import Glibc
import Simulator
import SystemCalls

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a machine until SIGINT or SIGTERM.",
        discussion: """
            Prints "ready: DIRECTORY" when programs can use it, then a line for each thing that happens; \
            "FROZEN: ..." when someone has hung the machine.
            """
    )

    @OptionGroup var machine: MachineOptions

    @Option(help: "CPUs, 1 to 255.")
    var cpus = 4

    @Option(help: "RAM, such as 1GiB; its top quarter is kept free by Linux.")
    var memory = MemorySize(bytes: 1 << 30)

    @Option(help: "How long commands take: as on real hardware, or nothing.")
    var timing = TimingChoice.real

    @Option(
        name: .customLong("lose-starts"),
        help: "How probably a start is lost that follows a load at once, 0 to 1.")
    var lostStarts = 0.0

    @Option(help: "Of the random numbers.")
    var seed: UInt64 = 1

    @Option(name: .customLong("device-mode"), help: "Who may use the device, as an octal file mode.")
    var deviceMode = "0666"

    func validate() throws {
        guard (1...255).contains(cpus) else { throw ValidationError("--cpus must be from 1 to 255.") }
        guard (0...1).contains(lostStarts) else { throw ValidationError("--lose-starts must be from 0 to 1.") }
        guard mode_t(deviceMode, radix: 8) != nil else {
            throw ValidationError("--device-mode must be octal, such as 0660.")
        }
    }

    func run() throws {
        // before there are threads, so that they all inherit it
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        signal(SIGPIPE, SIG_IGN)

        let path = try machine.path
        let settings = MachineSettings(
            cpus: cpus, memory: memory.bytes, timing: timing.timing, lostStarts: lostStarts, seed: seed)
        let machine = try SimulatedMachine(
            directory: path, settings: settings, deviceMode: mode_t(deviceMode, radix: 8) ?? 0o666,
            keepsTogether: true, onReport: Serve.say)
        Serve.say("ready: \(machine.directory.path)")
        var received: CInt = 0
        sigwait(&signals, &received)
        machine.stop()
    }

    /// A line of output, at once also when it goes to a pipe. A reader that has gone is no reason to stop.
    @Sendable private static func say(_ line: String) {
        _ = try? SystemCall.write(Array((line + "\n").utf8), to: STDOUT_FILENO)
    }
}

/// `--timing`.
enum TimingChoice: String, ExpressibleByArgument, CaseIterable {
    case real, none

    var timing: Timing {
        switch self {
        case .real: .measured
        case .none: .none
        }
    }
}

/// `--memory`.
struct MemorySize: ExpressibleByArgument, CustomStringConvertible {
    var bytes: UInt64

    init(bytes: UInt64) {
        self.bytes = bytes
    }

    init?(argument: String) {
        let units: [(String, UInt64)] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("", 1)]
        for (unit, factor) in units where argument.hasSuffix(unit) {
            let digits = argument.dropLast(unit.count).filter { $0 != " " }
            guard let number = UInt64(digits) else { return nil }
            let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
            // two MiB leave a top quarter that something fits into; a tebibyte is more than a sparse file needs
            guard !overflow, (2 << 20...1 << 40).contains(bytes) else { return nil }
            self.bytes = bytes / 4096 * 4096
            return
        }
        return nil
    }

    var description: String { bytes % (1 << 30) == 0 ? "\(bytes >> 30)GiB" : "\(bytes >> 20)MiB" }
}
