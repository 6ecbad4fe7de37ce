// SPDX-License-Identifier: Apache-2.0

extension Manager {
    /// The parameters of the methods about one cell.
    package struct OneCell: VarlinkParameters {
        package static let fieldNames = ["cell"]
        package var cell: String

        package init(cell: String) {
            self.cell = cell
        }
    }

    /// The parameters of the methods about one cell or, without a name, all of them.
    package struct OneCellOrAll: VarlinkParameters {
        package static let fieldNames = ["cell"]
        package var cell: String?

        package init(cell: String? = nil) {
            self.cell = cell
        }
    }

    /// The reply of the methods that do something to a cell: the cell as it is when that is done.
    package struct CellReply: Codable, Hashable, Sendable {
        package var cell: Cell
        /// What did not go as it should, although it is done.
        package var message: String?

        package init(cell: Cell, message: String? = nil) {
            self.cell = cell
            self.message = message
        }
    }

    package enum List: ManagerMethod {
        package static let name = "List"
        package typealias Parameters = Nothing
        package struct Reply: Codable, Hashable, Sendable {
            package var machine: Machine
            package var cells: [Cell]

            package init(machine: Machine, cells: [Cell]) {
                self.machine = machine
                self.cells = cells
            }
        }
    }

    package enum Describe: ManagerMethod {
        package static let name = "Describe"
        package typealias Parameters = OneCell
        package struct Reply: Codable, Hashable, Sendable {
            package var details: Details

            package init(details: Details) {
                self.details = details
            }
        }
    }

    package enum Enable: ManagerMethod {
        package static let name = "Enable"
        package static let changesSomething = true
        package struct Parameters: VarlinkParameters {
            package static let fieldNames = ["configuration"]
            /// Path of a system configuration as the daemon sees it; nil: the configured one.
            package var configuration: String?

            package init(configuration: String? = nil) {
                self.configuration = configuration
            }
        }
        package typealias Reply = Nothing
    }

    package enum Disable: ManagerMethod {
        package static let name = "Disable"
        package static let changesSomething = true
        package struct Parameters: VarlinkParameters {
            package static let fieldNames = ["others"]
            /// Cells without a definition may be destroyed with it.
            package var others: Bool?

            package init(others: Bool? = nil) {
                self.others = others
            }
        }
        package typealias Reply = Nothing
    }

    package enum Create: CellCommand {
        package static let name = "Create"
    }
    package enum Start: CellCommand {
        package static let name = "Start"
        package static let bringsUp = true
    }
    package enum Stop: CellCommand {
        package static let name = "Stop"
    }
    package enum Restart: CellCommand {
        package static let name = "Restart"
        package static let bringsUp = true
    }
    package enum Destroy: CellCommand {
        package static let name = "Destroy"
    }

    package enum ResetFailed: ManagerMethod {
        package static let name = "ResetFailed"
        package static let changesSomething = true
        package typealias Parameters = OneCellOrAll
        package typealias Reply = Nothing
    }

    package enum Alive: ManagerMethod {
        package static let name = "Alive"
        package static let changesSomething = true
        package struct Parameters: VarlinkParameters {
            package static let fieldNames = ["cell", "alive", "reason", "ended", "life"]
            package var cell: String
            /// Nil: true.
            package var alive: Bool?
            /// What was seen instead of a sign, for people; with `ended` its last lines, the one that says so last.
            package var reason: String?
            /// How its operating system ended: `panic`, `shutdown` or `reboot`; nil: it has not.
            package var ended: String?
            /// Of which run of the cell `ended` is said: ``Details/life``; nil: of the one that there is.
            package var life: Int?

            package init(
                cell: String, alive: Bool? = nil, reason: String? = nil, ended: String? = nil, life: Int? = nil
            ) {
                self.life = life
                self.cell = cell
                self.alive = alive
                self.reason = reason
                self.ended = ended
            }
        }
        package typealias Reply = CellReply
    }

    package enum Reload: ManagerMethod {
        package static let name = "Reload"
        package static let changesSomething = true
        package typealias Parameters = Nothing
        package struct Reply: Codable, Hashable, Sendable {
            package var added: [String]
            package var removed: [String]
            package var changed: [String]
            /// A sentence for each definition that was refused.
            package var problems: [String]

            package init(added: [String] = [], removed: [String] = [], changed: [String] = [], problems: [String] = [])
            {
                self.added = added
                self.removed = removed
                self.changed = changed
                self.problems = problems
            }
        }
    }

    package enum CommunicationRegion: ManagerMethod {
        package static let name = "CommunicationRegion"
        package typealias Parameters = OneCell
        package struct Reply: Codable, Hashable, Sendable {
            package var region: Region

            package init(region: Region) {
                self.region = region
            }
        }
    }

    package enum Statistics: ManagerMethod {
        package static let name = "Statistics"
        package typealias Parameters = OneCell
        package struct Reply: Codable, Hashable, Sendable {
            package var statistics: [Statistic]

            package init(statistics: [Statistic]) {
                self.statistics = statistics
            }
        }
    }

    package enum Watch: ManagerMethod {
        package static let name = "Watch"
        package static let streams = true
        package typealias Parameters = OneCellOrAll
        package struct Reply: Codable, Hashable, Sendable {
            package var change: Change

            package init(change: Change) {
                self.change = change
            }
        }
    }

    package enum Console: ManagerMethod {
        package static let name = "Console"
        package static let streams = true
        package struct Parameters: VarlinkParameters {
            package static let fieldNames = ["follow"]
            /// Nil: true.
            package var follow: Bool?

            package init(follow: Bool? = nil) {
                self.follow = follow
            }
        }
        package struct Reply: Codable, Hashable, Sendable {
            package var text: String
            /// When it was read, in µs since 1970; nil from an old daemon, as are the others.
            package var at: Int?
            /// `no-driver`, `disabled`, `not-permitted` or `readable`; nil also when it has not been read yet.
            package var state: String?
            /// How long ago the console was read last, in µs; only in the last of the replies about what is there.
            package var age: Int?

            package init(text: String, at: Int? = nil, state: String? = nil, age: Int? = nil) {
                self.text = text
                self.at = at
                self.state = state
                self.age = age
            }
        }
    }

    package enum Failures: ManagerMethod {
        package static let name = "Failures"
        package typealias Parameters = OneCell
        package struct Reply: Codable, Hashable, Sendable {
            package var failures: [Failure]

            package init(failures: [Failure]) {
                self.failures = failures
            }
        }
    }

    package enum Check: ManagerMethod {
        package static let name = "Check"
        package struct Parameters: VarlinkParameters {
            package static let fieldNames = ["path"]
            package var path: String?

            package init(path: String? = nil) {
                self.path = path
            }
        }
        package struct Reply: Codable, Hashable, Sendable {
            package var findings: [String]
            /// Nil from an old daemon.
            package var details: [Finding]?

            package init(findings: [String], details: [Finding]? = nil) {
                self.findings = findings
                self.details = details
            }
        }
    }
}
