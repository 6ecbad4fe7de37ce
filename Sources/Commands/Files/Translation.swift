// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition

/// What `compile` and `decompile` tell with `--json`.
struct Translation: Encodable {
    let source: String
    let output: String
    let kind: String
    let name: String
    let size: Int
}

extension FileOptions {
    func refuseStandardOutput(of output: OutputFile) throws {
        if screen.json && output.path == nil {
            throw CommandFailure(.wrongUsage, "with --json the result needs a file; give one with -o")
        }
    }

    func report(
        _ configuration: ConfigurationFile, from input: InputFile, to output: OutputFile, size: Int
    ) throws {
        guard screen.json, let path = output.path else { return }
        try screen.show(
            JSON.text(
                Translation(
                    source: input.path, output: path, kind: configuration.kind, name: configuration.name, size: size)))
    }
}

extension ConfigurationFile {
    /// From the source of a system, a cell, or a cell definition, whose hardware it is then.
    init(source input: InputFile) throws {
        switch try DaemonFile(explaining: input) {
        case .system(let system): self = .system(system)
        case .cell(let definition), .definition(let definition): self = .cell(definition.descriptor)
        case .settings:
            throw CommandFailure(
                .failed, "\(input.path) has neither [cell] nor [system], so there is nothing to compile")
        }
    }

    /// `cell` or `system`.
    var kind: String {
        switch self {
        case .cell: "cell"
        case .system: "system"
        }
    }

    /// The layout of its compiled file.
    var format: FormatVariant {
        switch self {
        case .cell(let cell): cell.format
        case .system(let system): system.format
        }
    }

    /// The architecture, if neither its file nor its source says it.
    var guessedArchitecture: Architecture? {
        let cell =
            switch self {
            case .cell(let cell): cell
            case .system(let system): system.rootCell
            }
        return cell.isArchitectureGuessed ? cell.architecture : nil
    }

    /// The cell's name; of a system its root cell's.
    var name: String {
        switch self {
        case .cell(let cell): cell.name
        case .system(let system): system.rootCell.name
        }
    }
}

/// Errors of a configuration as the user sees them: with the file's name.
func explaining<Value>(_ path: String, _ body: () throws(ConfigurationError) -> Value) throws -> Value {
    do {
        return try body()
    } catch {
        throw CommandFailure(.failed, "\(error.inFile(path))")
    }
}
