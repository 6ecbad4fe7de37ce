// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellDefinition

struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of configurations, for editors.",
        discussion: """
            An editor with a TOML language server completes keys and words by it, shows what they mean and marks \
            mistakes while they are typed. A file names its schema in its first line:

                #:schema jailhouse.schema.json

            Example: jailhouse-ctl schema -o jailhouse.schema.json
            """
    )

    @OptionGroup var options: FileOptions

    @Option(name: .shortAndLong, help: "The result (default: standard output).", completion: .file())
    var output: String?

    func run() throws {
        try OutputFile(output).write(Array(DefinitionSchema.text.utf8), to: options.screen)
    }
}
