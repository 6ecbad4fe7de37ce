// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// A program that runs for a short time.
package enum ChildProcess {
    /// How a program ended.
    package enum End: Hashable, Sendable {
        case exited(Int32)
        case signalled(Int32)
        /// It and its children were killed.
        case timedOut
    }

    private static let pause = Duration.milliseconds(10)

    /// Runs a program without a shell and waits for it; it has our standard error, and no input.
    ///
    /// - Parameters:
    ///   - command: the program's path, and its arguments.
    ///   - timeout: how long it may run; it is in a process group of its own, which is killed then.
    /// - Throws: ``SystemCallError`` when it cannot be started.
    package static func run(_ command: [String], timeout: Duration) throws(SystemCallError) -> End {
        guard let path = command.first else {
            throw SystemCallError(call: "posix_spawn", errno: .invalidArgument)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        let words = command.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var child: pid_t = 0
        let failure = posix_spawn(&child, path, &actions, &attributes, words, environ)
        guard failure == 0 else {
            throw SystemCallError(call: "posix_spawn", subject: path, errno: Errno(rawValue: failure))
        }
        let end = ContinuousClock.now + timeout
        var status: CInt = 0
        while true {
            let ended = try SystemCall.result(of: "waitpid", on: path) { waitpid(child, &status, WNOHANG) }
            if ended == child {
                let signal = status & 0x7f
                return signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
            }
            guard ContinuousClock.now < end else { break }
            SystemCall.sleep(for: pause)
        }
        kill(-child, SIGKILL)
        try SystemCall.result(of: "waitpid", on: path) { waitpid(child, &status, 0) }
        return .timedOut
    }
}
