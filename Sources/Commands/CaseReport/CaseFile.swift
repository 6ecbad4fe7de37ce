// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ConfigurationRules
import ControlInterface
import SystemCalls

/// What a report is made of: everything the daemon and this machine say about one cell or all of them.
struct CaseFile {
    struct Cell {
        var details: Manager.Details
        /// The latest first.
        var failures: [Manager.Failure]
        var statistics: [Manager.Statistic]
        var region: Manager.Region?
        /// Its definition as text; nil when it has none.
        var definition: ConfigurationText?
        /// Of the definition, as far as this user may read them.
        var files = DumpFiles()
        var journal = JournalEntries(lines: "")

        var name: String { details.cell.name }
    }

    /// A file of the configuration.
    struct ConfigurationText {
        var path: String
        /// As TOML; nil when it cannot be read.
        var text: String?
        /// Why not.
        var problem: String?
    }

    var made: Moment
    var machine: Manager.Machine
    var cells: [Cell]
    /// The names of all cells, the root cell's among them.
    var cellNames: [String]
    var console: [ConsoleLine]
    var consoleState: String?
    var system: ConfigurationText?
    var host: HostFacts
    var map: MapOutcome
    /// Of all cells and the system, as far as this user may read them.
    var files = DumpFiles()
    /// What `check` says of the files, as it prints it.
    var findings: [String]

    /// Text that can be drawn, or why not.
    enum MapOutcome {
        case drawn(svg: String)
        case none(because: String)
    }
}

extension CaseFile {
    /// - Parameter name: of a cell; nil for all.
    /// - Throws: ``CommandFailure``.
    init(from daemon: Daemon, about name: String?) throws {
        made = .now
        let list = try daemon.call(Manager.List.self)
        machine = list.machine
        // an unknown name is answered with the nearest one
        if let name { _ = try daemon.call(Manager.Describe.self, .init(cell: name)) }
        let chosen = list.cells.map(\.name).filter { name == nil || $0 == name }
        let files = DumpFiles(of: daemon)
        self.files = files
        cells = try chosen.map { try Self.cell($0, files, daemon) }
        var lines = ConsoleLines()
        var console: [ConsoleLine] = []
        var state: String?
        try daemon.forEach(Manager.Console.self, .init(follow: false)) { reply in
            console += lines.take(reply.text, time: Moment(known: reply.at))
            if reply.text.isEmpty { state = reply.state }
        }
        self.console = console + lines.end()
        consoleState = state
        host = HostFacts()
        system = list.machine.system.map(ConfigurationText.init)
        let paths =
            [system, cells.count == 1 ? cells[0].definition : nil].compactMap(\.self)
            + (cells.count == 1 ? [] : cells.compactMap(\.definition))
        let readable = paths.filter { $0.text != nil }.map(\.path)
        let checkup = Checkup(readable, on: nil)
        findings = checkup.files().flatMap(\.findings).map { $0.text(.plain) }
        var names = list.cells.map(\.name)
        if let system, case .system(let descriptor)? = try? DaemonFile(InputFile(system.path)) {
            names.append(descriptor.rootCell.name)
        }
        cellNames = names
        map = Self.map(of: checkup, cells, isEmpty: readable.isEmpty)
    }

    private static func cell(_ name: String, _ files: DumpFiles, _ daemon: Daemon) throws -> Cell {
        let details = try daemon.call(Manager.Describe.self, .init(cell: name)).details
        func optional<Value>(_ body: () throws -> Value) -> Value? { try? body() }
        return Cell(
            details: details,
            failures: (optional { try daemon.call(Manager.Failures.self, .init(cell: name)).failures } ?? [])
                .reversed(),
            statistics: optional { try daemon.call(Manager.Statistics.self, .init(cell: name)).statistics } ?? [],
            region: optional { try daemon.call(Manager.CommunicationRegion.self, .init(cell: name)).region },
            definition: details.definition.map(ConfigurationText.init),
            files: files, journal: JournalEntries(ofCell: name))
    }

    private static func map(of checkup: Checkup, _ cells: [Cell], isEmpty: Bool) -> MapOutcome {
        if isEmpty { return .none(because: "no file of the configuration could be read") }
        do {
            let accesses = cells.flatMap { cell in
                cell.failures.prefix(1).compactMap { FailedAccess($0, of: cell.name) }
            }
            return .drawn(svg: SVGMap(try MapInput(checkup).map(accesses: accesses)).text())
        } catch {
            return .none(because: (error as? CommandFailure)?.message ?? "\(error)")
        }
    }
}

extension CaseFile.ConfigurationText {
    /// Reads a file; what is compiled becomes TOML.
    init(path: String) {
        self.path = path
        do {
            let input = try InputFile(path)
            let text =
                ConfigurationFile.isBinary(input.contents)
                ? try ConfigurationFile(contents: input.contents, path: path).toml()
                : try ConfigurationFile.text(of: input.contents, path: path)
            self.text = text
        } catch {
            problem = (error as? CommandFailure)?.message ?? "\(error)"
        }
    }

    /// The text without what follows a `#`: comments may name anything. What is no TOML, or has
    /// strings whose text is not what they mean, is left out.
    var withoutComments: String? {
        text.map { text in
            guard let secrets = ConfigurationSecrets(text),
                secrets.values.allSatisfy({ Pseudonyms.finds($0, in: text) })
            else { return "# left out: it is written in a way in which names cannot be hidden" }
            return
                text.split(separator: "\n", omittingEmptySubsequences: false).compactMap { line -> String? in
                    let code = Self.code(of: line)
                    return code.isEmpty && !line.isEmpty ? nil : code
                }.joined(separator: "\n")
        }
    }

    private static func code(of line: Substring) -> String {
        var quote: Character?
        var isEscaped = false
        for index in line.indices {
            let character = line[index]
            if isEscaped {
                isEscaped = false
            } else if let open = quote {
                if character == "\\" && open == "\"" { isEscaped = true }
                if character == open { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character == "#" {
                let code = line[..<index]
                return String(code.prefix(code.count - code.reversed().prefix { $0 == " " || $0 == "\t" }.count))
            }
        }
        return String(line)
    }
}
