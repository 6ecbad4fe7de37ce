// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import ConfigurationRules
import CellDefinition

struct Map: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "map",
        abstract: "Draw a machine's memory and what its cells have of it.",
        discussion: """
            Shows physical memory with what Linux, the hypervisor and each cell have there, then each cell as it \
            sees memory itself: its regions, its communication region and what is loaded into it. What 'check' \
            finds wrong about memory has a number, in the map and below it. Needs no daemon and touches nothing.

            With --format svg: a picture for documents, light or dark as its reader prefers. With --json: an \
            object with physical, cells and findings.

            Example: jailhouse-ctl map q35.toml rtems.toml --format svg -o map.svg
            """
    )

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case svg
    }

    @OptionGroup var options: FileOptions

    @Option(help: "What to draw with: text or svg.")
    var format = Format.text

    @Option(help: ArgumentHelp("Columns of the text (default: the terminal's).", valueName: "columns"))
    var width: Int?

    @Option(name: .shortAndLong, help: "The result (default: standard output).", completion: .file())
    var output: String?

    @Argument(
        help: "A system and its cells, source or compiled.", completion: .file(extensions: ["toml", "cell", "system"]))
    var files: [String]

    func validate() throws {
        if let width, !(TerminalMap.leastWidth...1000).contains(width) {
            throw ValidationError("--width is \(TerminalMap.leastWidth) to 1000")
        }
    }

    func run() throws {
        let map = try MapInput(Checkup(files, on: nil)).map()
        let output = OutputFile(output)
        try output.write(Array(try text(of: map, toTerminal: output.path == nil).utf8), to: options.screen)
    }

    private func text(of map: MemoryMap, toTerminal: Bool) throws -> String {
        if options.screen.json { return try JSON.text(MapReport(map)) + "\n" }
        switch format {
        case .svg: return SVGMap(map).text()
        case .text:
            return TerminalMap(
                map: map, width: width ?? Terminal.width, style: toTerminal ? options.screen.style : .plain,
                alphabet: Terminal.alphabet
            ).text()
        }
    }
}
