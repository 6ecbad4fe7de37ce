import ArgumentParser
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

    @Flag(help: "Tell everything as it happens.")
    var verbose = false

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        let seed = seed ?? UInt64.random(in: 1...999_999)
        let beside = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path
        tell("seed \(seed)")
        let story = Story(isTold: verbose)
        let arena = try Arena(programs: programs ?? beside, seed: seed, story: story)
        defer { arena.end() }
        let figures = Figures()
        var number = 0
        do {
            try begin(arena)
            for next in round.map({ $0...$0 }) ?? 1...max(1, rounds) {
                number = next
                var round = Round(
                    next, seed: seed, arena: arena, figures: figures,
                    patience: .milliseconds(Int(patience * 1000)))
                try round.run()
            }
        } catch {
            if !verbose { tell(story.last(200)) }
            tell("WRONG in round \(number) of seed \(seed): \(error)")
            figures.say()
            throw ExitCode.failure
        }
        figures.say()
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
