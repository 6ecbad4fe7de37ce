// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import Glibc
import SystemCalls

struct Compile: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compile",
        abstract: "Compile the TOML source of a cell, a system or a cell definition.",
        discussion: """
            The result is what Jailhouse's own tools make and read: a .cell file of a cell or of a cell definition, \
            a .system file of a system. Needs no daemon.

            Jailhouse takes only configurations of the revision that it was built for, and answers others with \
            EINVAL: 14 is that of its sources since 2023, 13 that of the years before, 12 that of its last release, \
            v0.12, and 10 that of v0.11 and v0.10. What the revision cannot have is named and refused. Only files of \
            revision 14 have an architecture: if the source does not say it, a guess is written, with a warning.

            With --json, which needs -o: an object with source, output, kind (cell or system), name and size (bytes).

            Example: jailhouse-ctl compile rtems.toml -o rtems.cell
            """
    )

    @OptionGroup var options: FileOptions

    @Option(name: .shortAndLong, help: "The result (default: standard output).", completion: .file())
    var output: String?

    @Option(
        help: ArgumentHelp(
            "The revision of Jailhouse's format, 10 to 14 (default: what the source says, else 14).",
            discussion: """
                A layout that upstream had under a number for a while has a letter: \(FormatVariant.withLetters); a number \
                alone is the layout of its release.
                """,
            valueName: "number"),
        transform: FormatVariant.init(argument:))
    var revision: FormatVariant?

    @Argument(help: "The source; '-' is standard input.", completion: .file(extensions: ["toml"]))
    var source: String

    func run() throws {
        let output = OutputFile(output)
        try options.refuseStandardOutput(of: output)
        try output.refuseTerminal()
        let input = try InputFile(source)
        if ConfigurationFile.isBinary(input.contents) {
            throw CommandFailure(.failed, "\(input.path) is compiled already; for its source: jailhouse-ctl decompile")
        }
        let configuration = try ConfigurationFile(source: input)
        let binary = try explaining(input.path) { () throws(ConfigurationError) in
            if let revision { try configuration.binary(as: revision) } else { try configuration.binary() }
        }
        if let guess = configuration.guessedArchitecture, (revision ?? configuration.format).revision.hasArchitecture {
            let warning = Self.warning(guess, input)
            try SystemCall.write(Array("\(Text.printable(input.path)): warning: \(warning)\n".utf8), to: STDERR_FILENO)
        }
        try output.write(binary, to: options.screen)
        try options.report(configuration, from: input, to: output, size: binary.count)
    }

    /// A file of revision 14 says its architecture, and a source of an earlier one need not.
    private static func warning(_ guess: Architecture, _ input: InputFile) -> String {
        let text = try? ConfigurationFile.text(of: input.contents, path: input.path)
        let root = text.flatMap { try? SourceDocument(toml: $0, path: input.path).root }
        let place =
            root?.value("configuration") != nil
            ? "beside \"configuration\"" : "in [\(root?.value("system") != nil ? "system" : "cell")]"
        let doubt =
            guess == .x86 ? "" : ", and whether it is arm or arm64 can hardly be seen"
        return "the source does not say its architecture; \"\(guess.name)\", which is written, is a guess from its "
            + "contents\(doubt). To settle it write architecture = \"\(guess.name)\" (or another) \(place)"
    }
}

extension FormatVariant {
    fileprivate static let withLetters = allCases.map(\.rawValue).filter { UInt16($0) == nil }.joined(separator: ", ")
}

extension FormatVariant {
    /// - Throws: `ValidationError` for what is none.
    fileprivate init(argument: String) throws {
        guard let format = FormatVariant(word: argument) else {
            throw ValidationError(
                "'\(argument)' is no revision or layout that is known here. Give 10 to 14, or one layout of several: "
                    + "\(FormatVariant.withLetters). Revisions 10 and 14 have one layout each, and no letter.")
        }
        self = format
    }
}
