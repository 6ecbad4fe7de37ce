// SPDX-License-Identifier: Apache-2.0

/// Paths in definitions are relative to the file that they stand in.
enum FilePath {
    static func resolve(_ path: String, besides file: String) -> String {
        guard !path.hasPrefix("/"), let end = file.lastIndex(of: "/") else { return path }
        return file[...end] + path
    }
}
