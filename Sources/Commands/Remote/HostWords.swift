// SPDX-License-Identifier: Apache-2.0

/// The words of a command line, apart from the hosts that they name.
struct HostWords: Hashable {
    /// In their order, each once.
    private(set) var hosts: [String] = []
    private(set) var words: [String] = []

    /// - Parameter arguments: without the program's name. `--host` and `-H` may be in front of the command or behind it,
    ///   can be repeated, and take a list with commas. What follows `--` is left alone.
    init(_ arguments: [String]) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if word == "--" {
                words += [word] + rest
                return
            }
            if word == "--host" || word == "-H", let value = rest.popFirst() {
                add(value)
            } else if word.hasPrefix("--host=") {
                add(String(word.dropFirst("--host=".count)))
            } else {
                words.append(word)
            }
        }
    }

    private mutating func add(_ value: String) {
        for host in value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        where !hosts.contains(host) {
            hosts.append(host)
        }
    }

    /// How many words name the command.
    private var commandLength: Int { words.first == "bundle" && words.count > 1 ? 2 : 1 }

    /// The command line for one host of several.
    func arguments(for host: String) -> [String] {
        words.prefix(commandLength) + ["--host", host, "--one-of-several"] + words.dropFirst(commandLength)
    }

    /// That for all of them at once, for a command that shows them side by side.
    var argumentsForAll: [String] {
        words.prefix(commandLength) + hosts.flatMap { ["--host", $0] } + words.dropFirst(commandLength)
    }
}
