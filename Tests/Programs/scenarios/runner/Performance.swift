// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import SystemCalls

/// One scenario on one machine.
struct Performance {
    let scenario: Scenario
    let target: Target
    private let definitions: [String: CellDefinition]

    /// Where the machine does not do what the scenario says.
    struct Difference: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameters:
    ///   - definitions: the directory of the cells' definitions.
    ///   - inmates: where the images are.
    init(_ scenario: Scenario, on target: Target, definitions: String, inmates: String) throws {
        self.scenario = scenario
        self.target = target
        var found: [String: CellDefinition] = [:]
        for cell in scenario.cells {
            let path = "\(definitions)/\(cell).toml"
            let text = String(decoding: try SystemCall.contents(ofFile: path, limit: 1 << 20), as: UTF8.self)
            found[cell] = try CellDefinition(
                toml: Performance.adapt(
                    text, inmates, scenario.commandLine, cpus: cell == scenario.cells.first ? scenario.cpus : nil),
                path: path,
                readFile: { try SystemCall.contents(ofFile: $0, limit: 4 << 20) })
        }
        self.definitions = found
    }

    /// The images from where they are, with another command line and other CPUs.
    private static func adapt(_ text: String, _ inmates: String, _ commandLine: String?, cpus: [Int]?) -> String {
        let installed = "\"/usr/lib/jailhoused/inmates/"
        var lines: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if commandLine != nil, line.hasPrefix("command-line") { continue }
            if let cpus, line.hasPrefix("cpus = ") {
                lines.append("cpus = \(cpus)")
                continue
            }
            guard line.hasPrefix("path = \(installed)") else {
                lines.append(String(line))
                continue
            }
            lines.append("path = \"\(inmates)/" + line.dropFirst("path = \(installed)".count))
            if let commandLine {
                lines.append("command-line = \"\(commandLine)\"\ncommand-line-address = 0x1000")
            }
        }
        return lines.joined(separator: "\n")
    }

    /// - Throws: ``Difference``.
    func play() throws {
        target.forget()
        defer { clearUp() }
        for step in scenario.steps {
            do {
                try play(step)
            } catch let difference as Difference {
                throw Difference(description: "line \(step.line): \(difference)")
            }
        }
    }

    private func play(_ step: Scenario.Step) throws {
        switch step.kind {
        case .command(let command, let expected):
            guard let cell = definitions[step.cell] else { return }
            let answer = try target.perform(command, cell)
            guard answer == expected else {
                throw Difference(description: "\(command.rawValue) of \(step.cell) answers \(answer), not \(expected)")
            }
        case .inject(let words): try target.inject(words, into: name(of: step.cell))
        case .expectation(let expectation): try waitFor(expectation, of: step.cell)
        }
    }

    private func waitFor(_ expectation: Scenario.Expectation, of cell: String) throws {
        let deadline = ContinuousClock.now + expectation.limit
        while let missing = missing(expectation, cell) {
            guard ContinuousClock.now < deadline else { throw Difference(description: missing) }
            SystemCall.sleep(for: .milliseconds(5))
        }
    }

    /// As the machine knows it.
    private func name(of cell: String) -> String { definitions[cell]?.name ?? cell }

    /// What is not yet as expected; nil: all is.
    private func missing(_ expectation: Scenario.Expectation, _ cell: String) -> String? {
        let name = name(of: cell)
        let seen = target.look(at: name)
        if let state = expectation.state, state != seen?.state ?? "absent" {
            return "the state of \(cell) is \(seen?.state ?? "absent"), not \(state)"
        }
        if let cpus = expectation.failedCPUs, cpus != seen?.failedCPUs ?? [] {
            return "the failed CPUs of \(cell) are \(seen?.failedCPUs ?? []), not \(cpus)"
        }
        target.listen()
        var rest = target.printed[...]
        for pattern in expectation.console.map({ $0.replacing("{cell}", with: name) }) {
            guard let expression = try? Regex(pattern), let match = rest.firstMatch(of: expression) else {
                return "the console does not say \"\(pattern)\" in this place; it says\n" + target.printed
            }
            rest = rest[match.range.upperBound...]
        }
        return nil
    }

    /// Nothing is left for the next scenario; a cell may deny its end a few times.
    private func clearUp() {
        for cell in definitions.values.sorted(by: { $0.name < $1.name }) {
            for _ in 0..<50 where target.look(at: cell.name) != nil {
                if (try? target.perform(.destroy, cell)) == "0" { break }
                SystemCall.sleep(for: .milliseconds(100))
            }
        }
    }
}
