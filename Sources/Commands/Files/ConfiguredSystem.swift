// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition

/// The system configuration that a command works with.
enum ConfiguredSystem {
    /// Where the daemon has its configuration.
    static let directory = "/etc/jailhoused"

    /// - Parameters:
    ///   - file: what the user names; nil: what the daemon's settings name, if they can be read.
    ///   - directory: with the daemon's settings.
    /// - Throws: ``CommandFailure`` for a file that is no system configuration.
    static func read(_ file: String?, in directory: String = directory) throws -> SystemDescriptor? {
        var path = file
        if path == nil, let input = try? InputFile(directory + "/jailhoused.toml"),
            case .settings(let settings)? = try? DaemonFile(input)
        {
            path = settings.system
        }
        guard let path else { return nil }
        guard case .system(let system) = try DaemonFile(explaining: InputFile(path)) else {
            throw CommandFailure(.failed, "\(path) is no system configuration")
        }
        return system
    }
}
