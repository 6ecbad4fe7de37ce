extension Manager {
    /// A cell that exists, is defined, or both.
    public struct Cell: Codable, Hashable, Sendable {
        public var name: String
        /// Nil while the cell does not exist.
        public var id: Int?
        /// The hypervisor's word; nil while the cell does not exist.
        public var state: String?
        /// The daemon's word.
        public var condition: String
        public var cpus: [Int]
        public var failedCpus: [Int]
        public var restarts: Int
        /// When ``condition`` changed last, in µs since 1970.
        public var since: Int
        /// The same in µs since boot.
        public var sinceMonotonic: Int
        public var defined: Bool

        public init(
            name: String, id: Int? = nil, state: String? = nil, condition: String, cpus: [Int] = [],
            failedCpus: [Int] = [], restarts: Int, since: Int, sinceMonotonic: Int, defined: Bool
        ) {
            self.name = name
            self.id = id
            self.state = state
            self.condition = condition
            self.cpus = cpus
            self.failedCpus = failedCpus
            self.restarts = restarts
            self.since = since
            self.sinceMonotonic = sinceMonotonic
            self.defined = defined
        }
    }

    /// All that is known about one cell.
    public struct Details: Codable, Hashable, Sendable {
        public var cell: Cell
        /// Nil for a foreign cell.
        public var definition: String?
        /// Why the definition cannot be used.
        public var problem: String?
        public var images: [String]
        public var supervision: Supervision?
        public var lastFailure: Failure?
        public var console: [String]
        public var vmExits: Int?

        public init(
            cell: Cell, definition: String? = nil, problem: String? = nil, images: [String] = [],
            supervision: Supervision? = nil, lastFailure: Failure? = nil, console: [String] = [], vmExits: Int? = nil
        ) {
            self.cell = cell
            self.definition = definition
            self.problem = problem
            self.images = images
            self.supervision = supervision
            self.lastFailure = lastFailure
            self.console = console
            self.vmExits = vmExits
        }
    }

    /// How a cell is looked after, and how far its restarts have got.
    public struct Supervision: Codable, Hashable, Sendable {
        public var desired: String
        public var restart: String
        /// µs, as are the other durations.
        public var delay: Int
        public var maximumDelay: Int
        public var attempts: Int
        public var attemptLimit: Int
        public var limitWithin: Int
        /// µs since 1970; nil unless the cell is backing off.
        public var nextRestart: Int?
        public var stopTimeout: Int
        public var autostart: Bool

        public init(
            desired: String, restart: String, delay: Int, maximumDelay: Int, attempts: Int, attemptLimit: Int,
            limitWithin: Int, nextRestart: Int? = nil, stopTimeout: Int, autostart: Bool
        ) {
            self.desired = desired
            self.restart = restart
            self.delay = delay
            self.maximumDelay = maximumDelay
            self.attempts = attempts
            self.attemptLimit = attemptLimit
            self.limitWithin = limitWithin
            self.nextRestart = nextRestart
            self.stopTimeout = stopTimeout
            self.autostart = autostart
        }
    }

    /// What was kept of a failure before the cell was repaired.
    public struct Failure: Codable, Hashable, Sendable {
        /// µs since 1970.
        public var at: Int
        public var reason: String
        public var state: String?
        public var failedCpus: [Int]
        public var console: [String]
        public var vmExits: Int?
        public var managementExits: Int?

        public init(
            at: Int, reason: String, state: String? = nil, failedCpus: [Int] = [], console: [String] = [],
            vmExits: Int? = nil, managementExits: Int? = nil
        ) {
            self.at = at
            self.reason = reason
            self.state = state
            self.failedCpus = failedCpus
            self.console = console
            self.vmExits = vmExits
            self.managementExits = managementExits
        }
    }

    /// Something happened to a cell.
    public struct Change: Codable, Hashable, Sendable {
        /// µs since 1970.
        public var at: Int
        public var kind: String
        public var cell: Cell
        public var previous: String?
        public var message: String
        /// Changes that this watcher was too slow for.
        public var missed: Int

        public init(
            at: Int, kind: String, cell: Cell, previous: String? = nil, message: String, missed: Int
        ) {
            self.at = at
            self.kind = kind
            self.cell = cell
            self.previous = previous
            self.message = message
            self.missed = missed
        }
    }
}
