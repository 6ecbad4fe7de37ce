import Foundation
import Testing

/// The real jailhouse-ctl, as a child process.
struct Executable {
    struct Outcome: Hashable {
        let status: Int32
        let output: String
        let error: String
    }

    /// Beside the tests, where the build put it.
    static let url = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appendingPathComponent("jailhouse-ctl")

    /// Runs a command to its end.
    static func run(
        _ arguments: [String], input: Data? = nil, environment: [String: String] = [:]
    ) throws -> Outcome {
        let process = Process()
        process.executableURL = url
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin", "TZ": "UTC"].merging(environment) { $1 }
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        // files, since a pipe that nobody empties meanwhile could fill up
        func file(_ name: String, _ contents: Data = Data()) throws -> FileHandle {
            let path = directory + "/" + name
            try contents.write(to: URL(fileURLWithPath: path))
            return try #require(FileHandle(forUpdatingAtPath: path))
        }
        let (output, error) = (try file("output"), try file("error"))
        process.standardInput = try input.map { try file("input", $0) } ?? FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = error
        try process.run()
        process.waitUntilExit()
        func contents(_ name: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(fileURLWithPath: directory + "/" + name)), as: UTF8.self)
        }
        return Outcome(
            status: process.terminationStatus, output: try contents("output"), error: try contents("error"))
    }
}
