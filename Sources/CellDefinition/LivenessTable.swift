// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Supervision
package import SystemCalls

/// The key `liveness` of `[supervision]`: where signs of life come from.
package struct LivenessCheck: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// The cell's count of VM exits.
        case exits = "vm-exits"
        /// Lines that the cell prints on the hypervisor's console, or elsewhere: ``LivenessCheck/file``.
        case console
        /// A word of memory that changes.
        case heartbeat
        /// An answer over the network.
        case probe
        /// A program that exits with 0.
        case command
        /// Calls of `Alive` by any program.
        case external
    }

    /// Where a probe goes.
    package struct Target: Hashable, Sendable {
        package var transport: NetworkProbe.Transport
        /// An address in figures.
        package var host: String
        /// 0 for ICMP.
        package var port: UInt16
    }

    package var kind: Kind
    /// Of a console: what a line must contain to be a sign.
    package var contains: String?
    /// Of a console: where the lines are, such as a serial line that the cell's is connected to; nil: on the hypervisor's.
    package var file: String?
    /// Of a heartbeat: the physical address of the 32-bit word.
    package var address: UInt64?
    /// Of a probe.
    package var target: Target?
    /// Of a command: the program's path, and its arguments.
    package var command: [String] = []
    /// The pause between two looks of `jailhouse-ctl check-alive`.
    package var every = Duration.seconds(1)
    /// How long a probe or a command may take.
    package var timeout = Duration.seconds(1)

    package init(kind: Kind, contains: String? = nil) {
        self.kind = kind
        self.contains = contains
    }
}

extension LivenessCheck {
    /// The console is read once a second: a shorter time would say nothing.
    private static let shortestOfConsole = Duration.seconds(2)
    private static let usual = Duration.seconds(10)

    init(_ table: SourceTable) throws(ConfigurationError) {
        let word = try table.required("kind").word(of: Kind.allCases.map(\.rawValue))
        kind = Kind(rawValue: word) ?? .exits
        switch kind {
        case .exits, .external: return
        case .console:
            contains = try Self.text(try table.required("contains"))
            guard let found = table.value("file") else { return }
            let path = try found.string()
            guard path.hasPrefix("/") else { throw found.error(.invalidValue, "it must be the whole path of a file") }
            file = path
        case .heartbeat:
            let found = try table.required("address")
            let number = try found.number(in: 0...UInt64.max)
            guard number % 4 == 0 else { throw found.error(.invalidValue, "it must be a multiple of 4") }
            address = number
        case .probe: target = try Self.target(try table.required("target"))
        case .command:
            let found = try table.required("command")
            command = try found.list().map { value throws(ConfigurationError) in try value.string() }
            guard command.first?.hasPrefix("/") == true else {
                throw found.error(.invalidValue, "it must begin with the whole path of a program")
            }
        }
        every = try SupervisionTable.time(table, "every", from: .milliseconds(10)) ?? every
        timeout = try SupervisionTable.time(table, "timeout", from: .milliseconds(1)) ?? timeout
    }

    private static func text(_ found: SourceValue) throws(ConfigurationError) -> String {
        let text = try found.string()
        guard !text.isEmpty, !text.contains(where: \.isNewline) else {
            throw found.error(.invalidValue, "it must be a part of one line")
        }
        return text
    }

    /// `tcp://192.168.19.2:80`, `udp://[fd00::2]:7`, `icmp://192.168.19.2`
    private static func target(_ found: SourceValue) throws(ConfigurationError) -> Target {
        let text = try found.string()
        let mistake = found.error(
            .invalidValue,
            "\"\(text)\" is none of tcp://ADDRESS:PORT, udp://ADDRESS:PORT and icmp://ADDRESS, with the "
                + "address in figures")
        guard let mark = text.firstRange(of: "://"),
            let transport = NetworkProbe.Transport(rawValue: String(text[..<mark.lowerBound]))
        else { throw mistake }
        var host = text[mark.upperBound...]
        var port: UInt16 = 0
        if transport != .icmp {
            guard let colon = host.lastIndex(of: ":"), let number = UInt16(host[host.index(after: colon)...]),
                number > 0
            else { throw mistake }
            (host, port) = (host[..<colon], number)
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard NetworkProbe.isAddress(String(host)) else { throw mistake }
        return Target(transport: transport, host: String(host), port: port)
    }

    /// The times of the same table.
    func rule(_ table: SourceTable) throws(ConfigurationError) -> Liveness {
        // "stall" is what the first releases called it
        let key = kind == .exits && table.value("stall") != nil ? "stall" : "within"
        let shortest = kind == .console ? Self.shortestOfConsole : .milliseconds(1)
        let within = try SupervisionTable.time(table, key, from: shortest) ?? Self.usual
        let afterStart = try SupervisionTable.time(table, "after-start", from: shortest)
        let source: Liveness.Source =
            switch kind {
            case .exits: .exits
            case .console, .heartbeat, .probe, .command: .listener
            case .external: .calls
            }
        return Liveness(source, within: within, afterStart: afterStart)
    }
}
