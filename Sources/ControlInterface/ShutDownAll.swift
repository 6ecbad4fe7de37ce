// SPDX-License-Identifier: Apache-2.0

extension Manager {
    /// A cell that was not stopped, and why.
    package struct LeftCell: Codable, Hashable, Sendable {
        package var cell: String
        package var message: String

        package init(cell: String, message: String) {
            self.cell = cell
            self.message = message
        }
    }

    package enum ShutDownAll: ManagerMethod {
        package static let name = "ShutDownAll"
        package static let changesSomething = true
        /// For a call that says none: 20 s.
        package static let standardTimeout = 20_000_000

        package struct Parameters: VarlinkParameters {
            package static let fieldNames = ["timeout", "endOfMachine"]
            /// µs.
            package var timeout: Int?

            /// A daemon that starts afterwards in the same boot begins as after a boot.
            package var endOfMachine: Bool?

            package init(timeout: Int? = nil, endOfMachine: Bool? = nil) {
                self.timeout = timeout
                self.endOfMachine = endOfMachine
            }
        }

        package struct Reply: Codable, Hashable, Sendable {
            /// In the order in which they were stopped.
            package var stopped: [String]
            package var left: [LeftCell]
            /// Cells without a definition, which were destroyed with the hypervisor's end; nil: none, or an older daemon.
            package var destroyed: [String]?
            package var disabled: Bool
            /// Why the hypervisor is not disabled.
            package var message: String?

            package init(
                stopped: [String] = [], left: [LeftCell] = [], destroyed: [String]? = nil, disabled: Bool = false,
                message: String? = nil
            ) {
                self.stopped = stopped
                self.left = left
                self.destroyed = destroyed
                self.disabled = disabled
                self.message = message
            }
        }
    }
}

extension Manager.LeftCell {
    fileprivate var text: String { message.hasPrefix(cell + " ") ? message : "\(cell): \(message)" }
}

extension Manager.ShutDownAll.Reply {
    /// For people: a line for each cell, then the hypervisor.
    package var lines: [String] {
        stopped.map { "stopped \($0)" } + left.map { "NOT STOPPED: \($0.text)" }
            + (destroyed ?? []).map { "destroyed \($0), which has no definition and was not running" } + [
                disabled ? "the hypervisor is disabled" : "THE HYPERVISOR IS NOT DISABLED: \(message ?? "")"
            ]
    }
}
