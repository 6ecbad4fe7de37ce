// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// The daemon's settings: `/etc/jailhoused/jailhoused.toml`.
package struct DaemonSettings: Hashable, Sendable {
    /// The system configuration, source or compiled, with which the hypervisor is enabled at start; nil: it is
    /// not enabled by the daemon.
    package var system: String?
    /// How often all cells are looked at; 1 ms to 10 s.
    package var pollInterval: Duration

    package static let standardPollInterval = Duration.milliseconds(10)

    /// The keys of the file, for people.
    package static let keys: [SchemaProperty] = [
        SchemaProperty(
            "system", .string,
            text: "The system configuration, source or compiled, with which the hypervisor is enabled when the daemon "
                + "starts; a path beside the file. Without it the daemon enables nothing: another tool does, or "
                + "jailhouse-ctl enable FILE. A configuration that does not fit the machine can hang it: try by hand first"
        ),
        SchemaProperty(
            "poll-interval", .duration,
            text: "How often the state of all cells is read, 1 ms to 10 s: the hypervisor sends no notifications; "
                + "default: 10 ms"),
    ]

    /// What holds when there is no file.
    package init(system: String? = nil, pollInterval: Duration = standardPollInterval) {
        self.system = system
        self.pollInterval = pollInterval
    }

    /// - Parameter path: the settings' file, to which paths in it are relative.
    package init(toml: String, path: String) throws(DefinitionError) {
        self.init()
        do throws(ConfigurationError) {
            let document = try SourceDocument(toml: toml, path: path)
            if let found = document.root.value("system") {
                system = FilePath.resolve(try found.string(), besides: path)
            }
            if let found = document.root.value("poll-interval") {
                pollInterval = try found.duration()
                guard (.milliseconds(1) ... .seconds(10)).contains(pollInterval) else {
                    throw found.error(.outOfRange, "the poll interval is 1 ms to 10 s")
                }
            }
            try document.finish()
        } catch {
            throw DefinitionError(error, path: path)
        }
    }
}
