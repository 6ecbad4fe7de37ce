// SPDX-License-Identifier: Apache-2.0

/// Why bytes or text are no cell or system configuration.
package struct ConfigurationError: Error, Hashable, Sendable {
    /// What kind of mistake it is.
    package enum Code: String, Hashable, Sendable {
        /// The file does not begin as a Jailhouse configuration does.
        case signature
        /// A configuration of another revision of the format.
        case revision
        /// A configuration of a fork of Jailhouse, or of another hypervisor.
        case foreign
        /// Something that the asked-for revision has no place for.
        case inexpressible
        /// An architecture that the format does not know.
        case architecture
        /// The file is shorter or longer than its own counts say.
        case length
        /// The text is not TOML.
        case syntax
        /// A key that has no meaning in its table.
        case unknownKey
        /// A required key is not there.
        case missingKey
        /// A value of the wrong type, such as a string where a number belongs.
        case wrongType
        /// A value of the right type that says nothing: an unknown word, a size that cannot be read.
        case invalidValue
        /// A number too large or too small for its field.
        case outOfRange
        /// A file that a key names cannot be read.
        case unreadable
        /// Two keys that contradict each other.
        case conflict
    }

    package var code: Code
    /// One lower-case sentence without the place, which is in ``path``, ``line`` and ``keyPath``.
    package var message: String
    /// The file, by the name that was passed to its reader.
    package var path: String?
    /// The line in the text, from 1.
    package var line: Int?
    /// The column in that line, from 1, in characters.
    package var column: Int?
    /// The key, such as `memory[1].size`; list indexes count from 0.
    package var keyPath: String?

    package init(
        _ code: Code, _ message: String, path: String? = nil, line: Int? = nil, column: Int? = nil,
        keyPath: String? = nil
    ) {
        self.code = code
        self.message = message
        self.path = path
        self.line = line
        self.column = column
        self.keyPath = keyPath
    }

    /// The same error, said of a file.
    package func inFile(_ path: String) -> ConfigurationError {
        var error = self
        error.path = error.path ?? path
        return error
    }
}

extension ConfigurationError: CustomStringConvertible {
    /// `rtems.toml:12:8: memory[1].size: …`, without the parts that are not known.
    package var description: String {
        var place = path ?? ""
        if let line { place += place.isEmpty ? "line \(line)" : ":\(line)" }
        if let column, line != nil { place += ":\(column)" }
        return [place, keyPath ?? "", message].filter { !$0.isEmpty }.joined(separator: ": ")
    }
}
