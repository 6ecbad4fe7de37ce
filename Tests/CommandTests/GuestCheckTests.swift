// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import CellDefinition
@testable import Commands

@Suite("Asking a guest to shut down") struct GuestCheckTests {
    private let file = FileManager.default.temporaryDirectory.appending(path: "guest-\(UUID().uuidString)")

    private var memory: MachineMemoryFiles { MachineMemoryFiles(file: file.path, uio: "/nowhere", devices: "/nowhere") }

    private func service(_ toml: String) throws -> GuestService {
        let text = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(
                path: "../../configs/cells/heartbeat-a.toml"), encoding: .utf8)
        let definition = try CellDefinition(
            toml: text.replacing("restart = \"never\"", with: "restart = \"never\"\nguest = \(toml)"), path: "a.toml",
            readFile: { _ in [] })
        return try #require(definition.guest)
    }

    @Test("By words: asked while it is to end, taken back when it has, and only changes are news")
    func words() throws {
        try Data(count: 0x2000).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try memory.set(GuestWords.Answer.hasShutDown.rawValue, at: 0x1000)
        var check = GuestCheck(.words(GuestWords(request: 0x800, answer: 0x1000)), memory: memory)
        // of an earlier run
        #expect(check.look(isToEnd: false) == nil)
        try memory.set(GuestWords.Answer.listening.rawValue, at: 0x1000)
        #expect(check.look(isToEnd: false) == nil)
        #expect(try memory.word(at: 0x800) == 0)
        #expect(check.look(isToEnd: true) == .asked)
        #expect(try memory.word(at: 0x800) == GuestWords.Request.shutDown)
        #expect(check.look(isToEnd: true) == nil)
        try memory.set(GuestWords.Answer.shuttingDown.rawValue, at: 0x1000)
        #expect(check.look(isToEnd: true) == nil)
        try memory.set(GuestWords.Answer.hasShutDown.rawValue, at: 0x1000)
        #expect(check.look(isToEnd: true) == .ended("shutdown"))
        #expect(try memory.word(at: 0x800) == 0)
        #expect(check.look(isToEnd: true) == nil)
        #expect(try memory.word(at: 0x800) == 0)
        try memory.set(GuestWords.Answer.listening.rawValue, at: 0x1000)
        #expect(check.look(isToEnd: false) == nil)
        // by itself
        try memory.set(GuestWords.Answer.wantsReboot.rawValue, at: 0x1000)
        #expect(check.look(isToEnd: false) == .ended("reboot"))
    }

    @Test("What the run before left is no answer of the next")
    func nextRun() throws {
        try Data(count: 0x2000).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        var check = GuestCheck(.words(GuestWords(request: 0x800, answer: 0x1000)), memory: memory)
        try memory.set(GuestWords.Answer.listening.rawValue, at: 0x1000)
        #expect(check.look(isToEnd: false, life: 1) == nil)
        // written before it was stopped, read when it has been started again
        try memory.set(GuestWords.Answer.hasShutDown.rawValue, at: 0x1000)
        #expect(check.look(isToEnd: false, life: 2) == nil)
        try memory.set(GuestWords.Answer.listening.rawValue, at: 0x1000)
        #expect(check.look(isToEnd: false, life: 2) == nil)
        try memory.set(GuestWords.Answer.hasShutDown.rawValue, at: 0x1000)
        #expect(check.look(isToEnd: false, life: 2) == .ended("shutdown"))
    }

    @Test("Lines are of the run in which they were printed, not of that in which they are read")
    func livesOfLines() {
        var lives = HeardLives()
        let begin = ContinuousClock.now
        func line(_ text: String, at seconds: Double, life: Int?) -> Int? {
            let now = begin + .seconds(seconds)
            if lives.wantsToKnow(text, now: now) { lives.take(life, after: text, now: now) }
            return lives.life
        }
        #expect(line("login:", at: 0, life: 1) == 1)
        // started again meanwhile
        #expect(line("Stopping services", at: 5, life: 2) == 1)
        #expect(line("reboot: Power down", at: 5.1, life: 2) == 1)
        #expect(line("Linux version 6.1", at: 5.2, life: 2) == 2)
        #expect(line("Kernel panic - not syncing", at: 5.3, life: 2) == 2)
        // one that does not say that it begins
        #expect(line("x", at: 20, life: 3) == 2)
        #expect(line("x", at: 21.5, life: 3) == 3)
    }

    @Test("By a command: once a stop")
    func command() throws {
        var check = GuestCheck(.command(["/bin/sh", "-c", "echo asked >>\(file.path)"]))
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(check.look(isToEnd: false) == nil)
        #expect(check.look(isToEnd: true) == .asked)
        #expect(check.look(isToEnd: true) == nil)
        #expect(check.look(isToEnd: false) == nil)
        #expect(check.look(isToEnd: true) == .asked)
        #expect(try String(contentsOf: file, encoding: .utf8) == "asked\nasked\n")
        var failing = GuestCheck(.command(["/bin/sh", "-c", "exit 3"]))
        #expect(failing.look(isToEnd: true) == .unable("/bin/sh exited with 3"))
    }

    @Test("Memory that cannot be reached is said")
    func unreachable() {
        var check = GuestCheck(.words(GuestWords(request: 0, answer: 4)), memory: memory)
        guard case .unable(let reason) = check.look(isToEnd: true) else {
            Issue.record("it was reached")
            return
        }
        #expect(reason.contains("cannot ask its guest to shut down"))
    }

    @Test("A definition whose words only one side reaches is refused, and so is half a pair")
    func refused() throws {
        #expect(
            try service("{ request = 0x3a900000, answer = 0x3a901000 }")
                == .words(.init(request: 0x3a90_0000, answer: 0x3a90_1000)))
        for toml in [
            "{ request = 0x1000, answer = 0x3a901000 }", "{ request = 0x3a900002, answer = 0x3a901000 }",
            "{ request = 0x3a900000, answer = 0x3a900000 }", "{ request = 0x3a900000 }", "{ command = [\"poweroff\"] }",
            "{ command = [\"/bin/true\"], answer = 0x3a901000 }",
        ] {
            #expect(throws: DefinitionError.self, "\(toml)") { try service(toml) }
        }
    }
}
