// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellDefinition
import ControlInterface

struct Report: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write everything that is known about a cell's failure into one file, for a bug report.",
        discussion: """
            The file is a compressed tar archive with report.html, a page that needs nothing else: what happened and what it \
            means, registers, the console, a map with the address, a time line, the configuration, versions and the machine. \
            Beside it are the same data as JSON, the configuration as TOML, and files of /proc. With a name that ends in \
            .html, only the page is written. Run it as root: without, /proc/iomem has no addresses.

            With --anonymous, the host's name, the cells' names and paths are replaced, each by the same word everywhere, and \
            comments in the configuration are left out. Names of regions and devices stay. Look at the page before you send \
            it. Of the kernel's command line, only parameters that concern the hypervisor are written. What stands behind words \
            such as password, psk or token, and the user of an address, is replaced by *** in any case.

            With --json: an object with output (the file) and cells (how many).

            Example: jailhouse-ctl report rtems --anonymous
            """
    )

    @OptionGroup var options: LocalDaemonOptions

    @Option(
        name: .shortAndLong, help: "The file (default: jailhouse-report-TIME.tar.gz in this directory).",
        completion: .file())
    var output: String?

    @Flag(help: "Replace the names of the host and the cells, and paths.")
    var anonymous = false

    @Argument(help: "The cell's name; without it, all cells.", completion: .cellNames)
    var cell: String?

    private struct Outcome: Encodable {
        let output: String
        let cells: Int
    }

    func validate() throws {
        guard options.host.isEmpty else {
            throw ValidationError(
                "a report has files of its machine: ssh HOST jailhouse-ctl report -o - > report.tar.gz")
        }
    }

    func run() throws {
        let file = try CaseFile(from: options.daemon, about: cell)
        let stamp = file.made.rfc3339.prefix(19).filter { $0 != "-" && $0 != ":" }
        let name = "jailhouse-report-\(stamp)"
        let path = output ?? "\(name).tar.gz"
        let target = OutputFile(path)
        try target.refuseTerminal()
        var parts = CaseParts(file, isAnonymous: anonymous)
        let bytes: [UInt8]
        if path.hasSuffix(".html") {
            bytes = Array(Credentials.masked(parts.page).utf8)
        } else {
            var archive = Archive(name: name)
            for part in try parts.all() { archive.add(part.path, Credentials.masked(part.text)) }
            bytes = try archive.bytes()
        }
        try target.write(bytes, to: options.screen)
        guard target.path != nil else { return }
        try options.screen.show(Outcome(output: path, cells: file.cells.count), text: path)
    }
}

/// The files of a report.
struct CaseParts {
    private let file: CaseFile
    private let isAnonymous: Bool
    private var pseudonyms: Pseudonyms

    init(_ file: CaseFile, isAnonymous: Bool) {
        self.file = file
        self.isAnonymous = isAnonymous
        // all cells share the console
        let others = file.files.cells.map(\.path).compactMap { try? InputFile($0).contents }
        let texts =
            (file.cells.map(\.definition) + [file.system]).compactMap { $0?.text }
            + others.map { String(decoding: $0, as: UTF8.self) }
        let secrets = texts.compactMap(ConfigurationSecrets.init)
        let names = file.cellNames + secrets.compactMap(\.name).filter { !file.cellNames.contains($0) }
        let images = Set(file.cells.flatMap(\.details.images).flatMap(Self.names(ofFile:))).subtracting(names).sorted()
        pseudonyms = Pseudonyms(
            cells: names, images: images, others: [file.host.hostName: "host"],
            secrets: secrets.reduce(into: []) { $0.formUnion($1.values) })
    }

    /// A file is named by its last component, with its ending or without: in places in a program, in maps, in findings.
    private static func names(ofFile path: String) -> [String] {
        guard let file = path.split(separator: "/").last.map(String.init) else { return [] }
        let stem = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
        // a very short one would be found in anything
        return [file, stem].filter { $0.count > 2 }
    }

    var page: String {
        mutating get {
            let text = CasePage(file: file, isAnonymous: isAnonymous).text()
            return isAnonymous ? pseudonyms.hide(markup: text) : text
        }
    }

    /// The page, and what it was made of.
    mutating func all() throws -> [(path: String, text: String)] {
        var parts = [(path: "report.html", text: page)]
        for cell in file.cells {
            let report = CellReport(cell.details)
            let failures = cell.failures.map { FailureReport($0, of: cell.name, files: cell.files) }
            add("cells/\(cell.name)/status.json", try JSON.text(report) + "\n", to: &parts)
            add("cells/\(cell.name)/failures.json", try JSON.text(failures) + "\n", to: &parts)
            add(cell.definition, "cells/\(cell.name)/definition.toml", to: &parts)
        }
        add(file.system, "system.toml", to: &parts)
        let machine = MachineReport(.init(machine: file.machine, cells: file.cells.map(\.details.cell)))
        add("machine.json", try JSON.text(machine) + "\n", to: &parts)
        let lines = file.console.map { $0.text(withTime: true, .plain, zone: .utc) + "\n" }
        add("console.txt", lines.joined(), to: &parts)
        // these name no cell, but have words that may be a cell's name
        for (name, text) in file.host.files {
            parts.append(("machine/\(name).txt", isAnonymous ? pseudonyms.hide(machine: text) : text))
        }
        return parts
    }

    private mutating func add(
        _ text: CaseFile.ConfigurationText?, _ path: String, to parts: inout [(path: String, text: String)]
    ) {
        guard let text, let content = isAnonymous ? text.withoutComments : text.text else { return }
        add(path, content, to: &parts)
    }

    /// Paths hold names of cells as well; what is no name of a file becomes one.
    private mutating func add(_ path: String, _ text: String, to parts: inout [(path: String, text: String)]) {
        let words = path.split(separator: "/").map { part -> String in
            let name = isAnonymous ? pseudonyms.hide(String(part)) : String(part)
            let plain = String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" })
            return plain.hasPrefix(".") ? "_" + plain : plain
        }
        parts.append((words.joined(separator: "/"), isAnonymous ? pseudonyms.hide(text) : text))
    }
}
