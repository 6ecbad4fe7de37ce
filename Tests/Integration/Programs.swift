import Foundation
import Testing

/// Where things are: this package's sources, and the programs of the build that the tests belong to.
enum Place {
    static let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    /// The test program lies beside the package's commands.
    static let programs = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    static let inmates = source.appending(path: "inmates/build")

    static func program(_ name: String) -> String { programs.appending(path: name).path }
}

/// What a program left behind.
struct Ended {
    let status: Int32
    let output: String
    let errors: String
}

/// A running program; its output goes to files, so that it never waits for a reader.
final class Program: Sendable {
    private let process = Process()
    private let input = Pipe()
    private let directory: TemporaryDirectory

    /// Starts it.
    ///
    /// - Parameters:
    ///   - arguments: the program, looked for in PATH, and its arguments.
    ///   - environment: set in addition to the tests' own.
    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        directory = try TemporaryDirectory()
        for name in ["output", "errors"] { try Data().write(to: directory.url.appending(path: name)) }
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        process.standardOutput = try FileHandle(forWritingTo: directory.url.appending(path: "output"))
        process.standardError = try FileHandle(forWritingTo: directory.url.appending(path: "errors"))
        try process.run()
    }

    var identifier: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var output: String { text("output") }
    var errors: String { text("errors") }

    /// The end of its standard input.
    func closeInput() { try? input.fileHandleForWriting.close() }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for its end; kills it when that takes too long.
    func end(within limit: Duration = .seconds(60)) async throws -> Ended {
        do {
            try await eventually("\(process.arguments?.first ?? "") ends", within: limit) { !process.isRunning }
        } catch {
            process.terminate()
            throw error
        }
        return Ended(status: process.terminationStatus, output: output, errors: errors)
    }

    private func text(_ name: String) -> String {
        (try? String(contentsOf: directory.url.appending(path: name), encoding: .utf8)) ?? ""
    }

    /// Runs a program to its end.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], within limit: Duration = .seconds(60)
    ) async throws -> Ended {
        try await Program(arguments, environment: environment).end(within: limit)
    }
}

/// A directory of its own for a test, removed with it.
final class TemporaryDirectory: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "jailhoused-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }
}

/// A condition did not come true in time.
struct TooLate: Error, CustomStringConvertible {
    let description: String
}

/// Waits until `condition` is true, looking at it again and again.
func eventually(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(20), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw TooLate(description: "waited \(limit) until \(what())") }
        try await Task.sleep(for: .milliseconds(5))
    }
}
