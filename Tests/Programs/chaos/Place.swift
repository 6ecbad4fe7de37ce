// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Foundation

/// A cell of the chaos, and what may happen to it.
struct Subject: Sendable {
    let name: String
    let cpus: [Int]
    /// Whether it runs again after any end.
    let isAlwaysRestarted: Bool
    let isNeverRestarted: Bool
    /// Whether an inmate that hangs freezes Linux, which its definition accepts: then it had better not hang.
    let isEndless: Bool

    static let all = [
        Subject(
            name: "passive", cpus: [1], isAlwaysRestarted: true, isNeverRestarted: false, isEndless: false),
        Subject(
            name: "pair", cpus: [2, 3], isAlwaysRestarted: true, isNeverRestarted: false, isEndless: false),
        Subject(
            name: "worker", cpus: [4], isAlwaysRestarted: false, isNeverRestarted: false, isEndless: false),
        Subject(
            name: "endless", cpus: [5], isAlwaysRestarted: true, isNeverRestarted: false, isEndless: true),
        Subject(
            name: "once", cpus: [6], isAlwaysRestarted: false, isNeverRestarted: true, isEndless: false),
    ]

    /// The cell that nobody has defined.
    static let stranger = "stranger"
    /// For other cells that nobody has defined.
    static let foreignCPUs = [8, 9]

    /// By its place in ``all``.
    fileprivate func definition(_ number: Int, like text: String, _ architecture: Architecture) -> String {
        var text = text
        func replace(_ pattern: String, _ replacement: String) {
            text = text.replacingOccurrences(
                of: "(?m)^\(pattern) *=.*$", with: replacement, options: .regularExpression)
        }
        let memory = architecture.cellMemory
        for shipped in ["rtems", "hello-arm64"] {
            text = text.replacingOccurrences(of: "name = \"\(shipped)\"", with: "name = \"\(name)\"")
        }
        text = text.replacingOccurrences(
            of: "0x" + String(memory, radix: 16), with: "0x" + String(memory + UInt64(number * 8 << 20), radix: 16))
        replace("cpus", "cpus = \(cpus)")
        if name == "passive" { replace("message-timeout", "passive-comm-region = true") }
        if isEndless { replace("message-timeout", "message-timeout = 0") }
        let restart = isAlwaysRestarted ? "always" : isNeverRestarted ? "never" : "on-failure"
        replace(
            "restart",
            "restart = \"\(restart)\"" + (isEndless ? "\naccept-unbounded-handshake = true" : ""))
        replace("autostart", "autostart = \(isAlwaysRestarted)")
        replace("delay", "delay = \"1 ms\"")
        replace("maximum-delay", "maximum-delay = \"4 ms\"")
        replace("limit", "limit = { attempts = 100, within = \"1 s\" }")
        replace("stop-timeout", "stop-timeout = \"20 ms\"")
        return text
    }

    /// As its creator, whoever that is, describes it.
    static func strangerConfiguration(_ architecture: Architecture) throws -> [UInt8] {
        try CellDescriptor(
            name: stranger, architecture: architecture, flags: .passiveCommunicationRegion, cpus: CPUSet([7]),
            memoryRegions: [
                MemoryRegion(
                    physicalStart: architecture.cellMemory + 0x400_0000, size: 1 << 20,
                    flags: [.read, .write, .execute, .loadable])
            ]
        ).binary()
    }
}

extension Architecture {
    /// Where the shipped cell has its memory.
    fileprivate var cellMemory: UInt64 { self == .x86 ? 0x3a00_0000 : 0x7000_0000 }
}

/// The directory of a chaos: the daemon's configuration, its sockets, and the machine.
struct Place {
    let path: String
    var machine: String { path + "/machine" }
    var configuration: String { path + "/etc" }
    var runtime: String { path + "/run" }

    private static let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Makes the directory with the definitions of all subjects.
    init(_ architecture: Architecture) throws {
        path = "/tmp/chaos-\(UUID().uuidString.prefix(8))"
        let files = FileManager.default
        try files.createDirectory(atPath: configuration + "/cells", withIntermediateDirectories: true)
        let isArm = architecture == .arm64
        var shipped = try Self.text(isArm ? "configs/cells/arm64/hello.toml" : "configs/cells/rtems.toml")
            .replacingOccurrences(of: "/usr/lib/jailhoused/inmates", with: Self.source.path + "/inmates/build")
        // what it leaves to the daemon
        if isArm { shipped = shipped.replacingOccurrences(of: "[supervision]", with: Self.supervision) }
        for (number, subject) in Subject.all.enumerated() {
            try Self.write(
                subject.definition(number, like: shipped, architecture),
                to: "\(configuration)/cells/\(subject.name).toml")
        }
        let system = try Self.text("configs/systems/\(isArm ? "qemu-arm64" : "q35").toml")
            .replacingOccurrences(of: "cpus = \"0-3\"", with: "cpus = \"0-9\"")
        try Self.write(system, to: configuration + "/system.toml")
        try Self.write(
            "system = \"\(configuration)/system.toml\"\npoll-interval = \"2 ms\"\n",
            to: configuration + "/jailhoused.toml")
    }

    private static let supervision = """
        [supervision]
        autostart = false
        delay = "1 ms"
        maximum-delay = "4 ms"
        limit = { attempts = 100, within = "1 s" }
        stop-timeout = "20 ms"
        """

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: source.appending(path: name), encoding: .utf8)
    }

    private static func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        // whoever else may write it would make the daemon refuse it
        chmod(path, 0o644)
    }
}
