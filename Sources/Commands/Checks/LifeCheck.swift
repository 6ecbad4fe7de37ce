// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import FailureReports
import SystemCalls
import SystemPackage

/// Looks for a cell's signs of life from outside, as the liveness rule of its definition says.
struct LifeCheck {
    enum Result: Equatable {
        case alive
        /// Why not, for people.
        case silent(String)
        /// Its Linux has ended, as `ended` of `Alive` has it.
        case ended(String, line: String)
        /// It cannot be looked for; that says nothing about the cell.
        case unable(String)

        /// What the daemon is told; nil: nothing.
        var isAlive: Bool? {
            switch self {
            case .alive: true
            case .silent: false
            case .ended, .unable: nil
            }
        }

        /// What the daemon keeps with the failure.
        var reason: String? { if case .silent(let reason) = self { reason } else { nil } }

        var sentence: String {
            switch self {
            case .alive: "alive"
            case .silent(let reason): "no sign of life: \(reason)"
            case .ended(let how, let line): "its Linux has ended: \(how) (\(line))"
            case .unable(let reason): "cannot look for a sign of life, so nothing is held against it: \(reason)"
            }
        }
    }

    let rule: LivenessCheck
    /// Whether the last words of a Linux count.
    let isLinux: Bool
    let memory: MachineMemoryFiles
    private var lastWord: UInt32?
    /// What a console's file is read with; nil: it is not open.
    private var lines: ArrivingLines?
    /// Whether the last look saw a Linux begin.
    private(set) var hasSeenBoot = false
    /// Up to the line that said how it ended, if one did.
    private(set) var recent = RecentLines()

    /// - Returns: nil for a kind that the daemon looks after by itself.
    init?(_ rule: LivenessCheck, isLinux: Bool = false, memory: MachineMemoryFiles = MachineMemoryFiles()) {
        switch rule.kind {
        case .console where rule.file != nil, .heartbeat, .probe, .command: break
        case .exits, .console, .external: return nil
        }
        self.rule = rule
        self.isLinux = isLinux
        self.memory = memory
    }

    /// Passes over what the cell prints while it does not run: it is no sign of the life that comes.
    mutating func pass() {
        _ = try? lines?.take()
        recent = RecentLines()
    }

    /// - Parameter isNewLife: whether the cell was started since the last look: what is read may be of the life before.
    /// - Returns: nil when it takes another look to know.
    mutating func look(isNewLife: Bool = false) -> Result? {
        do throws(SystemCallError) {
            if let address = rule.address { return try beat(at: address) }
            if let file = rule.file { return try listen(at: file, isNewLife) }
            if let target = rule.target {
                try NetworkProbe.ask(
                    target.transport, host: target.host, port: target.port, timeout: rule.timeout)
                return .alive
            }
            switch try ChildProcess.run(rule.command, timeout: rule.timeout) {
            case .exited(0): return .alive
            case .exited(let status): return .silent("the command \(name) exited with status \(status)")
            case .signalled(let signal): return .silent("the command \(name) was killed by signal \(signal)")
            case .timedOut: return .silent("the command \(name) did not end within \(limit)")
            }
        } catch {
            guard let target = rule.target else { return .unable("\(error)") }
            guard error.call == "socket" else { return .silent("\(name(of: target)): \(error)") }
            let isForbiddenPing = target.transport == .icmp && error.errno == .permissionDenied
            return .unable(
                isForbiddenPing
                    ? "\(error): no group of this user is in the sysctl net.ipv4.ping_group_range" : "\(error)")
        }
    }

    private var name: String { rule.command.first ?? "" }

    /// `2 s`, `500 ms`
    private var limit: String {
        let (seconds, fraction) = rule.timeout.components
        return fraction == 0 ? "\(seconds) s" : "\(seconds * 1000 + fraction / 1_000_000_000_000_000) ms"
    }

    /// As the definition has it.
    private func name(of target: LivenessCheck.Target) -> String {
        let host = target.host.contains(":") ? "[\(target.host)]" : target.host
        return "\(target.transport.rawValue)://\(host)" + (target.transport == .icmp ? "" : ":\(target.port)")
    }

    private mutating func listen(at file: String, _ isNewLife: Bool) throws(SystemCallError) -> Result? {
        guard let lines else {
            lines = try ArrivingLines(file)
            return nil
        }
        do throws(SystemCallError) {
            let text = rule.contains ?? ""
            var arrived = try lines.take()[...]
            let boot = isLinux ? arrived.lastIndex(where: GuestMessage.isBoot) : nil
            hasSeenBoot = boot != nil
            if let boot { arrived = arrived[boot...] } else if isNewLife { return nil }
            let end = isLinux ? GuestMessage.first(in: arrived, afterStartOf: nil) : nil
            if isNewLife { recent = RecentLines() }
            for line in arrived {
                recent.add(line)
                if line == end?.line { break }
            }
            if let end {
                return .ended(end.message.rawValue, line: end.line)
            }
            if arrived.contains(where: { $0.contains(text) }) { return .alive }
            let last = lines.last.map { "; the last line was \"\($0)\"" } ?? ""
            return .silent("no line with \"\(text)\" on \(file)\(last)")
        } catch {
            // such as a line that was unplugged: it is opened again
            self.lines = nil
            throw error
        }
    }

    private mutating func beat(at address: UInt64) throws(SystemCallError) -> Result? {
        let word = try memory.word(at: address)
        defer { lastWord = word }
        guard let lastWord else { return nil }
        return word == lastWord ? .silent("the word at 0x\(String(address, radix: 16)) stays \(word)") : .alive
    }
}
