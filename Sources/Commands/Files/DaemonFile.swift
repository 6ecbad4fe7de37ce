// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition

/// Whatever the daemon reads, recognised by what is in it.
enum DaemonFile {
    /// A compiled cell, as the definition that does no more than name it.
    case cell(CellDefinition)
    /// A system, source or compiled.
    case system(SystemDescriptor)
    /// The source of a cell, with or without images and supervision.
    case definition(CellDefinition)
    case settings(DaemonSettings)

    /// - Throws: ``DefinitionError`` or `ConfigurationError`.
    init(_ input: InputFile) throws {
        if ConfigurationFile.isBinary(input.contents) {
            switch try ConfigurationFile(contents: input.contents, path: input.path) {
            case .cell:
                let toml = "configuration = \"cell\""
                self = .cell(try CellDefinition(toml: toml, path: input.path) { _ in input.contents })
            case .system(let system): self = .system(system)
            }
            return
        }
        if [".system", ".cell"].contains(where: input.path.hasSuffix), input.contents.allSatisfy({ $0 == 0 }) {
            throw CommandFailure(
                .failed, "\(input.path) is empty, and no configuration: copy or compile it again")
        }
        let text = try ConfigurationFile.text(of: input.contents, path: input.path)
        let root = try SourceDocument(toml: text, path: input.path).root
        if ["cell", "configuration", "image", "supervision"].contains(where: { root.value($0) != nil }) {
            self = .definition(try CellDefinition(toml: text, path: input.path, readFile: InputFile.read))
        } else if let system = root.value("system"), (try? system.string()) == nil {
            self = .system(try SystemDescriptor(toml: text, path: input.path))
        } else {
            self = .settings(try DaemonSettings(toml: text, path: input.path))
        }
    }

    /// - Throws: ``CommandFailure``.
    init(explaining input: InputFile) throws {
        do {
            try self.init(input)
        } catch {
            throw CommandFailure(explaining: error, path: input.path)
        }
    }
}

extension CommandFailure {
    /// What is wrong with a file that was to be understood.
    init(explaining error: any Error, path: String) {
        switch error {
        case let error as CommandFailure: self = error
        case let error as ConfigurationError: self.init(.failed, "\(error.inFile(path))")
        default: self.init(.failed, "\(error)")
        }
    }
}
