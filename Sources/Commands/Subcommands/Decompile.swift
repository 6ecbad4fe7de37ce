// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import Glibc
import SystemCalls

struct Decompile: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decompile",
        abstract: "Turn a compiled cell or system into TOML source.",
        discussion: """
            Compiled again the source gives the same file, byte for byte. Needs no daemon.

            With --json, which needs -o: an object with source, output, kind (cell or system), name and size (bytes).

            Example: jailhouse-ctl decompile rtems.cell -o rtems.toml
            """
    )

    @OptionGroup var options: FileOptions

    @Option(name: .shortAndLong, help: "The result (default: standard output).", completion: .file())
    var output: String?

    @Option(
        help: ArgumentHelp(
            "x86, arm or arm64, for a file before revision 14, which does not have it (default: as its contents suggest).",
            valueName: "name"),
        transform: Architecture.init(argument:))
    var architecture: Architecture?

    @Argument(help: "The compiled file; '-' is standard input.", completion: .file(extensions: ["cell", "system"]))
    var file: String

    func run() throws {
        let output = OutputFile(output)
        try options.refuseStandardOutput(of: output)
        let input = try InputFile(file)
        let configuration = try explaining(input.path) { () throws(ConfigurationError) in
            try ConfigurationFile(binary: input.contents, assuming: architecture)
        }
        let surplus = configuration.surplusCount
        if surplus > 0 {
            let warning =
                "\(surplus) byte\(surplus == 1 ? "" : "s") after the last list, which nothing counts and the driver ignores, "
                + "became \"surplus-bytes\"; an entry may be missing (JH0107)"
            try SystemCall.write(Array("\(Text.printable(input.path)): warning: \(warning)\n".utf8), to: STDERR_FILENO)
        }
        let toml = Array(configuration.toml().utf8)
        try output.write(toml, to: options.screen)
        try options.report(configuration, from: input, to: output, size: toml.count)
    }
}

extension ConfigurationFile {
    /// Bytes behind the last list.
    fileprivate var surplusCount: Int {
        switch self {
        case .cell(let cell): cell.surplus.count
        case .system(let system): system.rootCell.surplus.count
        }
    }
}

extension Architecture {
    /// - Throws: `ValidationError` for what is none.
    init(argument: String) throws {
        guard let architecture = Architecture(name: argument) else {
            throw ValidationError("There is no architecture '\(argument)', only x86, arm and arm64.")
        }
        self = architecture
    }
}
