// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// What is done to a machine, and what must come of it on every machine with Jailhouse: a file of Tests/Programs/scenarios.
///
///     title = "a port that is not listed"
///     cells = ["misbehave"]                   # definitions of configs/cells
///     command-line = "mode=port-write"        # instead of the one in their images
///     cpus = [3]                              # instead of the first cell's
///     architecture = "arm64"                  # of the machine; x86, when nothing is said
///
///     [arm64]                                 # played on an Arm64 machine, too, with other cells, command line and CPUs
///     cells = ["hello"]                       # in the same order; the same ones, when nothing is said
///
///     [[step]]
///     do = "create"                           # load, start, shut-down, destroy; inject
///     cell = "misbehave"                      # the first, when nothing is said
///     answer = "EPERM"                        # 0, when nothing is said
///
///     [[step]]                                # waits for all of this
///     state = "failed"                        # or "absent"
///     failed-cpus = [3]
///     console = ["FATAL: Invalid PIO write"]  # regular expressions: lines since the scenario's begin, in this order;
///                                             # {cell} is the step's cell by its name
///     arm64-console = ["Unhandled data write"]    # instead, on an Arm64 machine
struct Scenario {
    struct Step {
        var line: Int
        var cell: String
        var kind: Kind
    }

    enum Kind {
        /// The driver's answer: an errno's name, or 0.
        case command(Command, answer: String)
        /// Only the simulated machine can do that.
        case inject([String])
        case expectation(Expectation)
    }

    enum Command: String, CaseIterable {
        case create, load, start, destroy
        case shutDown = "shut-down"
    }

    struct Expectation {
        /// As in sysfs; nil: any.
        var state: String?
        var failedCPUs: [Int]?
        var console: [String] = []
        var limit = Duration.seconds(20)
    }

    var name: String
    var title: String
    var cells: [String]
    var commandLine: String?
    var cpus: [Int]?
    /// Of the machines that it is for.
    var architectures: Set<Architecture>
    var steps: [Step] = []

    var injects: Bool {
        steps.contains { if case .inject = $0.kind { true } else { false } }
    }

    /// - Parameter architecture: of the machine that it is to be played on.
    init(toml: String, path: String, for architecture: Architecture) throws(ConfigurationError) {
        let document = try SourceDocument(toml: toml, path: path)
        let file = path.split(separator: "/").last.map(String.init) ?? path
        name = file.hasSuffix(".toml") ? String(file.dropLast(5)) : file
        title = try document.root.required("title").string()
        let cells = try Scenario.texts(document.root.required("cells"))
        let own = try document.root.value("architecture").map { (value) throws(ConfigurationError) in
            try value.word(of: ["x86", "arm64"])
        }
        architectures = [own == "arm64" ? .arm64 : .x86]
        let other = try document.root.table("arm64")
        if other != nil { architectures.insert(.arm64) }
        let others = try Variant(other)
        let usual = try Variant(document.root)
        let isOther = architecture == .arm64 && other != nil
        let names = isOther ? others.cells ?? cells : cells
        guard names.count == cells.count else {
            throw document.root.asValue.error(.invalidValue, "\"cells\" of [arm64] are not as many as the others")
        }
        self.cells = names
        commandLine = isOther ? others.commandLine ?? usual.commandLine : usual.commandLine
        cpus = isOther ? others.cpus ?? usual.cpus : usual.cpus
        let words = Command.allCases.map(\.rawValue) + ["inject"]
        for table in try document.root.tables("step") {
            let cell = try table.value("cell").map { (value) throws(ConfigurationError) in
                try value.word(of: cells)
            }
            let word = try table.value("do").map { (value) throws(ConfigurationError) in try value.word(of: words) }
            let index = cell.flatMap { cells.firstIndex(of: $0) } ?? 0
            steps.append(
                Step(
                    line: table.asValue.line, cell: names.indices.contains(index) ? names[index] : "",
                    kind: try Scenario.kind(word, table, architecture)))
        }
        try document.finish()
    }

    /// What a scenario, or its part for another architecture, says of cells.
    private struct Variant {
        var cells: [String]?
        var commandLine: String?
        var cpus: [Int]?

        init(_ table: SourceTable?) throws(ConfigurationError) {
            cells = try table?.value("cells").map { (value) throws(ConfigurationError) in try Scenario.texts(value) }
            commandLine = try table?.value("command-line").map { (value) throws(ConfigurationError) in
                try value.string()
            }
            cpus = try table?.value("cpus").map { (value) throws(ConfigurationError) in
                try value.list().map { (value) throws(ConfigurationError) in try value.number() }
            }
        }
    }

    private static func kind(
        _ word: String?, _ table: SourceTable, _ architecture: Architecture
    ) throws(ConfigurationError) -> Kind {
        if let word, let command = Command(rawValue: word) {
            let answer = try table.value("answer").map { (value) throws(ConfigurationError) in try value.string() }
            return .command(command, answer: answer ?? "0")
        }
        if word != nil { return .inject(try texts(table.required("fault"))) }
        var expectation = Expectation()
        expectation.state = try table.value("state").map { (value) throws(ConfigurationError) in try value.string() }
        if let cpus = table.value("failed-cpus") {
            expectation.failedCPUs = try cpus.list().map { (value) throws(ConfigurationError) in try value.number() }
        }
        if let console = table.value("console") { expectation.console = try texts(console) }
        if let console = table.value("arm64-console"), architecture == .arm64 {
            expectation.console = try texts(console)
        }
        if let within = table.value("within") { expectation.limit = try within.duration() }
        for pattern in expectation.console where (try? Regex(pattern.replacing("{cell}", with: ""))) == nil {
            throw table.asValue.error(.invalidValue, "\"\(pattern)\" is no regular expression")
        }
        return .expectation(expectation)
    }

    private static func texts(_ value: SourceValue) throws(ConfigurationError) -> [String] {
        if let text = try? value.string() { return [text] }
        return try value.list().map { (value) throws(ConfigurationError) in try value.string() }
    }
}
