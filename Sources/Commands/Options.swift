// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Glibc

/// Which daemon is talked to, for a command that prints no JSON.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's socket (default: $JAILHOUSED_SOCKET, else \(Daemon.controlSocket)).", valueName: "path"),
        completion: .file())
    var socket: String?

    @Option(
        name: [.customShort("H"), .long],
        help: ArgumentHelp("Another machine, reached through ssh.", valueName: "[user@]host"))
    var host: [String] = []

    var daemon: Daemon { Daemon(socket: socket, host: host) }

    func validate() throws { try RemoteHost.validate(host) }
}

/// The options of every command that talks to the daemon: those of ``ConnectionOptions``, not as a group, since the parser
/// takes its time for each.
struct DaemonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's socket (default: $JAILHOUSED_SOCKET, else \(Daemon.controlSocket)).", valueName: "path"),
        completion: .file())
    var socket: String?

    @Option(
        name: [.customShort("H"), .long],
        help: ArgumentHelp(
            "Another machine, reached through ssh. Can be repeated, or a list with commas.", valueName: "[user@]host"))
    var host: [String] = []

    /// Set for each of several hosts.
    @Flag(help: .hidden)
    var oneOfSeveral = false

    @OptionGroup var output: OutputOptions

    /// Of this machine's daemon, where it is not the usual one.
    var namedSocket: String? { socket ?? Self.environmentSocket }

    var daemon: Daemon { Daemon(socket: socket, host: host) }

    /// Whether files that the daemon names are on another machine.
    var isRemote: Bool { !host.isEmpty }

    func validate() throws { try RemoteHost.validate(host) }

    var screen: Screen {
        Screen(json: output.json, style: .ofStandardOutput, host: oneOfSeveral ? host.first : nil)
    }

    static var environmentSocket: String? {
        guard let value = getenv("JAILHOUSED_SOCKET") else { return nil }
        let path = String(cString: value)
        return path.isEmpty ? nil : path
    }
}

/// The options of a command that talks to the daemon and works on files of its machine.
struct LocalDaemonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's socket (default: $JAILHOUSED_SOCKET, else \(Daemon.controlSocket)).", valueName: "path"),
        completion: .file())
    var socket: String?

    /// Read, to say what is to be done instead.
    @Option(name: [.customShort("H"), .long], help: .hidden)
    var host: [String] = []

    @Flag(help: .hidden)
    var oneOfSeveral = false

    @OptionGroup var output: OutputOptions

    var screen: Screen { output.screen }
    var namedSocket: String? { socket ?? DaemonOptions.environmentSocket }
    var daemon: Daemon { Daemon(chosenSocket: namedSocket) }
}

/// The options of every command.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON.")
    var json = false

    var screen: Screen { Screen(json: json, style: .ofStandardOutput) }
}

/// The options of the commands that work on files and need no daemon.
struct FileOptions: ParsableArguments {
    @OptionGroup var output: OutputOptions

    /// Accepted so that a script can hand the same options to every command.
    @Option(help: .hidden)
    var socket: String?

    var screen: Screen { output.screen }
}

extension Daemon {
    /// As options name it.
    ///
    /// - Parameter hosts: the first one counts.
    init(socket: String?, host hosts: [String]) {
        guard let name = hosts.first else {
            self.init(chosenSocket: socket ?? DaemonOptions.environmentSocket)
            return
        }
        self.init(chosenSocket: socket, host: RemoteHost(name))
    }
}

extension RemoteHost {
    /// - Throws: `ValidationError` for what is no name of a host.
    static func validate(_ names: [String]) throws {
        for name in names where RemoteHost(name) == nil { throw ValidationError("'\(name)' is no name of a host") }
    }
}

extension CompletionKind {
    /// The names of the cells that the daemon knows, that of the first host that is named; none without a daemon. Every
    /// user may ask the status socket.
    static var cellNames: CompletionKind {
        .custom { words, _, prefix in
            let host = HostWords(words).hosts.first
            guard host == nil || host.flatMap(RemoteHost.init) != nil else { return [] }
            let socket = socket(in: words)
            let daemon = Daemon(
                chosenSocket: host == nil ? socket ?? DaemonOptions.environmentSocket ?? Daemon.statusSocket : socket,
                host: host.flatMap { RemoteHost($0)?.withoutQuestions })
            let cells = (try? daemon.call(Manager.List.self).cells) ?? []
            return cells.map(\.name).filter { $0.hasPrefix(prefix) }
        }
    }

    private static func socket(in words: [String]) -> String? {
        guard let option = words.lastIndex(of: "--socket"), option + 1 < words.count else { return nil }
        return words[option + 1]
    }
}
