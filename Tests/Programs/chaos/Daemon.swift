// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import SystemCalls
import SystemPackage

/// The daemon could not begin, said so and ended.
struct GaveUp: Error {}

/// The daemon's process, and its successors.
final class Daemon: Sendable {
    private let arguments: [String]
    private let environment: [String: String]
    private let story: Story
    private let current = Mutex<Process?>(nil)
    private let saying = Mutex(Saying())

    private struct Process {
        let identifier: pid_t
        /// Signalled when all that it said has been read.
        let isSilent = DispatchSemaphore(value: 0)
    }

    private struct Saying {
        var stateIsUnwritten = false
    }

    /// - Parameter environment: in addition to this program's.
    init(arguments: [String], environment: [String: String], story: Story) {
        self.arguments = arguments
        self.environment = environment
        self.story = story
    }

    var identifier: pid_t? { current.withLock { $0?.identifier } }

    /// Starts one; what it says on its standard error goes into the story.
    func start() throws {
        var ends: [CInt] = [-1, -1]
        // close-on-exec from the first moment
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        try SystemCall.result(of: "socketpair") { socketpair(AF_UNIX, type, 0, &ends) }
        let listening = OwnedDescriptor(adopting: ends[0])
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        // what interrupts this program is not for the daemon
        posix_spawnattr_setpgroup(&attributes, 0)
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let words = arguments.map { strdup($0) } + [nil]
        let assignments = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { (words + assignments).forEach { free($0) } }
        var identifier: pid_t = 0
        let failure = posix_spawn(&identifier, arguments[0], &actions, &attributes, words, assignments)
        guard failure == 0 else {
            throw SystemCallError(call: "posix_spawn", subject: arguments[0], errno: Errno(rawValue: failure))
        }
        story.say("daemon \(identifier) is started")
        let process = Process(identifier: identifier)
        current.withLock { $0 = process }
        saying.withLock { $0 = Saying() }
        let number = listening.release()
        Thread.detachNewThread { [self] in
            listen(OwnedDescriptor(adopting: number), process.identifier)
            process.isSilent.signal()
        }
    }

    /// Whether the last of them said that it could not write its state file, so that its successor cannot know what
    /// was asked for.
    var saidThatItWillForget: Bool { saying.withLock { $0.stateIsUnwritten } }

    /// - Parameter signal: SIGKILL is what a crash looks like. Returns when it is gone, and heard out.
    func end(_ signal: CInt) throws {
        guard let process = current.withLock({ $0 }) else { return }
        let identifier = process.identifier
        story.say("daemon \(identifier) gets signal \(signal)")
        kill(identifier, signal)
        var status: CInt = 0
        while waitpid(identifier, &status, 0) == -1 && errno == EINTR {}
        process.isSilent.wait()
        current.withLock { $0 = nil }
    }

    /// - Throws: ``Wrong`` when it has ended by itself; ``GaveUp`` when it did so with an exit status of 1, as a
    ///   daemon that cannot begin does.
    func noticeEnd() throws {
        guard let identifier else { return }
        var status: CInt = 0
        guard waitpid(identifier, &status, WNOHANG) == identifier else { return }
        current.withLock { $0 = nil }
        if status == 1 << 8 { throw GaveUp() }
        let how = status & 0x7f == 0 ? "with status \(status >> 8 & 0xff)" : "by signal \(status & 0x7f)"
        throw Wrong("daemon \(identifier) ended by itself, \(how)")
    }

    private func listen(_ descriptor: consuming OwnedDescriptor, _ identifier: pid_t) {
        var rest: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = buffer.withUnsafeMutableBytes { (try? SystemCall.read(descriptor.rawValue, into: $0)) ?? 0 }
            guard count > 0 else { return }
            rest += buffer[..<count]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: rest[..<end], as: UTF8.self)
                if line.contains("the state file") {
                    saying.withLock { saying in
                        if line.contains("cannot write the state file") { saying.stateIsUnwritten = true }
                        if line.contains("is writable again") { saying.stateIsUnwritten = false }
                    }
                }
                // the cells share a serial port, which is said at each start
                if !line.contains("warning JH06") { story.say("  \(identifier): \(line)") }
                rest.removeSubrange(...end)
            }
        }
    }

    /// What it uses: kilobytes of resident memory, and descriptors; nil when it is not there.
    var resources: (memory: Int, descriptors: Int)? {
        guard let identifier,
            let status = try? String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let memory = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }),
            let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(identifier)/fd").count
        else { return nil }
        return (memory, descriptors)
    }
}
