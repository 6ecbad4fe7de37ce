// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Glibc
import Synchronization

/// A simulated machine of a test's own with the daemon in it.
final class LiveMachine: Sendable {
    let directory: TemporaryDirectory
    private let machine: Program
    private let daemonCommand: [String]
    private let currentDaemon: Mutex<Program?>
    private var daemon: Program? { currentDaemon.withLock { $0 } }

    /// Starts both.
    ///
    /// - Parameters:
    ///   - cells: definitions by the name of their file, without `.toml`.
    ///   - system: whether the hypervisor is enabled at start, with the shipped system.
    ///   - systemFile: which of those.
    ///   - simulator: further arguments of `jailhouse-sim serve`; cells are scripted unless they say otherwise.
    ///   - wrapper: what runs the daemon's command, instead of nothing.
    ///   - before: what is to be done when the machine is there and the daemon is not.
    static func start(
        cells: [String: String] = [:], system: Bool = true, systemFile: String = "q35", simulator: [String] = [],
        wrapper: (TemporaryDirectory) -> [String] = { _ in [] },
        before: (LiveMachine) async throws -> Void = { _ in }
    ) async throws -> LiveMachine {
        let directory = try TemporaryDirectory()
        let etc = directory.url.appending(path: "etc")
        try FileManager.default.createDirectory(at: etc.appending(path: "cells"), withIntermediateDirectories: true)
        let settings = system ? "system = \"\(Place.source.path)/configs/systems/\(systemFile).toml\"\n" : ""
        try settings.write(to: etc.appending(path: "jailhoused.toml"), atomically: true, encoding: .utf8)
        for (name, text) in cells {
            try text.write(to: etc.appending(path: "cells/\(name).toml"), atomically: true, encoding: .utf8)
        }
        let place = directory.url.appending(path: "machine").path
        let choice = simulator.contains("--cells") ? [] : ["--cells", "script"]
        let machine = try Program(
            [Place.program("jailhouse-sim"), "serve", "--directory", place] + choice + simulator)
        try await eventually("the machine is ready: \(machine.errors)") { machine.output.contains("ready") }
        let command =
            wrapper(directory) + [
                Place.program("jailhouse-sim"), "exec", "--directory", place, "--", Place.program("jailhoused"),
                "--configuration", etc.path, "--runtime", directory.url.appending(path: "run").path,
            ]
        let live = LiveMachine(directory: directory, machine: machine, daemonCommand: command)
        try await before(live)
        try await live.startDaemon()
        if system {
            try await eventually("the hypervisor is enabled: \(live.log)") {
                try await live.control("status").output.contains("Hypervisor: enabled")
            }
        }
        return live
    }

    private init(directory: TemporaryDirectory, machine: Program, daemonCommand: [String]) {
        self.directory = directory
        self.machine = machine
        self.daemonCommand = daemonCommand
        currentDaemon = Mutex(nil)
    }

    func startDaemon() async throws {
        let daemon = try Program(daemonCommand)
        currentDaemon.withLock { $0 = daemon }
        try await eventually("the daemon answers: \(daemon.errors)") {
            try await control("list", "--json").status == 0
        }
    }

    /// Ends the daemon as a crash would, and starts its successor.
    func killDaemon() async throws {
        signalDaemon(SIGKILL)
        _ = try await daemonEnd()
        try await startDaemon()
    }

    deinit {
        daemon?.stop()
        machine.stop()
    }

    /// The present daemon's.
    var log: String { daemon?.errors ?? "" }
    var console: String { machine.output }
    func signalDaemon(_ number: Int32) { daemon?.signal(number) }
    func signalMachine(_ number: Int32) { machine.signal(number) }
    func daemonEnd() async throws -> Ended {
        guard let daemon else { throw TooLate(description: "there is no daemon") }
        return try await daemon.end()
    }

    /// Runs `jailhouse-ctl`.
    func control(_ arguments: String...) async throws -> Ended { try await control(arguments) }

    func control(_ arguments: [String]) async throws -> Ended {
        try await Program.run(
            [Place.program("jailhouse-ctl")] + arguments,
            environment: ["JAILHOUSED_SOCKET": directory.url.appending(path: "run/control").path])
    }

    /// Starts `jailhouse-ctl`, which goes on until its end.
    func follow(_ arguments: String...) throws -> Program {
        try Program(
            [Place.program("jailhouse-ctl")] + arguments,
            environment: ["JAILHOUSED_SOCKET": directory.url.appending(path: "run/control").path])
    }

    /// Runs `jailhoused` beside the daemon, with its directories.
    func daemonCommand(_ arguments: String...) async throws -> Ended {
        let path = { (name: String) in self.directory.url.appending(path: name).path }
        return try await Program.run(
            [
                Place.program("jailhouse-sim"), "exec", "--directory", path("machine"), "--",
                Place.program("jailhoused"), "--configuration", path("etc"), "--runtime", path("run"),
            ] + arguments)
    }

    /// The daemon itself, which `jailhouse-sim exec` may have started.
    func daemonProcess() throws -> ProcessFiles {
        try ProcessFiles.find("jailhoused", argument: directory.url.appending(path: "run").path)
    }

    /// Starts `hostile.py` against the status socket, as this user where that is allowed.
    func hostileClients(as user: String, _ kinds: String...) throws -> Program {
        let script = Place.source.appending(path: "Tests/Integration/hostile.py").path
        return try Program(["python3", script, directory.url.appending(path: "run/status").path, user] + kinds)
    }

    /// How long, in seconds, a cell stands still: from the first look at its state that finds it failed to the first
    /// that finds it running again. Nil when it was so short that no look fell into it.
    func restartTime(of name: String) async throws -> Double? {
        guard let id = try await cell(name)?.id else { throw TooLate(description: "\(name) does not exist") }
        let state = directory.url.appending(path: "machine/root/sys/devices/jailhouse/cells/\(id)/state").path
        let work = BackgroundWork { () -> Double? in
            guard let failed = Self.wait(for: "failed", in: state), let up = Self.wait(for: "running", in: state)
            else { return nil }
            return Double(up - failed) / 1e9
        }
        try await inject(name, "fail")
        let time = await work.value
        try await eventually("\(name) runs again") { try await cell(name)?.condition == "running" }
        return time
    }

    /// When a file first had this line, in ns; nil when that took more than 5 s.
    private static func wait(for line: String, in path: String) -> UInt64? {
        let start = DispatchTime.now().uptimeNanoseconds
        while DispatchTime.now().uptimeNanoseconds - start < 5_000_000_000 {
            if let text = try? String(contentsOfFile: path, encoding: .utf8), text == line + "\n" {
                return DispatchTime.now().uptimeNanoseconds
            }
            usleep(200)
        }
        return nil
    }

    /// Runs `jailhouse-sim inject`.
    func inject(_ arguments: String...) async throws { try await inject(arguments) }

    func inject(_ arguments: [String]) async throws {
        _ = try await simulator(["inject"] + arguments)
    }

    /// The machine as it really is.
    func state() async throws -> MachineState {
        try JSONDecoder().decode(MachineState.self, from: Data(try await simulator(["state", "--json"]).utf8))
    }

    /// Runs `jailhouse-sim`.
    func simulator(_ arguments: [String]) async throws -> String {
        let ended = try await Program.run(
            [Place.program("jailhouse-sim")] + arguments,
            environment: ["JAILHOUSE_SIM_DIRECTORY": directory.url.appending(path: "machine").path])
        guard ended.status == 0 else { throw TooLate(description: "\(arguments): \(ended.errors)") }
        return ended.output
    }

    /// A cell as `list --json` shows it.
    func cell(_ name: String) async throws -> CellRow? {
        let list = try await control("list", "--json")
        return try JSONDecoder().decode([CellRow].self, from: Data(list.output.utf8)).first { $0.name == name }
    }

    func write(_ text: String, toCell name: String) throws {
        let url = directory.url.appending(path: "etc/cells/\(name).toml")
        try text.write(to: url, atomically: true, encoding: .utf8)
    }
}

/// Some of what `jailhouse-sim state --json` shows.
struct MachineState: Decodable {
    struct Cell: Decodable, Equatable {
        var name: String
        var state: String
        var failedCPUs: [Int]
        var executes: Bool
        var starts: Int
    }

    var cells: [Cell]
    var faults: [String]
}

/// The documented fields of `list --json`.
struct CellRow: Decodable, Equatable {
    var name: String
    var id: Int?
    var state: String?
    var condition: String
    var cpus: [Int]
    var failedCpus: [Int]
    var restarts: Int
    var since: String
}

/// Definitions for tests: the shipped RTEMS cell with the image where it was built, changed here and there.
enum Definitions {
    static func rtems(_ changes: (String, String)...) throws -> String { try shipped("rtems", changes) }

    /// One of the shipped definitions, with the image where it was built.
    static func shipped(_ name: String, _ changes: [(String, String)] = []) throws -> String {
        let path = Place.source.appending(path: "configs/cells/\(name).toml")
        var text = try String(contentsOf: path, encoding: .utf8)
            .replacingOccurrences(of: "/usr/lib/jailhoused/inmates", with: Place.inmates.path)
        for (old, new) in changes {
            guard text.contains(old) else { throw TooLate(description: "the definition of \(name) has no \(old)") }
            text = text.replacingOccurrences(of: old, with: new)
        }
        return text
    }
}
