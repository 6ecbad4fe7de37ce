// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A booted systemd with the project installed in it and a simulated machine: see `container.sh`.
final class Container: Sendable {
    /// The one that the running suite has.
    @TaskLocal static var current: Container?

    private let directory: TemporaryDirectory
    private let script: Program
    private let initProcess: String

    /// - Parameters:
    ///   - packages: a directory of Debian packages, which are then there to be installed; nil: the project is installed.
    ///   - root: a tar file of its root; nil: this machine's.
    static func boot(packages: URL? = nil, root: URL? = nil) async throws -> Container {
        let directory = try TemporaryDirectory()
        let script = try Program(
            asRoot + (root.map { ["env", "JAILHOUSED_CONTAINER_ROOT=\($0.path)"] } ?? []) + [
                Place.source.appending(path: "Tests/Integration/container.sh").path, directory.url.path,
                Place.programs.path,
            ] + (packages.map { [$0.path] } ?? [])
        )
        try await eventually("systemd is up: \(script.errors)", within: .seconds(120)) {
            script.output.contains("ready") || !script.isRunning
        }
        guard let identifier = script.output.split(whereSeparator: \.isWhitespace).last, script.isRunning else {
            throw TooLate(description: "the container ended: \(script.errors)")
        }
        return Container(directory: directory, script: script, initProcess: String(identifier))
    }

    private init(directory: TemporaryDirectory, script: Program, initProcess: String) {
        self.directory = directory
        self.script = script
        self.initProcess = initProcess
    }

    /// What stands on its console, and what the simulated machine reports.
    var console: String {
        (try? String(contentsOf: directory.url.appending(path: "console"), encoding: .utf8)) ?? ""
    }

    /// Runs `systemctl poweroff` and waits until it is off; all that is left is ``end()``.
    ///
    /// - Returns: what the console showed meanwhile.
    func powerOff() async throws -> String {
        let before = console.count
        // the connection may end sooner than the command
        _ = try await run("\(Self.loudly) systemctl poweroff")
        try await eventually("it is off: \(console)", within: .seconds(60)) { console.contains("Powering off.") }
        return String(console.dropFirst(before))
    }

    /// Runs `systemctl VERB` and waits for the last message of systemd.
    ///
    /// - Returns: what the console showed meanwhile.
    func leave(by verb: String) async throws -> String {
        let before = console.count
        // the connection may end sooner than the command
        _ = try await run("\(Self.loudly) systemctl \(verb)")
        let last = ["Powering off.", "Rebooting.", "Halting system.", "Rebooting with kexec."]
        try await eventually("it has left: \(console)", within: .seconds(60)) {
            let shown = console.dropFirst(before)
            return last.contains { shown.contains($0) }
        }
        return String(console.dropFirst(before))
    }

    /// Powers it off.
    func end() async throws {
        script.closeInput()
        _ = try await script.end()
    }

    /// Runs a shell command in it, as root.
    func run(_ command: String) async throws -> Ended {
        try await Program.run(Self.asRoot + ["nsenter", "--all", "--target", initProcess, "sh", "-c", command])
    }

    /// Runs a shell command in it that must succeed; its output without the last line break.
    @discardableResult func output(_ command: String) async throws -> String {
        let ended = try await run(command)
        guard ended.status == 0 else {
            let journal = try await run("journalctl --output=short-precise --no-hostname --lines=40")
            throw CommandFailed(command: command, ended: ended, journal: journal.output)
        }
        return ended.output.trimmingCharacters(in: .newlines)
    }

    /// The journal ends with the machine: what systemd itself could not do is to be on the console.
    private static let loudly = "systemctl log-target console;"

    private static var asRoot: [String] { geteuid() == 0 ? [] : ["sudo", "--non-interactive"] }
}

struct CommandFailed: Error, CustomStringConvertible {
    let command: String
    let ended: Ended
    /// Its last lines.
    let journal: String
    var description: String { "\(command): status \(ended.status)\n\(ended.output)\(ended.errors)\n\(journal)" }
}
