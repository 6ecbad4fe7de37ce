// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Builds what stands in for programs with RTEMS, with the toolchain's clang.
enum RTEMSToolchain {
    static let application = TestMachine.root + "/../../inmates/rtems"
    static let stub = TestMachine.root + "/RTEMS"
    static let warnings = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]

    /// Where real programs for Arm64 are; nil where there are none.
    static let arm64Images = ProcessInfo.processInfo.environment["RTEMS_ARM64_IMAGES"]

    /// - Parameter body: is given the folder, which is removed after it.
    static func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = NSTemporaryDirectory() + "rtems-application-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(folder)
    }

    /// - Throws: what the tool said, if it failed.
    /// - Parameter tool: a path, or one of those beside the Swift compiler.
    static func run(_ tool: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        let search = "PATH=\"$(dirname \"$(realpath \"$(command -v swiftc)\")\"):$PATH\"; exec \"$@\""
        process.arguments = ["-c", search, "sh", tool] + arguments
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        struct Failure: Error {
            var text: String
        }
        guard process.terminationStatus == 0 else { throw Failure(text: "\(tool) \(arguments): \(text)") }
    }
}
