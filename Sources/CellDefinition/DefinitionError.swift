// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration
package import InmateImage

/// Why a cell definition, the daemon's settings or what they refer to cannot be used.
package struct DefinitionError: Error, Hashable, Sendable {
    /// What kind of mistake it is.
    package enum Code: String, Hashable, Sendable {
        /// In the text or the compiled configuration: see the cause.
        case configuration
        /// In an image: see the cause.
        case image
        /// A file that the definition names cannot be read.
        case unreadable
        /// A value, or two together, that say nothing sensible.
        case invalidValue
    }

    /// The error underneath.
    package enum Cause: Hashable, Sendable {
        case configuration(ConfigurationError)
        case image(ImageError)
    }

    package var code: Code
    /// One lower-case sentence without the place.
    package var message: String
    /// The file with the mistake: the definition or what it refers to.
    package var path: String
    /// From 1.
    package var line: Int?
    /// From 1, in characters.
    package var column: Int?
    /// The key concerned: `supervision.delay`.
    package var keyPath: String?
    /// What to do about it; empty when the message says it.
    package var remedy: String
    package var cause: Cause?

    package init(
        _ code: Code, _ message: String, path: String, line: Int? = nil, column: Int? = nil, keyPath: String? = nil,
        remedy: String = "", cause: Cause? = nil
    ) {
        self.code = code
        self.message = message
        self.path = path
        self.line = line
        self.column = column
        self.keyPath = keyPath
        self.remedy = remedy
        self.cause = cause
    }

    init(_ error: ConfigurationError, path: String) {
        self.init(
            .configuration, error.message, path: error.path ?? path, line: error.line, column: error.column,
            keyPath: error.keyPath, cause: .configuration(error)
        )
    }

    init(_ error: ImageError, path: String) {
        self.init(
            .image, error.message, path: error.path.isEmpty ? path : error.path, remedy: error.remedy,
            cause: .image(error)
        )
    }
}

extension DefinitionError: CustomStringConvertible {
    /// `/etc/jailhoused/cells/rtems.toml:12:8: supervision.delay: …; …`
    package var description: String {
        var place = path
        if let line { place += ":\(line)" }
        if let column, line != nil { place += ":\(column)" }
        let text = [message, remedy].filter { !$0.isEmpty }.joined(separator: "; ")
        return [place, keyPath ?? "", text].filter { !$0.isEmpty }.joined(separator: ": ")
    }
}
