// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Glibc
import SystemCalls
import Synchronization
import SystemPackage

/// Another machine, whose daemon is reached through ssh: there `jailhouse-ctl bridge` connects its standard input and
/// output with the daemon's socket, as `systemctl --host` does it.
struct RemoteHost: Hashable {
    /// `[USER@]HOST`
    let name: String
    /// Whether ssh may ask for a password, and try for long.
    private var mayAsk = true

    /// The same for a completion, which must neither ask nor wait.
    var withoutQuestions: RemoteHost {
        var quiet = self
        quiet.mayAsk = false
        return quiet
    }

    /// Nil for a name that ssh could take for an option, or that is none.
    init?(_ name: String) {
        guard !name.isEmpty, !name.hasPrefix("-"),
            name.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control && $0 != " " })
        else { return nil }
        self.name = name
    }

    /// What is run: `ssh`, or `$JAILHOUSE_SSH`.
    static var program: String {
        guard let value = getenv("JAILHOUSE_SSH") else { return "ssh" }
        let program = String(cString: value)
        return program.isEmpty ? "ssh" : program
    }

    /// Starts ssh. Whether it reaches the daemon is known with the first reply; until then it may ask for a password, on
    /// the terminal.
    ///
    /// - Parameter socket: the daemon's, on the other machine; nil: the usual ones.
    func connect(socket: String?) throws(ControlError) -> ControlClient {
        do throws(SystemCallError) {
            let ends = try SystemCall.socketPair()
            let own = OwnedDescriptor(adopting: ends.first)
            let other = OwnedDescriptor(adopting: ends.second)
            try start(socket: socket, on: other.rawValue)
            return ControlClient(adopting: own)
        } catch {
            throw .connection(error)
        }
    }

    private func start(socket: String?, on descriptor: CInt) throws(SystemCallError) {
        let limits = mayAsk ? [] : ["-o", "BatchMode=yes", "-o", "ConnectTimeout=2", "-q"]
        var words = [Self.program, "-T", "-x"] + limits + ["--", name, "jailhouse-ctl", "bridge"]
        // a shell of the other machine reads it
        if let socket { words += ["--socket", Text.shellWord(socket)] }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, descriptor, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, descriptor, STDOUT_FILENO)
        let arguments = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var child: pid_t = 0
        let failure = posix_spawnp(&child, words[0], &actions, nil, arguments, environ)
        guard failure == 0 else {
            throw SystemCallError(call: "posix_spawn", subject: words[0], errno: Errno(rawValue: failure))
        }
        Self.children.withLock { children in
            if children.isEmpty { atexit { RemoteHost.endAll() } }
            children.append(child)
        }
    }

    private static let children = Mutex<[pid_t]>([])

    /// Ends what was started, also one that hangs: nobody waits for its answer any more.
    private static func endAll() {
        for child in children.withLock({ $0 }) { kill(child, SIGTERM) }
    }
}
