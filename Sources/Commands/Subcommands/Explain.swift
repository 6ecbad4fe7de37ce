// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import CellDefinition
import FailureReports
import JailhouseInterface
import RulePages
import SystemPackage

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Explain a rule of 'check', lines of the hypervisor's console, a condition, or an error number.",
        discussion: """
            Without an argument: the list of all rules. The page of a rule says what must be so, what happens otherwise \
            and what to do, with an example and the findings of 'check'. A line of the console, or a whole dump from \
            standard input (-), is explained: what the program did, where, what would allow it, and whether to allow it. \
            A condition or state (failed, gave-up, 'shut down', …) and a command with its error number (create EBUSY) are \
            explained as well. Needs no daemon.

            With the files that belong to a dump, the answer also names what is near the address, the instruction's \
            function and, where addr2line or llvm-symbolizer is installed, its source line. --cell can be repeated: the \
            one of the dump's name is the dead cell, the others are its neighbours.

            With --json: of rules, an array of objects with rule, severity, title, consequence, remedy, changes (of the \
            example: file, right, wrong) and findings; of all else, an array of objects with cpu, cell, programCounter, \
            isStopped, place and explanation (summary, notes, entry, advice, rule).

            Example: jailhouse-ctl explain JH0603
            Example: jailhouse-ctl explain 'FATAL: Invalid PIO write, port: 70 size: 1'
            Example: jailhouse-ctl explain - --cell rtems.toml --system machine.toml < mail.txt
            Example: jailhouse-ctl explain create EBUSY
            """
    )

    @OptionGroup var options: FileOptions

    @Option(
        name: .customLong("root-cell"),
        help: ArgumentHelp(
            "The root cell's name, so that Linux's own failures are explained; default: that of --system.",
            valueName: "name"))
    var rootCell: String?

    @Option(
        name: .customLong("cell"),
        help: ArgumentHelp("A cell or its definition; can be repeated.", valueName: "file"),
        completion: .file(extensions: ["toml", "cell"]))
    var cells: [String] = []

    @Option(
        help: ArgumentHelp("The system configuration.", valueName: "file"),
        completion: .file(extensions: ["toml", "system"]))
    var system: String?

    @Option(
        name: .customLong("image"),
        help: ArgumentHelp(
            "The program, with its symbols; default: the images of --cell. Can be repeated.", valueName: "file"),
        completion: .file())
    var images: [String] = []

    @Option(
        help: ArgumentHelp(
            "The machine whose /proc and /sys are in this directory (/ for this one).", valueName: "directory"),
        completion: .directory)
    var root: String?

    @Argument(
        help:
            "A rule, such as JH0603; a line of the console; - for a dump on standard input; a condition; a command and an errno.",
        completion: .list(RulePage.all.map(\.id)))
    var subject: [String] = []

    func run() throws {
        let style = options.screen.style
        guard !subject.isEmpty else {
            let pages = RulePage.all
            return try options.screen.show(pages.map(RuleReport.init), text: RuleList(pages: pages).text(style))
        }
        let words = subject.joined(separator: " ")
        if let page = RulePage.all.first(where: { $0.id == words.uppercased() }) {
            let report = RuleReport(page)
            return try options.screen.show([report], text: report.text(style, width: min(Terminal.width, 100)))
        }
        let parts = words.split(separator: " ").map(String.init)
        if let report = try errorNumber(parts) { return try show(report) }
        if let condition = ConditionPage.named(words) { return try show(ConsoleReport([condition.explanation])) }
        // rules have no blanks, lines of a console have
        if words == "-" || words.contains(" ") { return try explainConsole(words) }
        let known = RulePage.all.map(\.id) + ConditionPage.all.flatMap(\.words)
        let isRule = words.uppercased().hasPrefix("JH")
        let question = nearestWord(to: isRule ? words.uppercased() : words, among: known).map {
            "; did you mean \($0)?"
        }
        throw CommandFailure(
            .failed,
            "there is no \(isRule ? "rule" : "rule or condition") '\(words)'\(question ?? "")"
                + "; for all of them: jailhouse-ctl explain")
    }

    private func explainConsole(_ subject: String) throws {
        if let line = subject == "-" ? nil : Self.commandLine(subject) { throw line }
        let text = subject == "-" ? MailText.plain(try InputFile("-").contents) : subject
        let files = try DumpFiles(cells: cells, system: system, images: images, root: root)
        let name = rootCell ?? files.system?.rootCell.name
        var report = ConsoleReport(ConsoleText(text), rootCell: name, files: files)
        if report.entries.isEmpty, subject != "-" {
            // as 'status' and 'failures' print it: without FATAL, and behind the daemon's own words
            let reason = text.firstRange(of: ": ").map { String(text[$0.upperBound...]) } ?? text
            for line in [text, reason]
            where report.entries.isEmpty && ConsoleGrammar.isKnown(Array("FATAL: \(line)".utf8)) {
                report = ConsoleReport(ConsoleText("FATAL: " + line), rootCell: name, files: files)
            }
        }
        guard !report.entries.isEmpty else {
            throw CommandFailure(
                .failed,
                "there is no failure in \(subject == "-" ? "the text" : "this line"): expected lines of the "
                    + "hypervisor's console, such as 'FATAL: Invalid PIO write, port: 70 size: 1'")
        }
        try show(report)
    }

    /// - Parameter words: `EBUSY`, `16`, `-16`, or the C library's text for it.
    /// - Returns: `EBUSY`; nil for what is none.
    static func errnoName(_ words: String) -> String? {
        let plain = words.lowercased()
        let number = Int32(plain)?.magnitude
        return ErrnoName.names.first { known, name in
            name.lowercased() == plain || known.magnitude == number || "\(Errno(rawValue: known))".lowercased() == plain
        }?.value
    }

    /// What a command means by an error number; without a command, all that return it.
    private func errorNumber(_ words: [String]) throws -> ConsoleReport? {
        if let (command, rest) = CommandError.command(words),
            // success can be a failure, too: nothing was created
            let name = rest == ["0"] ? "0" : Self.errnoName(rest.joined(separator: " ")),
            let whole = CommandError.of(command, name) ?? (name == "0" ? nil : Self.unexplained(command, name))
        {
            let files = try DumpFiles(cells: cells, system: system, images: images, root: root)
            let error = whole.narrowed(by: files.surroundings(of: files.cells.first?.name))
            return ConsoleReport(
                error.causes.map(\.explanation),
                title: "\(error.command) ends with \(error.errno) for one of these reasons, the most frequent first:")
        }
        guard let name = Self.errnoName(words.joined(separator: " ")) else { return nil }
        let errors = CommandError.all.filter { $0.errno == name }
        guard !errors.isEmpty else { return ConsoleReport(Self.unexplained(nil, name).causes.map(\.explanation)) }
        let causes = errors.flatMap { error in
            error.causes.map { $0.explanation(of: error.command) }
        }
        return ConsoleReport(causes, title: "\(name) has these reasons, by command, the most frequent first:")
    }

    /// What an error number means in general, where the driver has no reason of its own for it.
    private static func unexplained(_ command: String?, _ name: String) -> CommandError {
        let number = ErrnoName.names.first { $0.value == name }?.key
        return .unexplained(command, name, text: number.map { "\(Errno(rawValue: $0))" })
    }

    /// A command with a word that is no error number.
    private static func commandLine(_ subject: String) -> CommandFailure? {
        let words = subject.split(separator: " ").map(String.init)
        guard let (command, rest) = CommandError.command(words), rest.count == 1 else { return nil }
        let own = CommandError.all.filter { $0.command == command }.map(\.errno)
        let known = own + ["EFAULT", "EINTR", "ENOENT"].filter { !own.contains($0) }
        return CommandFailure(
            .failed, "\(rest[0]) is no error number; known of \(command) are \(known.joined(separator: ", "))")
    }

    private func show(_ report: ConsoleReport) throws {
        try options.screen.show(report.entries, text: report.text(options.screen.style))
    }
}
