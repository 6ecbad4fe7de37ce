// SPDX-License-Identifier: Apache-2.0

import SystemCalls

/// How the files of a configuration directory are read.
package protocol ConfigurationReader: Sendable {
    /// - Parameter limit: the most bytes that are read.
    func contents(_ path: String, limit: Int) throws -> [UInt8]
    /// Judges a directory whose entries are used.
    func check(directory: String) throws
    /// The names in a directory, in any order.
    func names(inDirectory path: String) throws -> [String]
}

extension ConfigurationReader {
    package func names(inDirectory path: String) throws -> [String] { try SystemCall.names(inDirectory: path) }
}

/// Files as they are, whoever can change them.
package struct PlainFiles: ConfigurationReader {
    package init() {}

    package func contents(_ path: String, limit: Int) throws -> [UInt8] {
        try SystemCall.contents(ofFile: path, limit: limit)
    }

    package func check(directory: String) throws {}
}
