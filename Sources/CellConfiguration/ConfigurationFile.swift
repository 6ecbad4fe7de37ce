// SPDX-License-Identifier: Apache-2.0

/// A configuration of either kind.
package enum ConfigurationFile: Hashable, Sendable {
    case cell(CellDescriptor)
    case system(SystemDescriptor)

    /// From a compiled configuration; its signature tells which kind it is.
    ///
    /// - Parameter assumed: as in ``CellDescriptor/init(binary:assuming:)``.
    package init(binary: [UInt8], assuming assumed: Architecture? = nil) throws(ConfigurationError) {
        switch FileHeader.kind(of: binary) {
        case .system: self = .system(try SystemDescriptor(binary: binary, assuming: assumed))
        case .cell, nil: self = .cell(try CellDescriptor(binary: binary, assuming: assumed))
        }
    }

    /// From TOML source: a cell's has the table `[cell]`, a system's `[system]`.
    ///
    /// - Parameter path: the file's name, for errors.
    package init(toml: String, path: String) throws(ConfigurationError) {
        let root = try SourceDocument(toml: toml, path: path).root
        switch (root.value("cell"), root.value("system")) {
        case (_?, nil): self = .cell(try CellDescriptor(toml: toml, path: path))
        case (nil, _?): self = .system(try SystemDescriptor(toml: toml, path: path))
        case (let cell?, _?): throw cell.error(.conflict, "a file has either [cell] or [system]")
        case (nil, nil):
            throw ConfigurationError(
                .missingKey, "neither [cell] nor [system] is there, so this is no configuration", path: path
            )
        }
    }

    /// From a file of either form, compiled or source. The regions of a compiled one have the names that its source would
    /// give them.
    ///
    /// - Parameter path: the file's name, for errors.
    package init(contents: [UInt8], path: String) throws(ConfigurationError) {
        if ConfigurationFile.isBinary(contents) {
            do throws(ConfigurationError) {
                self = try ConfigurationFile(binary: contents).withRegionNames()
            } catch {
                throw error.inFile(path)
            }
        } else {
            self = try ConfigurationFile(toml: try ConfigurationFile.text(of: contents, path: path), path: path)
        }
    }

    /// The text of a source file.
    ///
    /// - Throws: ``ConfigurationError`` `signature` for what is neither text nor a compiled configuration.
    package static func text(of contents: [UInt8], path: String) throws(ConfigurationError) -> String {
        guard let text = String(validating: contents, as: UTF8.self) else {
            throw ConfigurationError(
                .signature,
                "this is neither a Jailhouse configuration (it does not begin with its signature) nor a text",
                path: path
            )
        }
        return text
    }

    /// With a name for each region that has none and whose purpose can be seen.
    private func withRegionNames() -> ConfigurationFile {
        switch self {
        case .cell(let cell): return .cell(cell.withRegionNames())
        case .system(var system):
            system.rootCell = system.rootCell.withRegionNames(knowing: system.namedPlaces)
            return .system(system)
        }
    }

    /// Its TOML source.
    package func toml() -> String {
        switch self {
        case .cell(let cell): cell.toml()
        case .system(let system): system.toml()
        }
    }

    /// The contents of the compiled file.
    ///
    /// - Parameter revision: of the format; nil: the one that it was read from, or that its source asks for.
    /// - Throws: as ``CellDescriptor/binary(as:)``.
    package func binary(revision: FormatRevision? = nil) throws(ConfigurationError) -> [UInt8] {
        switch self {
        case .cell(let cell): try cell.binary(revision: revision)
        case .system(let system): try system.binary(revision: revision)
        }
    }

    /// The contents of the compiled file in one layout.
    package func binary(as format: FormatVariant) throws(ConfigurationError) -> [UInt8] {
        switch self {
        case .cell(let cell): try cell.binary(as: format)
        case .system(let system): try system.binary(as: format)
        }
    }

    /// Whether bytes begin as a compiled configuration does, of any revision or fork.
    package static func isBinary(_ contents: [UInt8]) -> Bool {
        FileHeader.kind(of: contents) != nil || ForeignFormat.find(signature: contents) != nil
    }
}
