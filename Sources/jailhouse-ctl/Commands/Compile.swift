import ArgumentParser
import CellConfiguration

struct Compile: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compile the TOML source of a cell, a system or a cell definition.",
        discussion: """
            The result is what Jailhouse's own tools make and read: a .cell file of a cell or of a cell definition, \
            a .system file of a system. Needs no daemon.

            With --json, which needs -o: an object with source, output, kind (cell or system), name and size (bytes).

            Example: jailhouse-ctl compile rtems.toml -o rtems.cell
            """
    )

    @OptionGroup var options: FileOptions

    @Option(name: .shortAndLong, help: "The result (default: standard output).", completion: .file())
    var output: String?

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
        let binary = try explaining(input.path) { () throws(ConfigurationError) in try configuration.binary() }
        try output.write(binary, to: options.screen)
        try options.report(configuration, from: input, to: output, size: binary.count)
    }
}
