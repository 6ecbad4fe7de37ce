// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// What is done to a machine, and what must come of it on every machine with Jailhouse: a file of Tests/Programs/scenarios.
///
///     title = "a port that is not listed"
///     cells = ["misbehave"]                   # definitions of configs/cells
///     command-line = "mode=port-write"        # instead of the one in their images
///     cpus = [3]                              # instead of the first cell's
///
///     [[step]]
///     do = "create"                           # load, start, shut-down, destroy; inject
///     cell = "misbehave"                      # the first, when nothing is said
///     answer = "EPERM"                        # 0, when nothing is said
///
///     [[step]]                                # waits for all of this
///     state = "failed"                        # or "absent"
///     failed-cpus = [3]
///     console = ["FATAL: Invalid PIO write"]  # regular expressions: lines since the scenario's begin, in this order
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
    var steps: [Step] = []

    var injects: Bool {
        steps.contains { if case .inject = $0.kind { true } else { false } }
    }

    init(toml: String, path: String) throws(ConfigurationError) {
        let document = try SourceDocument(toml: toml, path: path)
        let file = path.split(separator: "/").last.map(String.init) ?? path
        name = file.hasSuffix(".toml") ? String(file.dropLast(5)) : file
        title = try document.root.required("title").string()
        let cells = try document.root.required("cells").list().map { (value) throws(ConfigurationError) in
            try value.string()
        }
        self.cells = cells
        commandLine = try document.root.value("command-line").map { (value) throws(ConfigurationError) in
            try value.string()
        }
        cpus = try document.root.value("cpus").map { (value) throws(ConfigurationError) in
            try value.list().map { (value) throws(ConfigurationError) in try value.number() }
        }
        let words = Command.allCases.map(\.rawValue) + ["inject"]
        for table in try document.root.tables("step") {
            let cell = try table.value("cell").map { (value) throws(ConfigurationError) in
                try value.word(of: cells)
            }
            let word = try table.value("do").map { (value) throws(ConfigurationError) in try value.word(of: words) }
            steps.append(
                Step(line: table.asValue.line, cell: cell ?? cells.first ?? "", kind: try Scenario.kind(word, table)))
        }
        try document.finish()
    }

    private static func kind(_ word: String?, _ table: SourceTable) throws(ConfigurationError) -> Kind {
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
        if let within = table.value("within") { expectation.limit = try within.duration() }
        for pattern in expectation.console where (try? Regex(pattern)) == nil {
            throw table.asValue.error(.invalidValue, "\"\(pattern)\" is no regular expression")
        }
        return .expectation(expectation)
    }

    private static func texts(_ value: SourceValue) throws(ConfigurationError) -> [String] {
        if let text = try? value.string() { return [text] }
        return try value.list().map { (value) throws(ConfigurationError) in try value.string() }
    }
}
