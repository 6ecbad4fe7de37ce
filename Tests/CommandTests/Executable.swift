// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemCalls

/// The real jailhouse-ctl, as a child process.
struct Executable {
    struct Outcome: Hashable {
        let status: Int32
        let output: String
        let error: String
    }

    /// Beside the tests, where the build put it.
    static let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appendingPathComponent("jailhouse-ctl").path

    /// Runs a command to its end. Its output goes to files, since a pipe that nobody empties meanwhile could fill up.
    ///
    /// - Parameter output: where standard output goes instead.
    static func run(
        _ arguments: [String], input: Data = Data(), output: String? = nil, environment: [String: String] = [:]
    ) throws -> Outcome {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let outputPath = output ?? directory + "/output"
        try input.write(to: URL(fileURLWithPath: directory + "/input"))

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, directory + "/input", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, outputPath, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, directory + "/error", O_WRONLY | O_CREAT, 0o600)

        let variables = ["PATH": "/usr/bin:/bin", "TZ": "UTC"].merging(environment) { $1 }
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        let assignments = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { (words + assignments).forEach { free($0) } }
        var child: pid_t = 0
        let failure = posix_spawn(&child, path, &actions, nil, words, assignments)
        guard failure == 0 else { throw POSIXError(POSIXErrorCode(rawValue: failure) ?? .EINVAL) }
        var status: CInt = 0
        try SystemCall.result(of: "waitpid") { waitpid(child, &status, 0) }

        func contents(_ path: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        }
        let signal = status & 0x7f
        return Outcome(
            status: signal == 0 ? (status >> 8) & 0xff : -signal,
            output: output == nil ? try contents(outputPath) : "", error: try contents(directory + "/error"))
    }
}
