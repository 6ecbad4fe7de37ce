import CellConfiguration

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
    /// From the TOML source of a cell or a system.
    init(source input: InputFile) throws {
        self = try explaining(input.path) { () throws(ConfigurationError) in
            let text = try ConfigurationFile.text(of: input.contents, path: input.path)
            return try ConfigurationFile(toml: text, path: input.path)
        }
    }

    /// `cell` or `system`.
    var kind: String {
        switch self {
        case .cell: "cell"
        case .system: "system"
        }
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
