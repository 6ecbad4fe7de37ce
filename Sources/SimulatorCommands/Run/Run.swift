// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import CellDefinition
import Glibc
import Simulator
import SystemCalls

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run programs in cells of their own, and report how they end.",
        discussion: """
            Makes a machine for each program, loads and starts its cell, shows its console, and ends by itself. A \
            definition is used as it is; an image alone gets the cell that 'jailhouse-ctl new-cell' would propose; of \
            a directory every ELF executable is run, and a table is printed.

            A program passes when it ends in the state "shut down" or, with --until, when it prints a line that \
            matches. It fails when it prints a line that matches --fail, when it ends in another state, or when the \
            hypervisor parks its CPUs.

            Exit status: 0 if all passed, 1 if one failed, 124 if none failed but one ran out of time. SIGINT, SIGTERM \
            and SIGHUP stop the running program and skip the rest: 128 and the signal's number.

            Example: jailhouse-sim run ticker.exe --until 'END OF TEST' --timeout 60
            """)

    @Argument(help: "Cell definitions, images, or directories of images.")
    var programs: [String]

    @Option(help: ArgumentHelp("Passes when a line of output matches.", valueName: "regex"))
    var until: String?

    @Option(help: ArgumentHelp("Fails when a line of output matches.", valueName: "regex"))
    var fail: String?

    @Option(help: ArgumentHelp("How long each program may take, in seconds.", valueName: "seconds"))
    var timeout = 60.0

    @Option(help: ArgumentHelp("Also write the results as a JUnit report.", valueName: "file"))
    var junit: String?

    @Option(
        help: ArgumentHelp(
            "The machine's system configuration, for definitions.",
            discussion: "Without it an Arm64 machine is that of configs/systems/qemu-arm64.toml.", valueName: "file"))
    var system: String?

    @Option(name: .customLong("command-line"), help: "Of programs that are given as images.")
    var commandLine: String?

    @Flag(help: "Do not show what the programs print.")
    var quiet = false

    func validate() throws {
        guard !programs.isEmpty else { throw ValidationError("There is no program to run.") }
        guard timeout > 0, timeout <= 86_400 else { throw ValidationError("--timeout must be from 0 to 86400.") }
        for (option, pattern) in [("--until", until), ("--fail", fail)] {
            guard let pattern else { continue }
            do {
                _ = try Regex(pattern)
            } catch {
                throw ValidationError("\(option) is no regular expression: \(error).")
            }
        }
    }

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        SystemCall.blockTerminationSignals()
        let trials = try programs.flatMap { try TrialProgram.list($0, commandLine: commandLine, system: system) }
        let isTable = trials.count > 1
        var results: [TrialResult] = []
        for program in trials {
            let settings = try ExecutionSettings.find(program.definition.descriptor.architecture)
            let expectation = try TrialExpectation(until: until, fail: fail)
            let trial = Trial(
                program, settings, expectation, isShown: !quiet && !isTable, timeout: .seconds(timeout))
            let result = trial.run()
            results.append(result)
            if isTable { Run.say(TrialReport.row(result, width: trials.map(\.name.count).max() ?? 0)) }
            if case .interrupted = result.verdict { break }
        }
        if let junit {
            try SystemCall.replaceFile(junit, with: Array(TrialReport.junit(results).utf8), mode: 0o644)
        }
        if isTable {
            Run.say(TrialReport.summary(results))
        } else if let result = results.first {
            // its own output was shown, and may end within a line
            if result.output.last.map({ !$0.isNewline }) == true { Run.say("") }
            for line in TrialReport.verdict(result) { Run.say(line, to: STDERR_FILENO) }
        }
        let status = TrialReport.status(results)
        if status != 0 { throw ExitCode(status) }
    }

    private static func say(_ line: String, to descriptor: CInt = STDOUT_FILENO) {
        // a reader that has gone is no reason to stop
        _ = try? SystemCall.write(Array((line + "\n").utf8), to: descriptor)
    }
}
