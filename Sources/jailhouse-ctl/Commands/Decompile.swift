import ArgumentParser
import CellConfiguration

struct Decompile: ParsableCommand {
    static let configuration = CommandConfiguration(
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

    @Argument(help: "The compiled file; '-' is standard input.", completion: .file(extensions: ["cell", "system"]))
    var file: String

    func run() throws {
        let output = OutputFile(output)
        try options.refuseStandardOutput(of: output)
        let input = try InputFile(file)
        let configuration = try explaining(input.path) { () throws(ConfigurationError) in
            try ConfigurationFile(binary: input.contents)
        }
        let toml = Array(configuration.toml().utf8)
        try output.write(toml, to: options.screen)
        try options.report(configuration, from: input, to: output, size: toml.count)
    }
}
