// SPDX-License-Identifier: Apache-2.0

extension Manager {
    /// A cell that exists, is defined, or both.
    package struct Cell: Codable, Hashable, Sendable {
        package var name: String
        /// Nil while the cell does not exist.
        package var id: Int?
        /// The hypervisor's word; nil while the cell does not exist.
        package var state: String?
        /// The daemon's word.
        package var condition: String
        package var cpus: [Int]
        package var failedCpus: [Int]
        package var restarts: Int
        /// When ``condition`` changed last, in µs since 1970.
        package var since: Int
        /// The same in µs since boot.
        package var sinceMonotonic: Int
        package var defined: Bool

        package init(
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

    /// How often a cell failed in one way.
    package struct FailureCount: Codable, Hashable, Sendable {
        package var kind: String
        package var count: Int

        package init(kind: String, count: Int) {
            self.kind = kind
            self.count = count
        }
    }

    /// All that is known about one cell.
    package struct Details: Codable, Hashable, Sendable {
        package var cell: Cell
        /// Nil for a foreign cell.
        package var definition: String?
        /// Why the definition cannot be used.
        package var problem: String?
        package var images: [String]
        package var supervision: Supervision?
        package var lastFailure: Failure?
        package var console: [String]
        package var vmExits: Int?
        /// Nil when the inmate has not been asked.
        package var lastShutdown: ShutdownRequest?
        /// The errors that the definition accepts: `JH0901: the reason`. Nil: none.
        package var accepted: [String]?
        /// Nil without such a rule.
        package var liveness: Liveness?
        /// Since the daemon was started; nil: none.
        package var failureCounts: [FailureCount]?
        /// Of its devices, what an IOMMU dropped since the hypervisor was enabled; nil: nothing.
        package var deviceFaults: [DeviceFault]?
        /// What its VM exits tell of the Linux in it, which decides nothing; nil: nothing out of the way.
        package var hint: String?
        /// Whether the cell that exists was created with another configuration than its definition has; nil: no.
        package var outdated: Bool?
        /// Its conditions since the daemon was started, the latest last; nil: it has had one only.
        package var history: [Transition]?
        /// When a cell that runs was seen to run first, by this daemon; µs since 1970.
        package var started: Int?
        /// Tells this run of the cell from others, for `Alive`; nil: it does not run.
        package var life: Int?

        package init(
            cell: Cell, definition: String? = nil, problem: String? = nil, images: [String] = [],
            supervision: Supervision? = nil, lastFailure: Failure? = nil, console: [String] = [], vmExits: Int? = nil,
            lastShutdown: ShutdownRequest? = nil, accepted: [String]? = nil, liveness: Liveness? = nil,
            failureCounts: [FailureCount]? = nil, deviceFaults: [DeviceFault]? = nil,
            hint: String? = nil, outdated: Bool? = nil, history: [Transition]? = nil, started: Int? = nil,
            life: Int? = nil
        ) {
            self.life = life
            self.started = started
            self.history = history
            self.outdated = outdated
            self.deviceFaults = deviceFaults
            self.hint = hint
            self.failureCounts = failureCounts
            self.cell = cell
            self.liveness = liveness
            self.accepted = accepted
            self.lastShutdown = lastShutdown
            self.definition = definition
            self.problem = problem
            self.images = images
            self.supervision = supervision
            self.lastFailure = lastFailure
            self.console = console
            self.vmExits = vmExits
        }
    }

    /// A condition, and when it began.
    package struct Transition: Codable, Hashable, Sendable {
        /// µs since 1970.
        package var at: Int
        package var condition: String

        package init(at: Int, condition: String) {
            self.at = at
            self.condition = condition
        }
    }

    /// What shows that a cell works.
    package struct Liveness: Codable, Hashable, Sendable {
        package var kind: String
        /// µs.
        package var within: Int
        /// µs.
        package var afterStart: Int
        package var restarts: Bool
        /// µs since 1970; nil: none yet.
        package var lastSign: Int?
        /// µs since 1970; nil: it is not silent.
        package var silentSince: Int?

        package init(
            kind: String, within: Int, afterStart: Int, restarts: Bool, lastSign: Int? = nil, silentSince: Int? = nil
        ) {
            self.kind = kind
            self.within = within
            self.afterStart = afterStart
            self.restarts = restarts
            self.lastSign = lastSign
            self.silentSince = silentSince
        }
    }

    /// How a cell is looked after, and how far its restarts have got.
    package struct Supervision: Codable, Hashable, Sendable {
        package var desired: String
        package var restart: String
        /// µs, as are the other durations.
        package var delay: Int
        package var maximumDelay: Int
        package var attempts: Int
        package var attemptLimit: Int
        package var limitWithin: Int
        /// µs since 1970; nil unless the cell is backing off.
        package var nextRestart: Int?
        package var stopTimeout: Int
        package var autostart: Bool

        package init(
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
    package struct Failure: Codable, Hashable, Sendable {
        /// µs since 1970.
        package var at: Int
        package var reason: String
        package var state: String?
        package var failedCpus: [Int]
        package var console: [String]
        package var vmExits: Int?
        package var managementExits: Int?

        package init(
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

    /// Something that the rules say of a file, or a mistake that keeps it from being understood.
    package struct Finding: Codable, Hashable, Sendable {
        /// Nil for such a mistake.
        package var rule: String?
        /// `error`, `warning` or `note`.
        package var severity: String
        package var path: String?
        package var line: Int?
        package var location: String
        package var message: String
        package var consequence: String
        package var remedy: String

        package init(
            rule: String? = nil, severity: String, path: String? = nil, line: Int? = nil, location: String = "",
            message: String, consequence: String = "", remedy: String = ""
        ) {
            self.rule = rule
            self.severity = severity
            self.path = path
            self.line = line
            self.location = location
            self.message = message
            self.consequence = consequence
            self.remedy = remedy
        }
    }

    /// Something happened to a cell.
    package struct Change: Codable, Hashable, Sendable {
        /// µs since 1970.
        package var at: Int
        package var kind: String
        package var cell: Cell
        package var previous: String?
        package var message: String
        /// Changes that this watcher was too slow for.
        package var missed: Int

        package init(
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
