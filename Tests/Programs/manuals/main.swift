// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import FoundationEssentials
import Manuals

/// Writes the pages of the manual: make manuals. Not installed.
struct ManualPages: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "manual-pages")

    @Option(help: "The date in the pages' margins: 2026-11-26.")
    var date: String

    @Option(help: "The directory in which man1, man5, man7 and man8 are made.")
    var output: String

    @Argument(help: "What the programs print with --experimental-dump-help.")
    var dumps: [String]

    func run() throws {
        let programs = try dumps.map { try CommandTable.read(Array(Data(contentsOf: URL(filePath: $0)))) }
        let edition = ManualEdition(version: Product.version, date: date)
        for page in ManualSet.pages(of: programs) {
            let file = URL(filePath: output).appending(path: page.path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(page.roff(edition).utf8).write(to: file)
        }
    }
}

ManualPages.main()
