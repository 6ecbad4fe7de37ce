// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Foundation

/// What the daemon uses.
struct Resources: Sendable {
    /// Kilobytes of resident memory.
    let memory: Int
    let descriptors: Int
    let threads: Int
}

/// The daemon's process.
final class SoakedDaemon {
    private let process = Process()
    private let journal: URL

    init(program: String, place: SoakPlace, environment: [String: String]) throws {
        // an error or warning a failure: by the hundred thousand, kept in a file that is removed with the rest
        journal = URL(filePath: place.path + "/journal")
        try Data().write(to: journal)
        process.executableURL = URL(filePath: program)
        process.arguments = ["--configuration", place.configuration, "--runtime", place.runtime]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: journal)
        try process.run()
    }

    var isRunning: Bool { process.isRunning }

    func end() {
        process.terminate()
        process.waitUntilExit()
    }

    func waitUntilItAnswers(on socket: String) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if let client = try? ControlClient(socket: socket), (try? client.call(Manager.List.self)) != nil { return }
            guard process.isRunning else { break }
            usleep(20_000)
        }
        throw Finding("the daemon does not answer: \(lastWords)")
    }

    var lastWords: String { ((try? String(contentsOf: journal, encoding: .utf8)) ?? "").suffix(2000) + "" }

    /// What it uses now: the least of many readings, since some is in use for a moment only, on a busy machine a long one.
    func resources() throws -> Resources {
        var least = try reading()
        for _ in 1..<50 {
            usleep(5000)
            let next = try reading()
            least = Resources(
                memory: min(least.memory, next.memory), descriptors: min(least.descriptors, next.descriptors),
                threads: min(least.threads, next.threads))
        }
        return least
    }

    private func reading() throws -> Resources {
        let path = "/proc/\(process.processIdentifier)"
        let status = try String(contentsOfFile: path + "/status", encoding: .utf8)
        func number(_ key: String) -> Int? {
            status.split(separator: "\n").first { $0.hasPrefix(key) }.flatMap { line in
                Int(line.dropFirst(key.count).prefix { !$0.isLetter }.trimmingCharacters(in: .whitespaces))
            }
        }
        guard let memory = number("VmRSS:"), let threads = number("Threads:") else {
            throw Finding("\(path)/status cannot be read")
        }
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: path + "/fd").count
        return Resources(memory: memory, descriptors: descriptors, threads: threads)
    }
}
