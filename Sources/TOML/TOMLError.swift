// SPDX-License-Identifier: Apache-2.0

/// Why a text is not TOML.
package struct TOMLError: Error, Hashable, Sendable {
    /// One lower-case sentence without the place.
    package var message: String
    /// From 1.
    package var line: Int
    /// From 1, in Unicode scalars.
    package var column: Int

    init(_ message: String, line: Int, column: Int) {
        self.message = message
        self.line = line
        self.column = column
    }
}

extension TOMLError: CustomStringConvertible {
    package var description: String { "\(line):\(column): \(message)" }
}
