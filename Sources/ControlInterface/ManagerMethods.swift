extension Manager {
    /// The parameters of the methods about one cell.
    public struct OneCell: VarlinkParameters {
        public static let fieldNames = ["cell"]
        public var cell: String

        public init(cell: String) {
            self.cell = cell
        }
    }

    /// The parameters of the methods about one cell or, without a name, all of them.
    public struct OneCellOrAll: VarlinkParameters {
        public static let fieldNames = ["cell"]
        public var cell: String?

        public init(cell: String? = nil) {
            self.cell = cell
        }
    }

    /// The reply of the methods that do something to a cell: the cell as it is when that is done.
    public struct CellReply: Codable, Hashable, Sendable {
        public var cell: Cell

        public init(cell: Cell) {
            self.cell = cell
        }
    }

    public enum List: ManagerMethod {
        public typealias Parameters = Nothing
        public struct Reply: Codable, Hashable, Sendable {
            public var machine: Machine
            public var cells: [Cell]

            public init(machine: Machine, cells: [Cell]) {
                self.machine = machine
                self.cells = cells
            }
        }
    }

    public enum Describe: ManagerMethod {
        public typealias Parameters = OneCell
        public struct Reply: Codable, Hashable, Sendable {
            public var details: Details

            public init(details: Details) {
                self.details = details
            }
        }
    }

    public enum Enable: ManagerMethod {
        public static let changesSomething = true
        public struct Parameters: VarlinkParameters {
            public static let fieldNames = ["configuration"]
            /// Path of a system configuration as the daemon sees it; nil: the configured one.
            public var configuration: String?

            public init(configuration: String? = nil) {
                self.configuration = configuration
            }
        }
        public typealias Reply = Nothing
    }

    public enum Disable: ManagerMethod {
        public static let changesSomething = true
        public typealias Parameters = Nothing
        public typealias Reply = Nothing
    }

    public enum Create: CellCommand {}
    public enum Start: CellCommand {}
    public enum Stop: CellCommand {}
    public enum Restart: CellCommand {}
    public enum Destroy: CellCommand {}

    public enum ResetFailed: ManagerMethod {
        public static let changesSomething = true
        public typealias Parameters = OneCellOrAll
        public typealias Reply = Nothing
    }

    public enum Reload: ManagerMethod {
        public static let changesSomething = true
        public typealias Parameters = Nothing
        public struct Reply: Codable, Hashable, Sendable {
            public var added: [String]
            public var removed: [String]
            public var changed: [String]
            /// A sentence for each definition that was refused.
            public var problems: [String]

            public init(added: [String] = [], removed: [String] = [], changed: [String] = [], problems: [String] = []) {
                self.added = added
                self.removed = removed
                self.changed = changed
                self.problems = problems
            }
        }
    }

    public enum CommunicationRegion: ManagerMethod {
        public typealias Parameters = OneCell
        public struct Reply: Codable, Hashable, Sendable {
            public var region: Region

            public init(region: Region) {
                self.region = region
            }
        }
    }

    public enum Statistics: ManagerMethod {
        public typealias Parameters = OneCell
        public struct Reply: Codable, Hashable, Sendable {
            public var statistics: [Statistic]

            public init(statistics: [Statistic]) {
                self.statistics = statistics
            }
        }
    }

    public enum Watch: ManagerMethod {
        public static let streams = true
        public typealias Parameters = OneCellOrAll
        public struct Reply: Codable, Hashable, Sendable {
            public var change: Change

            public init(change: Change) {
                self.change = change
            }
        }
    }

    public enum Console: ManagerMethod {
        public static let streams = true
        public typealias Parameters = Nothing
        public struct Reply: Codable, Hashable, Sendable {
            public var text: String

            public init(text: String) {
                self.text = text
            }
        }
    }

    public enum Failures: ManagerMethod {
        public typealias Parameters = OneCell
        public struct Reply: Codable, Hashable, Sendable {
            public var failures: [Failure]

            public init(failures: [Failure]) {
                self.failures = failures
            }
        }
    }

    public enum Check: ManagerMethod {
        public struct Parameters: VarlinkParameters {
            public static let fieldNames = ["path"]
            public var path: String?

            public init(path: String? = nil) {
                self.path = path
            }
        }
        public struct Reply: Codable, Hashable, Sendable {
            public var findings: [String]

            public init(findings: [String]) {
                self.findings = findings
            }
        }
    }
}
