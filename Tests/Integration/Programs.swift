// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization
import SystemCalls
import SystemPackage
import Testing

/// Where things are: this package's sources, and the programs of the build that the tests belong to.
enum Place {
    static let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    /// The test program lies beside the package's commands.
    static let programs = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    static let inmates = source.appending(path: "inmates/build")

    static func program(_ name: String) -> String { programs.appending(path: name).path }
}

/// What a program left behind.
struct Ended {
    let status: Int32
    let output: String
    let errors: String
}

/// A running program; its output goes to files, so that it never waits for a reader.
///
/// Not Foundation's `Process`: on Linux that one takes a child for running as long as any other child, started at
/// the same time, has inherited the socket by which it notices the end.
final class Program: Sendable {
    private let child: Child
    private let name: String
    private let directory: TemporaryDirectory
    /// The end to write to; -1 when closed.
    private let input: Mutex<CInt>

    /// Starts it.
    ///
    /// - Parameters:
    ///   - arguments: the program, looked for in PATH, and its arguments.
    ///   - environment: set in addition to the tests' own.
    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        name = arguments.first ?? ""
        directory = try TemporaryDirectory()
        // close-on-exec from the first moment, which no pipe of Swift's Glibc can be
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        var ends: [CInt] = [-1, -1]
        try SystemCall.result(of: "socketpair") { socketpair(AF_UNIX, type, 0, &ends) }
        defer { close(ends[0]) }
        input = Mutex(ends[1])

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        for (descriptor, name) in [(STDOUT_FILENO, "output"), (STDERR_FILENO, "errors")] {
            let path = directory.url.appending(path: name).path
            posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }

        // a worker thread of a concurrent program blocks signals, which a child would inherit
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let words = arguments.map { strdup($0) } + [nil]
        let assignments = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { (words + assignments).forEach { free($0) } }
        var identifier: pid_t = 0
        let failure = posix_spawnp(&identifier, name, &actions, &attributes, words, assignments)
        guard failure == 0 else {
            throw SystemCallError(call: "posix_spawn", subject: name, errno: Errno(rawValue: failure))
        }
        child = Child(identifier)
    }

    deinit {
        closeInput()
        child.signal(SIGTERM)
    }

    var identifier: pid_t { child.identifier }
    var isRunning: Bool { child.status == nil }
    var output: String { text("output") }
    var errors: String { text("errors") }

    /// Writes to its standard input.
    func write(_ text: String) throws {
        let bytes = Array(text.utf8)
        try input.withLock { descriptor in
            _ = try SystemCall.result(of: "send") { send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) }
        }
    }

    /// The end of its standard input.
    func closeInput() {
        input.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }

    /// Nothing when it has ended: its number may be another's by now.
    func signal(_ number: Int32) { child.signal(number) }

    /// Waits for its end; kills it when that takes too long.
    func end(within limit: Duration = .seconds(60)) async throws -> Ended {
        do {
            try await eventually("\(name) ends", within: limit) { !isRunning }
        } catch {
            signal(SIGKILL)
            throw error
        }
        return Ended(status: child.status ?? 0, output: output, errors: errors)
    }

    /// Ends it and waits for that, so that nothing of its is left.
    func stop() {
        signal(SIGTERM)
        let deadline = ContinuousClock.now + .seconds(5)
        while isRunning {
            if ContinuousClock.now > deadline { signal(SIGKILL) }
            usleep(1000)
        }
    }

    /// Runs a program to its end.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], within limit: Duration = .seconds(60)
    ) async throws -> Ended {
        try await Program(arguments, environment: environment).end(within: limit)
    }

    private func text(_ name: String) -> String {
        (try? String(contentsOf: directory.url.appending(path: name), encoding: .utf8)) ?? ""
    }
}

/// A child process, whose end is taken notice of at once: as long as nobody has, Swift Testing waits in vain for the
/// children that it has itself, those of exit tests.
private final class Child: Sendable {
    let identifier: pid_t
    /// As waitpid(2) has it; nil while it runs.
    private let ended = Mutex<CInt?>(nil)

    init(_ identifier: pid_t) {
        self.identifier = identifier
        Thread.detachNewThread { [self] in
            var information = siginfo_t()
            while waitid(P_PID, id_t(identifier), &information, WEXITED | WNOWAIT) == -1 && errno == EINTR {}
            // from here on its number may be another's
            ended.withLock { status in
                var word: CInt = 0
                waitpid(identifier, &word, 0)
                status = word
            }
        }
    }

    /// Its exit status, or the negative number of the signal that ended it; nil while it runs.
    var status: Int32? {
        ended.withLock { $0 }.map { $0 & 0x7f == 0 ? $0 >> 8 & 0xff : -($0 & 0x7f) }
    }

    func signal(_ number: Int32) {
        ended.withLock { status in
            if status == nil { kill(identifier, number) }
        }
    }
}

/// A directory of its own for a test, removed with it.
final class TemporaryDirectory: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "jailhoused-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }
}

/// A condition did not come true in time.
struct TooLate: Error, CustomStringConvertible {
    let description: String
}

/// Waits until `condition` is true, looking at it again and again.
func eventually(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(20), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw TooLate(description: "waited \(limit) until \(what())") }
        try await Task.sleep(for: .milliseconds(5))
    }
}
