// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ConfigurationRules
import Foundation
import Glibc
import InmateImage
import Synchronization
import SystemCalls
import TestSupport
import Testing

@testable import Daemon

/// A directory of its own that goes with it.
private final class Directory: Sendable {
    let path = FileManager.default.temporaryDirectory.appending(path: "trust-\(UUID().uuidString.prefix(8))").path

    init(mode: mode_t = 0o755) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        chmod(path, mode)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult func write(_ bytes: [UInt8], to name: String, mode: mode_t = 0o644) throws -> String {
        let file = "\(path)/\(name)"
        try Data(bytes).write(to: URL(filePath: file))
        chmod(file, mode)
        return file
    }
}

@Suite("Files that the daemon trusts") struct TrustedFilesTests {
    private let files = TrustedFiles()

    @Test("A file that only its owner writes is read")
    func sound() throws {
        let directory = try Directory()
        let path = try directory.write([1, 2, 3], to: "image")
        #expect(try files.read(path).contents == [1, 2, 3])
        try files.check(directory: directory.path)
    }

    @Test("One that everybody writes is not, also by a link to it")
    func writable() throws {
        let directory = try Directory()
        let path = try directory.write([1], to: "image", mode: 0o666)
        let link = directory.path + "/link"
        symlink(path, link)
        for name in [path, link] {
            #expect(throws: UntrustedFile.self) { try files.read(name) }
        }
        chmod(path, 0o644)
        #expect(try files.read(link).contents == [1])
    }

    @Test("Nor one whose directory everybody writes, wherever the link to it stands")
    func directory() throws {
        let (open, closed) = (try Directory(mode: 0o777), try Directory())
        let path = try open.write([1], to: "image")
        symlink(path, closed.path + "/link")
        #expect(throws: UntrustedFile.self) { try files.read(path) }
        #expect(throws: UntrustedFile.self) { try files.read(closed.path + "/link") }
        #expect(throws: UntrustedFile.self) { try files.check(directory: open.path) }
    }

    @Test("Nor one below a grand-parent that everybody writes, nor by a link in such a directory")
    func steps() throws {
        let open = try Directory(mode: 0o777)
        mkdir(open.path + "/inner", 0o755)
        let path = try open.write([1], to: "inner/image")
        #expect(throws: UntrustedFile.self) { try files.read(path) }
        #expect(throws: UntrustedFile.self) { try files.check(directory: open.path + "/inner") }

        let closed = try Directory()
        let sound = try closed.write([2], to: "image")
        symlink(sound, open.path + "/link")
        #expect(throws: UntrustedFile.self) { try files.read(open.path + "/link") }
        chmod(open.path, 0o755)
        #expect(try files.read(open.path + "/link").contents == [2])
        // relative to the link's own directory, and by way of another
        symlink("../" + (closed.path.split(separator: "/").last ?? "") + "/image", open.path + "/relative")
        #expect(try files.read(open.path + "/relative").contents == [2])
    }

    @Test("A foreign owner may replace it, whatever its mode", .enabled(if: geteuid() == 0))
    func foreignOwner() throws {
        let directory = try Directory()
        let path = try directory.write([1], to: "image")
        chown(path, 1000, 1000)
        #expect(throws: UntrustedFile.self) { try files.read(path) }
        chown(path, 0, 0)
        chown(directory.path, 1000, 1000)
        #expect(throws: UntrustedFile.self) { try files.read(path) }
        chown(directory.path, 0, 0)
        lchown(directory.path, 0, 0)
        symlink(path, directory.path + "/link")
        lchown(directory.path + "/link", 1000, 1000)
        #expect(throws: UntrustedFile.self) { try files.read(directory.path + "/link") }
    }

    @Test("Links in a circle are an error")
    func circle() throws {
        let directory = try Directory()
        symlink("b", directory.path + "/a")
        symlink("a", directory.path + "/b")
        #expect(throws: SystemCallError.self) { try files.read(directory.path + "/a") }
    }

    @Test("A pipe and a device are no files, and nobody waits for a writer", .timeLimit(.minutes(1)))
    func noFiles() throws {
        let directory = try Directory()
        let pipe = directory.path + "/pipe"
        mkfifo(pipe, 0o644)
        for path in [pipe, "/dev/zero", directory.path] {
            #expect(throws: FileProblem.notAFile(path)) { try files.read(path) }
        }
    }

    @Test("A file that grows while it is read is refused")
    func growing() throws {
        let directory = try Directory()
        let path = try directory.write([], to: "image")
        truncate(path, 32 << 20)
        let isOver = Mutex(false)
        let started = DispatchSemaphore(value: 0)
        let ended = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let descriptor = open(path, O_WRONLY | O_APPEND)
            var byte: UInt8 = 0
            repeat {
                write(descriptor, &byte, 1)
                started.signal()
            } while !isOver.withLock { $0 }
            close(descriptor)
            ended.signal()
        }
        started.wait()
        // on a busy machine the writer may stand still for a whole reading
        let isRefused = (1...50).contains { _ in
            do {
                _ = try files.read(path)
                return false
            } catch {
                return error as? FileProblem == .changing(path)
            }
        }
        #expect(isRefused)
        isOver.withLock { $0 = true }
        ended.wait()
        #expect(try files.read(path).contents.count > 32 << 20)
    }

    @Test("What is below /tmp may be hidden from the daemon, and that is said")
    func temporary() {
        #expect(throws: FileProblem.temporary("/tmp/no-such.toml")) { try files.read("/tmp/no-such.toml") }
    }
}

@Suite("Images that change after they were judged") struct JudgedImagesTests {
    private let files = TrustedFiles()

    private func definition(_ image: String, size: String = "1 MiB") throws -> CellDefinition {
        let toml = SmallCell.toml(
            name: "a", cpu: 1, keys: ["passive-comm-region = true", "reset-address = 0x0"], size: size, image: image)
        return try CellDefinition(toml: toml, path: "/a.toml") { _ in [] }
    }

    @Test("The same file is loaded without a word")
    func unchanged() throws {
        let directory = try Directory()
        let definition = try definition(directory.write([0x90], to: "image"))
        var (findings, images) = JudgedImages.judging(definition, files)
        #expect(findings.filter { $0.severity == .error }.isEmpty)
        let pieces = try images.plan(of: definition, files) { Issue.record("\($0) has not changed") }
        #expect(pieces.map(\.contents) == [[0x90]])
    }

    @Test("Another one is judged again, once, and loaded when it passes")
    func changed() throws {
        let directory = try Directory()
        let path = try directory.write([0x90], to: "image")
        let definition = try definition(path)
        var (_, images) = JudgedImages.judging(definition, files)
        rename(try directory.write([0xf4, 0xf4], to: "new"), path)
        var told: [String] = []
        #expect(try images.plan(of: definition, files) { told.append($0) }.map(\.contents) == [[0xf4, 0xf4]])
        #expect(try images.plan(of: definition, files) { told.append($0) }.count == 1)
        #expect(told == [path])
    }

    @Test("One that was missing, and one that does not pass")
    func refused() throws {
        let directory = try Directory()
        let path = directory.path + "/image"
        let definition = try definition(path, size: "4 KiB")
        var (findings, images) = JudgedImages.judging(definition, files)
        #expect(findings.contains { $0.rule == "JH0801" })
        try directory.write([0x90], to: "image")
        var told: [String] = []
        #expect(try images.plan(of: definition, files) { told.append($0) }.count == 1)
        #expect(told == [path])

        try directory.write([UInt8](repeating: 0x90, count: 8192), to: "image")
        #expect(throws: (any Error).self) { try images.plan(of: definition, files) { _ in } }
        try directory.write([0x90], to: "image", mode: 0o666)
        let refusal = #expect(throws: ImagesRefused.self) { try images.plan(of: definition, files) { _ in } }
        #expect(refusal?.errors.first?.remedy == "chmod go-w \(path)")
    }

    @Test("A definition whose image everybody writes is refused when it is read")
    func definitionRefused() throws {
        let directory = try Directory()
        try FileManager.default.createDirectory(atPath: directory.path + "/cells", withIntermediateDirectories: true)
        let image = try directory.write([0x90], to: "image", mode: 0o666)
        let text = SmallCell.toml(name: "a", cpu: 1, size: "1 MiB", image: image)
        let path = try directory.write(Array(text.utf8), to: "cells/a.toml")
        let loader = DefinitionFiles(directory: directory.path)
        #expect(loader.load().problems.first?.message.contains("everybody may write \(image)") == true)
        chmod(image, 0o644)
        #expect(loader.load().problems.isEmpty)
        chmod(path, 0o666)
        #expect(loader.load().problems.first?.message.contains("everybody may write \(path)") == true)
        chmod(path, 0o644)
        chmod(directory.path + "/cells", 0o777)
        let refused = loader.load()
        #expect(refused.definitions.isEmpty)
        #expect(refused.problems.map(\.path) == [directory.path + "/cells"])
        chmod(directory.path + "/cells", 0o755)
        try directory.write(Array("".utf8), to: "jailhoused.toml", mode: 0o666)
        #expect(loader.load().problems.map(\.path) == [directory.path + "/jailhoused.toml"])
    }
}
