// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Supervision

/// The table `[supervision]`.
struct SupervisionTable {
    /// The longest time that may be asked for.
    private static let longest = Duration.seconds(366 * 24 * 3600)

    var policy = SupervisionPolicy()
    /// Whether an unbounded handshake is accepted.
    var acceptsUnboundedHandshake = false
    var dependencies = Dependencies()
    /// How ``SupervisionPolicy/liveness`` is looked for.
    var liveness: LivenessCheck?
    /// How ``SupervisionPolicy/asksGuest`` is done.
    var guest: GuestService?

    init(_ document: SourceDocument) throws(ConfigurationError) {
        guard let table = try document.root.table("supervision") else { return }
        policy.autostart = try table.value("autostart")?.boolean() ?? policy.autostart
        if let restart = table.value("restart") {
            let word = try restart.word(of: SupervisionPolicy.Restart.allCases.map(\.rawValue))
            policy.restart = SupervisionPolicy.Restart(rawValue: word) ?? policy.restart
        }
        policy.restartsDegraded = try table.value("restart-degraded")?.boolean() ?? policy.restartsDegraded
        policy.restartsSilent = try table.value("restart-silent")?.boolean() ?? policy.restartsSilent
        policy.delay = try SupervisionTable.time(table, "delay", from: .zero) ?? policy.delay
        let maximumDelay = try SupervisionTable.time(table, "maximum-delay", from: .zero)
        policy.maximumDelay = maximumDelay ?? max(policy.maximumDelay, policy.delay)
        if maximumDelay != nil, policy.maximumDelay < policy.delay, let found = table.value("maximum-delay") {
            throw found.error(.conflict, "\"maximum-delay\" is less than \"delay\"")
        }
        policy.stopTimeout = try SupervisionTable.time(table, "stop-timeout", from: .zero) ?? policy.stopTimeout
        if let limit = try table.table("limit") {
            policy.limit.attempts = try limit.value("attempts")?.number(in: 1...1000) ?? policy.limit.attempts
            policy.limit.within =
                try SupervisionTable.time(limit, "within", from: .milliseconds(1)) ?? policy.limit.within
        }
        if let table = try table.table("liveness") {
            let check = try LivenessCheck(table)
            policy.liveness = try check.rule(table)
            liveness = check
        }
        if let table = try table.table("guest") {
            guest = try GuestService(table)
            policy.asksGuest = true
        }
        acceptsUnboundedHandshake = try table.value("accept-unbounded-handshake")?.boolean() ?? false
        dependencies.requires = try SupervisionTable.names(table, "requires")
        dependencies.after = try SupervisionTable.names(table, "after")
    }

    private static func names(_ table: SourceTable, _ key: String) throws(ConfigurationError) -> [String] {
        var names: [String] = []
        for value in try table.value(key)?.list() ?? [] {
            let name = try value.string()
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    static func time(
        _ table: SourceTable, _ key: String, from shortest: Duration
    ) throws(ConfigurationError) -> Duration? {
        guard let found = table.value(key) else { return nil }
        let time = try found.duration()
        guard time >= shortest else {
            let least = shortest < .seconds(1) ? "more than no time" : "\(shortest.inWords) or more"
            throw found.error(.outOfRange, "it must be \(least)")
        }
        guard time <= longest else { throw found.error(.outOfRange, "a year is the longest time possible here") }
        return time
    }
}
