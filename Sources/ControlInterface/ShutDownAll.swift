extension Manager {
    /// A cell that was not stopped, and why.
    public struct LeftCell: Codable, Hashable, Sendable {
        public var cell: String
        public var message: String

        public init(cell: String, message: String) {
            self.cell = cell
            self.message = message
        }
    }

    public enum ShutDownAll: ManagerMethod {
        public static let changesSomething = true
        /// For a call that says none: 20 s.
        public static let standardTimeout = 20_000_000

        public struct Parameters: VarlinkParameters {
            public static let fieldNames = ["timeout"]
            /// µs.
            public var timeout: Int?

            public init(timeout: Int? = nil) {
                self.timeout = timeout
            }
        }

        public struct Reply: Codable, Hashable, Sendable {
            /// In the order in which they were stopped.
            public var stopped: [String]
            public var left: [LeftCell]
            public var disabled: Bool
            /// Why the hypervisor is not disabled.
            public var message: String?

            public init(
                stopped: [String] = [], left: [LeftCell] = [], disabled: Bool = false, message: String? = nil
            ) {
                self.stopped = stopped
                self.left = left
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
    public var lines: [String] {
        stopped.map { "stopped \($0)" } + left.map { "NOT STOPPED: \($0.text)" } + [
            disabled ? "the hypervisor is disabled" : "THE HYPERVISOR IS NOT DISABLED: \(message ?? "")"
        ]
    }
}
