// SPDX-License-Identifier: Apache-2.0

import ConfigurationRules
import ControlInterface
import FailureReports
import SystemCalls

/// Watches what the kernel's log says while a command is given, for the case that it is refused. The daemon may not read
/// that log; the user may be allowed to.
struct RefusedCommand {
    private let log: Result<ArrivingLines, SystemCallError>?

    /// - Parameter log: nil: the command is given on another machine.
    init(log path: String?) {
        log = path.map { path in
            do throws(SystemCallError) { return .success(try ArrivingLines(path)) } catch { return .failure(error) }
        }
    }

    init(_ options: DaemonOptions) { self.init(log: options.isRemote ? nil : "/dev/kmsg") }

    /// The failure with what the driver wrote meanwhile, and with the lines of the configuration that it may be about.
    ///
    /// - Parameters:
    ///   - files: asked for when the hypervisor or the driver has refused something.
    ///   - enable: how far a refused enable came.
    func explained(
        _ failure: CommandFailure, _ files: () -> DumpFiles, _ enable: () -> RefusedEnable?
    ) -> CommandFailure {
        guard let refusal = failure.refusal, let log else { return failure }
        // of a program that does not run no cause is known but what the message says
        var lines =
            failure.message.contains(CommandError.refusedAtRest)
            ? []
            : Self.line(ofKnown: failure.message, refusal, files)
                ?? files().lines(
                    about: refusal.command, refusal.errno, of: refusal.cell,
                    refusal.command == "enable" ? enable() : nil)
        switch log {
        case .success(let log): lines += Self.driverLines((try? log.take()) ?? [])
        case .failure(let error):
            lines.append("the kernel's log, which may have a line about it, cannot be read: \(error.errno)")
        }
        var explained = failure
        explained.message = ([failure.message] + lines).joined(separator: "\n  ")
        return explained
    }

    /// Of a message that says which cause it was: the line that it is about, and no other causes.
    ///
    /// - Returns: nil when it does not say so.
    private static func line(
        ofKnown message: String, _ refusal: CommandFailure.Refusal, _ files: () -> DumpFiles
    ) -> [String]? {
        guard let known = CommandError.known(refusal.command, refusal.errno, message: message) else { return nil }
        return files().lines(about: known, of: refusal.cell)
    }

    /// The driver's lines with what they mean.
    ///
    /// - Parameter records: as `/dev/kmsg` has them: `3,1234,5678901,-;jailhouse: Not a cell configuration`.
    static func driverLines(_ records: [String]) -> [String] {
        records.flatMap { record -> [String] in
            guard let mark = record.firstIndex(of: ";") else { return [] }
            let line = String(record[record.index(after: mark)...])
            guard line.contains("ailhouse") || line.hasPrefix("Cannot assign CPU 0") else { return [] }
            let meanings = ConsoleText(line + "\n").remarks.map { "\($0.explanation.summary) \($0.explanation.advice)" }
            return ["kernel: \(line)"] + meanings.map { "  \($0)" }
        }
    }
}

extension DaemonOptions {
    /// Calls a method that gives a command to the driver.
    ///
    /// - Parameter system: the system configuration that it is about; nil: that of the daemon.
    func command<Method: ManagerMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters, system: String? = nil
    ) throws -> Method.Reply {
        let watch = RefusedCommand(self)
        do {
            return try daemon.call(method, parameters)
        } catch let failure as CommandFailure {
            throw watch.explained(failure) {
                DumpFiles(of: daemon)
            } _: {
                refusedEnable
            }
        }
    }

    /// How far the last enable came, if it was refused, as far as the console says.
    private var refusedEnable: RefusedEnable? {
        var text = ""
        try? daemon.forEach(Manager.Console.self, .init(follow: false)) { text += $0.text }
        return ConsoleText(text).refusedEnable
    }
}

extension DumpFiles {
    /// The line of what a known cause is about; none where the files do not have it.
    func lines(about known: CommandError, of cell: String?) -> [String] {
        known.keys.compactMap { line(of: $0, in: cell) }.map { "it is about \($0)" }
    }

    /// What in the files an error number may be about: the findings of the rules that its causes name; else the line of
    /// what the command needs.
    ///
    /// - Parameter enable: how far a refused enable came; nil: it is not known.
    func lines(
        about command: String, _ errno: String, of cell: String?, _ enable: RefusedEnable? = nil
    ) -> [String] {
        guard let whole = CommandError.of(command, errno) else { return [] }
        let error = whole.narrowed(by: surroundings(of: cell), enable, isDaemons: true)
        let rules = Set(error.causes.compactMap(\.rule))
        let found = findings(about: cell).filter { $0.rule.map(rules.contains) ?? false }
        guard found.isEmpty else { return found.map { "\($0)" } }
        return error.causes.map { cause in
            guard let key = cause.key, let line = line(of: key, in: cell) else {
                return "it may be: \(cause.what) \(cause.advice)"
            }
            return "it may be about \(line): \(cause.what) \(cause.advice)"
        }
    }
}
