// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import Glibc
import Simulator
import SystemCalls

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve a machine until SIGINT or SIGTERM.",
        discussion: """
            Prints "cells: execute" or "cells: script" and the reason, "ready: DIRECTORY" when programs can use the \
            machine, then one line for each event: "FROZEN: ..." when a command has hung the machine, "OOPSED: ..." when \
            a program has read the root cell while the hypervisor was being disabled, "LINUX LOST CPU ..." when Linux \
            has used a resource that a cell owns.

            With --cells execute, each cell's inmate runs in a QEMU process, confined to the cell's configuration. This \
            needs QEMU (apt install qemu-system-x86 or qemu-system-arm) and the cell monitor (make cell-monitor). With --cells script, \
            cells execute no instructions: they start, answer messages, and follow the commands of inject.
            """
    )

    @OptionGroup var machine: MachineOptions

    @Option(help: "What kind of machine it is: x86 or arm64.")
    var architecture = ArchitectureChoice.x86

    @Option(help: "Version of an Arm64 machine's interrupt controller: 2 or 3.")
    var gic: UInt8 = 3

    @Option(
        name: .customLong("memory-base"),
        help: ArgumentHelp(
            "Where an Arm64 machine's RAM begins, such as 0x40000000.",
            discussion: "Default: 0x40000000, where QEMU's virt machine has it.", valueName: "address"))
    var memoryBase: String?

    @Option(
        name: .customLong("trap"),
        help: ArgumentHelp(
            "A trap of real Arm64 machines: vhe, redistributors, devices or slow-creates; can be repeated.",
            discussion: """
                vhe: Linux runs at EL2, and enabling panics it. redistributors: the device tree gives them the virtual PCI \
                host's space. devices: the device tree has the devices of QEMU's machine, and nothing is elsewhere. slow-creates: every other create lasts 0.3 or 4 s longer.
                """))
    var traps: [ArmTrap] = []

    @Option(help: "CPUs, 1 to 255.")
    var cpus = 4

    @Option(
        help: ArgumentHelp(
            "RAM, such as 1GiB; its top quarter is kept free by Linux.",
            discussion: "Where cells execute: up to 2GiB, or from 5462MiB on."))
    var memory = MemorySize(bytes: 1 << 30)

    @Option(help: "How long commands take: as on real hardware, or no time.")
    var timing = TimingChoice.real

    @Option(
        name: .customLong("lose-starts"),
        help: "Probability (0–1) that a start issued right after a load is lost.")
    var lostStarts = 0.0

    @Option(help: "Seed for the random number generator.")
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Configuration revision that the hypervisor accepts; it refuses others.",
            discussion: """
                One of \(Self.revisions): with a letter, a layout that upstream had under that number for a while; \
                without one, that of its release.
                """,
            valueName: "number"))
    var revision = "\(FormatRevision.current.rawValue)"

    private static let revisions =
        (FormatRevision.allCases.map { "\($0.rawValue)" } + FormatVariant.allCases.map(\.rawValue)).reduce(into: []) {
            if !$0.contains($1) { $0.append($1) }
        }.joined(separator: ", ")

    @Flag(
        inversion: .prefixedNo,
        help: "Whether reading the root cell while the hypervisor is being disabled kills the reader, as on x86.")
    var oops = true

    @Option(help: "Whose words the hypervisor's console has: those of a machine with AMD's or Intel's processors.")
    var console = ConsoleChoice.amd

    @Option(name: .customLong("device-mode"), help: "Access to the device, as an octal file mode.")
    var deviceMode = "0600"

    @Option(
        help: ArgumentHelp(
            "What cells do: execute or script.",
            discussion: "Default: execute where QEMU and the cell monitor are found, else script."))
    var cells: CellsChoice?

    @Option(
        name: .customLong("device"),
        help: ArgumentHelp(
            "A PCI device that the cell which owns it finds there, as QEMU calls it; can be repeated.",
            discussion: """
                Where nothing is said, a cell's PCI device is an \(ExecutionSettings.standardModel) on the network \
                \(ExecutionSettings.standardNetwork).
                """,
            valueName: "bdf=model[,network=name]"))
    var devices: [DeviceChoice] = []

    @Option(
        help: ArgumentHelp(
            "Where the cells' definitions are, for what they say of the simulated machine.",
            discussion: "Read when a cell of their name is created: [simulation] and [[simulated-device]].",
            valueName: "directory"))
    var definitions: String?

    @Flag(
        name: .customLong("stop-on-violation"),
        help: ArgumentHelp(
            "Hold a CPU that touches what is not its cell's at its instruction, until a debugger lets it go on.",
            discussion: "For cells that execute: see 'jailhouse-sim gdb'. It is parked then, and its cell fails."))
    var stopsOnViolation = false

    func validate() throws {
        guard (1...255).contains(cpus) else { throw ValidationError("--cpus must be from 1 to 255.") }
        guard (0...1).contains(lostStarts) else { throw ValidationError("--lose-starts must be from 0 to 1.") }
        guard FormatVariant(word: revision) != nil else {
            throw ValidationError("--revision must be one of \(Self.revisions).")
        }
        guard mode_t(deviceMode, radix: 8) != nil else {
            throw ValidationError("--device-mode must be octal, such as 0660.")
        }
        if let memoryBase {
            guard architecture == .arm64, let base = PhysicalAddress(argument: memoryBase), base.value < 1 << 40 else {
                throw ValidationError("--memory-base must be an address below 0x10000000000, of an Arm64 machine.")
            }
        }
        guard traps.isEmpty || architecture == .arm64 else {
            throw ValidationError("--trap is for an Arm64 machine.")
        }
        guard gic == 2 || gic == 3 else { throw ValidationError("--gic must be 2 or 3.") }
        if let definitions {
            do {
                _ = try SystemCall.names(inDirectory: definitions)
            } catch {
                throw ValidationError("--definitions must be a directory that can be read: \(error).")
            }
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
        var settings = MachineSettings(
            cpus: cpus, memory: memory.bytes, timing: timing.timing(of: architecture.architecture),
            lostStarts: lostStarts, seed: seed, format: FormatVariant(word: revision),
            architecture: architecture.architecture)
        settings.gicVersion = gic
        settings.traps = Set(traps)
        if let base = memoryBase.flatMap({ PhysicalAddress(argument: $0) }) { settings.memoryBase = base.value }
        settings.oopses = settings.oopses && oops
        settings.wording = console.wording
        var (execution, kind) = try execution()
        if case .scripted = execution, !devices.isEmpty || definitions != nil {
            kind += "\n--device and --definitions have no effect: cells by script have no devices"
        }
        let machine = try SimulatedMachine(
            directory: path, settings: settings, deviceMode: mode_t(deviceMode, radix: 8) ?? 0o600, cells: execution,
            keepsTogether: true, onReport: Serve.say)
        Serve.say("\(kind)\nready: \(machine.directory.path)")
        var received: CInt = 0
        sigwait(&signals, &received)
        machine.stop()
    }

    /// - Returns: what cells do, and a line that says so.
    private func execution() throws(SimulatorError) -> (CellExecution, String) {
        if cells == .script { return (.scripted, "cells: script") }
        do throws(SimulatorError) {
            var settings = try ExecutionSettings.find(architecture.architecture)
            settings.devices = devices.map(\.device)
            settings.stopsOnViolation = stopsOnViolation
            if let definitions { settings.hardware = DefinitionDirectory(path: definitions, say: Serve.say).hardware }
            return (.executing(settings), "cells: execute, by \(settings.emulator)")
        } catch  where cells == nil {
            return (.scripted, "cells: script, for they cannot execute here: \(error)")
        }
    }

    /// A line of output, at once also when it goes to a pipe. A reader that has gone is no reason to stop.
    @Sendable private static func say(_ line: String) {
        _ = try? SystemCall.write(Array((line + "\n").utf8), to: STDOUT_FILENO)
    }
}

/// `--console`.
enum ConsoleChoice: String, ExpressibleByArgument, CaseIterable {
    case amd, intel

    var wording: ConsoleWording { self == .amd ? .amd : .intel }
}

/// `--memory-base`: whole megabytes.
private struct PhysicalAddress {
    var value: UInt64

    init?(argument: String) {
        let number = argument.hasPrefix("0x") ? UInt64(argument.dropFirst(2), radix: 16) : UInt64(argument)
        guard let number, number & 0xf_ffff == 0 else { return nil }
        value = number
    }
}

/// `--architecture`.
enum ArchitectureChoice: String, ExpressibleByArgument, CaseIterable {
    case x86, arm64

    var architecture: Architecture { self == .x86 ? .x86 : .arm64 }
}

/// `--trap`.
extension ArmTrap: ExpressibleByArgument {}

/// `--timing`.
enum TimingChoice: String, ExpressibleByArgument, CaseIterable {
    case real, none

    func timing(of architecture: Architecture) -> Timing {
        switch self {
        case .real: architecture == .x86 ? .measured : .measuredOnArm64
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
