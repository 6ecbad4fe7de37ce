// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import ControlInterface
import Foundation

@main
struct Chaos: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Let everything go wrong at random, and see whether the daemon puts it right.",
        discussion: """
            A simulated machine and the daemon; in each round faults of cells, of the driver, of sysfs and of the \
            daemon's Linux, commands of clients, changes by other tools, and SIGKILL of the daemon. Then the faults \
            cease, and within --patience every cell must be as it is wanted. Always wrong: a frozen machine, an inmate \
            that was healthy and stopped or started anew though nobody asked, a command for a cell without a \
            definition, a daemon that ends by itself, an order that is never answered.

            The same seed and round give the same events at the same times; what they meet depends on the threads of \
            three programs.
            """)

    @Option(help: "Of the random numbers; otherwise a new one.")
    var seed: UInt64?

    @Option(help: "How many rounds.")
    var rounds = 200

    @Option(help: "Only this round of the seed.")
    var round: Int?

    @Option(help: ArgumentHelp("Where jailhoused is; otherwise beside this program.", valueName: "directory"))
    var programs: String?

    @Option(help: "Seconds until all must be well after the faults have ceased.")
    var patience = 10.0

    @Option(help: "Of the simulated machine: x86 or arm64.")
    var architecture = "x86"

    @Flag(help: "Tell everything as it happens.")
    var verbose = false

    @Flag(
        help: ArgumentHelp(
            "Use the hypervisor that this machine has.",
            discussion: """
                Through /dev/jailhouse and /sys/devices/jailhouse as they are, with the cells of --configuration: \
                commands of clients and SIGKILL of the daemon, which this program starts itself (stop any other \
                first). The cells stay as the last round left them. A cell that ran and that nobody touched must be \
                the same afterwards: its number, and the management exits that each load and start adds to.
                """))
    var live = false

    @Flag(help: "With --live: also stop and destroy cells through the device, as another tool would.")
    var foreign = false

    @Option(help: ArgumentHelp("With --live: the daemon's configuration.", valueName: "directory"))
    var configuration = "/etc/jailhoused"

    @Option(help: ArgumentHelp("With --live: for the daemon's sockets and state.", valueName: "directory"))
    var runtime = "/run/jailhoused"

    /// Each so many rounds one ends its machine.
    private static let life = 25

    private var machineArchitecture: Architecture { architecture == "arm64" ? .arm64 : .x86 }

    func validate() throws {
        if foreign && !live { throw ValidationError("--foreign is for --live: the simulator has its own other tool.") }
        guard ["x86", "arm64"].contains(architecture) else {
            throw ValidationError("--architecture must be x86 or arm64.")
        }
        guard rounds > 0 else { throw ValidationError("--rounds must be 1 or more.") }
    }

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        // before there are threads, so that they all inherit it
        Interruption.begin()
        let seed = seed ?? UInt64.random(in: 1...999_999)
        tell("seed \(seed)")
        let story = Story(isTold: verbose)
        let figures = Figures()
        var number = 0
        do {
            let numbers = round.map { $0...$0 } ?? 1...rounds
            if live {
                try runLive(numbers, seed, story, figures, &number)
            } else {
                try runSimulated(numbers, seed, story, figures, &number)
            }
        } catch {
            if !verbose { tell(story.last(200)) }
            tell("WRONG in round \(number) of seed \(seed): \(error)")
            figures.say()
            throw ExitCode.failure
        }
        figures.say()
    }

    private var directory: String {
        programs ?? URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path
    }

    private var limit: Duration { .milliseconds(Int(patience * 1000)) }

    private func runLive(
        _ numbers: ClosedRange<Int>, _ seed: UInt64, _ story: Story, _ figures: Figures, _ number: inout Int
    ) throws {
        let live = Live(
            programs: directory, configuration: configuration, runtime: runtime, isForeign: foreign, patience: limit,
            story: story, figures: figures)
        defer { live.end() }
        try live.begin()
        for next in numbers where !Interruption.isPending {
            number = next
            if next % 500 == 0 { tell("round \(next) …") }
            try live.run(next, seed: seed)
        }
    }

    private func runSimulated(
        _ numbers: ClosedRange<Int>, _ seed: UInt64, _ story: Story, _ figures: Figures, _ number: inout Int
    ) throws {
        var arena = try Arena(programs: directory, seed: seed, architecture: machineArchitecture, story: story)
        defer { arena.end() }
        try begin(arena)
        for next in numbers where !Interruption.isPending {
            number = next
            if next % 500 == 0 { tell("round \(next) …") }
            var isAtItsEnd = next % Self.life == 0
            do {
                if isAtItsEnd {
                    var round = LastRound(next, seed: seed, arena: arena, figures: figures, patience: limit)
                    try round.run()
                } else {
                    var round = Round(next, seed: seed, arena: arena, figures: figures, patience: limit)
                    try round.run()
                }
            } catch is OtherToolFroze {
                figures.count("machines that another tool froze")
                isAtItsEnd = true
            } catch is Unforeseeable {
                figures.count("what came in the very moment of a command")
                isAtItsEnd = true
            } catch is LeftAlone {
                figures.count("cells that must be left alone")
                isAtItsEnd = true
            }
            guard isAtItsEnd else { continue }
            arena.end()
            arena = try Arena(
                programs: directory, seed: seed &+ UInt64(next), architecture: machineArchitecture, story: story)
            try begin(arena)
        }
    }

    /// Until the machine is enabled, the cells with autostart run and the stranger is there.
    private func begin(_ arena: Arena) throws {
        try arena.daemon.start()
        let always = Subject.all.filter(\.isAlwaysRestarted).map(\.name)
        try arena.eventually({ "the cells with autostart run" }, within: .seconds(30)) {
            let cells = arena.orders.list()?.cells.filter { $0.condition == "running" }.map(\.name) ?? []
            return always.allSatisfy(cells.contains)
        }
        try arena.bringStranger()
    }
}

/// SIGINT and SIGTERM end a chaos after the round that is being played, with its figures.
enum Interruption {
    private static var signals: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM] { sigaddset(&signals, signal) }
        return signals
    }

    static func begin() {
        var signals = signals
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    static var isPending: Bool {
        var pending = sigset_t()
        sigpending(&pending)
        return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1
    }
}
