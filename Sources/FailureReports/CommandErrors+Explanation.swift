// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

extension CommandError {
    /// Rules that judge by the files alone: what they do not find is not so. What others find nothing about may be so all the
    /// same: they do not see which cells run, what the hypervisor's pool has left, or what a file was at that time.
    private static let decisive: Set<String> = ["JH0104", "JH0302", "JH1003", "JH1011", "JH1105"]

    /// The same without causes that cannot be it.
    ///
    /// - Parameters:
    ///   - known: the cell, and the rules that find something in the files: what they find is it.
    ///   - enable: how far the enable came; nil: it is not known.
    ///   - isDaemons: whether the daemon gave the command, which excludes some causes before.
    package func narrowed(
        by known: Surroundings, _ enable: RefusedEnable? = nil, isDaemons: Bool = false
    ) -> CommandError {
        guard !isCauseKnown else { return self }
        var likely = causes
        if isDaemons { likely = Self.keeping(likely) { $0.stage != .excludedByDaemon } }
        if command == "enable", let enable, !RefusedEnable.isDriversOwn(errno: errno) {
            likely = likely.filter { enable.mayEnd(at: $0.stage) }
        }
        likely = Self.keeping(likely, where: known.admits)
        if let findings = known.findings {
            likely = Self.keeping(likely) { cause in
                cause.rule.map { !Self.decisive.contains($0) || findings.contains($0) } ?? true
            }
            likely = Self.keeping(likely) { $0.rule.map(findings.contains) ?? false }
        }
        return CommandError(command, errno, likely)
    }

    /// All, where nothing would be left.
    private static func keeping(_ causes: [Cause], where holds: (Cause) -> Bool) -> [Cause] {
        let kept = causes.filter(holds)
        return kept.isEmpty ? causes : kept
    }

    /// All of its causes, the most frequent first.
    package var explanation: Explanation? {
        guard let first = causes.first else { return nil }
        guard causes.count > 1 else {
            return Explanation(summary: first.what, advice: first.advice, rule: first.rule)
        }
        return Explanation(
            summary: "\(command) ends with \(errno) for one of \(causes.count) reasons, the most frequent first.",
            advice: "Look at each of them; what is not listed here is excluded.",
            notes: causes.map { "\($0.what) \($0.advice)" })
    }

    /// The same of a failure that the daemon recorded: without what is ruled out, and a rule only if it finds something.
    ///
    /// - Parameter known: what is known of the cell that failed.
    package func explanation(in known: Surroundings) -> Explanation? {
        narrowed(by: known, isDaemons: true).explanation?.naming(onlyOf: known.findings)
    }

    /// The keys of the cell's and the system's configuration that it may be about, without repetition.
    package var keys: [String] {
        var seen: Set<String> = []
        return causes.compactMap(\.key).filter { seen.insert($0).inserted }
    }

    /// That of a failure that the daemon recorded: `create was refused: … (EBUSY)`.
    package static func ofFailure(reason: String) -> CommandError? {
        let words = reason.split(separator: " ", maxSplits: 3)
        guard words.count == 4, words[1] == "was", words[2] == "refused:", reason.hasSuffix(")"),
            let begin = reason.lastIndex(of: "(")
        else { return nil }
        let (command, errno) = (String(words[0]), String(reason[reason.index(after: begin)...].dropLast()))
        if words[3].hasPrefix(refusedAtRest) { return atRest(command, errno) }
        return known(command, errno, message: words[3]) ?? of(command, errno) ?? unexplained(command, errno)
    }

    /// The daemon's words before the cause of a refusal that it has seen, see `Supervision.Refusal.knownCause`.
    package static let knownCause = "the cause is known: "

    /// - Parameter message: the daemon's sentence of a refusal, with its error number in brackets or without.
    /// - Returns: nil when it does not say which cause it was.
    package static func known(_ command: String, _ errno: String, message: some StringProtocol) -> CommandError? {
        guard let mark = message.firstRange(of: knownCause) else { return nil }
        var words = message[mark.upperBound...]
        if words.hasSuffix(" (\(errno))") { words = words.dropLast(errno.count + 3) }
        guard let end = words.lastIndex(of: ";") else { return nil }
        func sentence(_ text: some StringProtocol) -> String {
            let text = text.drop { $0 == " " }
            return text.prefix(1).uppercased() + text.dropFirst() + "."
        }
        return CommandError(
            command, errno,
            known: Cause(
                sentence(words[..<end]), sentence(words[words.index(after: end)...]),
                key: of(command, errno)?.causes.first?.key))
    }

    /// Of an error number that is not among those which the driver and the hypervisor are known to return for the command.
    ///
    /// - Parameters:
    ///   - command: nil: none of the commands returns it.
    ///   - text: the C library's for it.
    package static func unexplained(_ command: String?, _ errno: String, text: String? = nil) -> CommandError {
        let known = all.filter { $0.command == command }.map(\.errno)
        return CommandError(
            command ?? "", errno,
            Cause(
                "\(errno)\(text.map { " (\($0))" } ?? ""): neither the driver nor the hypervisor has a reason of its own for this number"
                    + "\(command.map { " with \($0)" } ?? "").",
                "It is probably Linux's own: look into the kernel's log (dmesg) for what was printed meanwhile."
                    + (known.isEmpty ? "" : " Known reasons of \(command ?? "") have \(known.joined(separator: ", ")).")
            ))
    }

    /// The daemon's words for a refusal that the program cannot be the reason of, see `Supervision.Refusal.atRest`.
    package static let refusedAtRest = "the driver refused it although the inmate does not run"

    private static func atRest(_ command: String, _ errno: String) -> CommandError {
        CommandError(
            command, errno,
            Cause(
                "The driver refused it although the program does not run: the program is not the reason.",
                "Look into the kernel's log (dmesg): another module, a security policy or another tool forbids it."))
    }

    /// A command as somebody writes it: `create`, `cell create`, `JAILHOUSE_CELL_CREATE:`; nil: it is none.
    ///
    /// - Parameter words: the first words of a line; what is left follows the command.
    package static func command(_ words: [String]) -> (name: String, rest: [String])? {
        var words = words
        if words.first?.lowercased() == "jailhouse" { words.removeFirst() }
        if words.first?.lowercased() == "cell" { words.removeFirst() }
        guard var name = words.first?.lowercased() else { return nil }
        if name.hasSuffix(":") { name.removeLast() }
        for prefix in ["jailhouse_", "cell_"] where name.hasPrefix(prefix) { name.removeFirst(prefix.count) }
        if ["stop", "shut-down"].contains(name) { name = "shutdown" }
        return commands.contains(name) ? (name, Array(words.dropFirst())) : nil
    }
}

extension CommandError.Cause {
    package var explanation: Explanation { Explanation(summary: what, advice: advice, rule: rule) }

    /// With the command's name before it.
    package func explanation(of command: String) -> Explanation {
        Explanation(summary: "\(command): \(what)", advice: advice, rule: rule)
    }
}

extension Explanation {
    /// The same with its rule only if that finds something in the files.
    ///
    /// - Parameter findings: the rules that do; nil: they were not checked.
    package func naming(onlyOf findings: Set<String>?) -> Explanation {
        guard let findings, let rule, !findings.contains(rule) else { return self }
        var copy = self
        copy.rule = nil
        return copy
    }
}

extension RefusedEnable {
    /// Whether what the console says of the enable fits a refusal there.
    func mayEnd(at stage: CommandError.Stage) -> Bool {
        switch stage {
        case .anywhere: true
        // the console would be about an earlier one
        case .driver, .excludedByDaemon: false
        case .early: unit == nil && !hasCPUFailed
        case .cpu: cpu != nil
        case .unit(let name): cpu == nil && unit?.hasPrefix(name) == true
        }
    }
}

extension Surroundings {
    /// Whether a cause can be it: the cell has what it is about, or is not known.
    fileprivate func admits(_ cause: CommandError.Cause) -> Bool {
        guard let cell, cause.rule == "JH0610" else { return true }
        return !cell.cacheRegions.isEmpty || cell.pciDevices.contains { $0.kind == .sharedMemory }
    }
}
