// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The errors that newcomers make: each gets a sentence that says what is wrong, where, and what to do.
@Suite("Newcomers' errors") struct NewcomerTests {
    /// A broken definition of the RTEMS cell, and what `start rtems` must say of it.
    struct Mistake: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: @Sendable (String) -> String
        let said: [String]

        init(_ name: String, _ said: [String], _ change: @escaping @Sendable (String) -> String) {
            testDescription = name
            self.change = change
            self.said = said
        }

        static func replacing(_ pattern: String, by new: String) -> @Sendable (String) -> String {
            { $0.replacingOccurrences(of: pattern, with: new, options: .regularExpression) }
        }
    }

    static let mistakes = [
        Mistake("wrong key", ["rtems.toml", "autostrat", "autostart"]) { $0 + "\nautostrat = true\n" },
        Mistake("image missing", ["nothing.exe", "install"], Mistake.replacing("rtems\\.exe", by: "nothing.exe")),
        Mistake(
            "image outside the RAM", ["rtems.exe", "\"ram\" (0x0–0xfffff)"],
            Mistake.replacing(#""8 MiB""#, by: #""1 MiB""#)),
        Mistake("CPU 0", ["CPU 0"], Mistake.replacing(#"(?m)^cpus *=.*$"#, by: "cpus = [0]")),
        Mistake(
            "name too long", ["31"],
            Mistake.replacing(#"(?m)^name = "rtems"$"#, by: #"name = "a-name-that-is-longer-than-31-bytes""#)),
        Mistake(
            "handshake without an end", ["message-timeout", "accept-unbounded-handshake"],
            Mistake.replacing(#"(?m)^message-timeout *=.*$"#, by: "")),
        Mistake("no TOML", ["rtems.toml"]) { _ in "[.cell]\nname=" },
    ]

    @Test("A mistake in the definition is named", arguments: mistakes)
    func definition(mistake: Mistake) async throws {
        let text = mistake.change(try Definitions.rtems())
        let machine = try await LiveMachine.start(cells: ["rtems": text])
        let start = try await machine.control("start", "rtems")
        if start.status == 4 {
            // the name itself is what is wrong: the definition is listed under its file's name or not at all
            #expect(mistake.said.allSatisfy { machine.log.contains($0) }, "\(machine.log)")
        } else {
            #expect(start.status == 1, "\(start.output)\(start.errors)")
            for word in mistake.said { #expect(start.errors.contains(word), "\(start.errors)") }
        }
        #expect(!machine.console.contains("FROZEN"))
    }

    @Test("An ELF of another machine is named as what it is")
    func otherMachine() async throws {
        // this test's own program: x86-64 fits an x86 cell's CPU, so its machine field is made AArch64's
        let directory = try TemporaryDirectory()
        let image = directory.url.appending(path: "foreign.elf")
        var bytes = try Data(contentsOf: Place.inmates.appending(path: "rtems.exe"))
        bytes[18] = 183
        bytes[19] = 0
        try bytes.write(to: image)
        let definition = try Definitions.rtems()
            .replacingOccurrences(
                of: #"(?m)^path = .*$"#, with: "path = \"\(image.path)\"", options: .regularExpression)
        let machine = try await LiveMachine.start(cells: ["rtems": definition])
        let start = try await machine.control("start", "rtems")
        #expect(start.status == 1)
        #expect(start.errors.contains("AArch64"), "\(start.errors)")
        #expect(start.errors.contains("x86"), "\(start.errors)")
    }

    @Test("A configuration of an old release is named as such")
    func oldRevision() async throws {
        let directory = try TemporaryDirectory()
        let file = directory.url.appending(path: "old.cell")
        try (Data("JHCELL".utf8) + Data([9, 0]) + Data(count: 124)).write(to: file)
        let text = """
            configuration = "\(file.path)"
            [[image]]
            path = "\(Place.inmates.path)/rtems.exe"
            """
        let machine = try await LiveMachine.start(cells: ["old": text])
        let start = try await machine.control("start", "old")
        #expect(start.status == 1)
        #expect(start.errors.contains("revision 9"), "\(start.errors)")
    }

    @Test("A CPU that another cell has is named with that cell")
    func cpuTaken() async throws {
        let machine = try await LiveMachine.start(cells: [
            "rtems": try Definitions.rtems(),
            "second": try Definitions.rtems((#"name = "rtems""#, #"name = "second""#)),
        ])
        #expect(try await machine.control("start", "rtems").status == 0)
        let start = try await machine.control("start", "second")
        #expect(start.status == 1)
        #expect(start.errors.contains("CPU 3 is cell rtems's"), "\(start.errors)")
    }

    @Test("Two definitions of one name are both refused, and both named")
    func sameName() async throws {
        let machine = try await LiveMachine.start(cells: [
            "one": try Definitions.rtems(), "two": try Definitions.rtems(),
        ])
        let start = try await machine.control("start", "rtems")
        #expect(start.status == 1)
        #expect(start.errors.contains("one.toml") && start.errors.contains("two.toml"), "\(start.errors)")
    }

    @Test("An unknown cell: the nearest name")
    func unknownCell() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        let start = try await machine.control("start", "rtmes")
        #expect(start.status == 4)
        #expect(start.errors.contains("did you mean rtems?"))
    }

    @Test("No daemon")
    func noDaemon() async throws {
        let ended = try await Program.run([
            "env", "--unset=JAILHOUSED_SOCKET", Place.program("jailhouse-ctl"), "list",
        ])
        #expect(ended.status == 69)
        #expect(ended.errors.contains("systemctl"))
    }

    @Test("No driver: the daemon runs, and says what is missing")
    func noDriver() async throws {
        let directory = try TemporaryDirectory()
        let daemon = try Program([
            Place.program("jailhoused"), "--configuration", directory.url.path, "--runtime",
            directory.url.appending(path: "run").path,
        ])
        defer { daemon.signal(SIGTERM) }
        let socket = directory.url.appending(path: "run/control").path
        try await eventually("it listens: \(daemon.errors)") { FileManager.default.fileExists(atPath: socket) }
        let start = try await Program.run([Place.program("jailhouse-ctl"), "start", "x", "--socket", socket])
        #expect(start.status == 1)
        #expect(start.errors.contains("modprobe jailhouse"))
    }

    @Test("A full disk at the state file is said once, and supervision goes on")
    func fullDisk() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()]) { directory in
            let run = directory.url.appending(path: "run").path
            let script = """
                mkdir -p \(run) && mount -t tmpfs -o size=8k tmpfs \(run) && head -c 9000 /dev/zero >\(run)/fill; exec "$@"
                """
            return ["sh", "-c", script, "sh"]
        }
        defer { umount2(machine.directory.url.appending(path: "run").path, CInt(MNT_DETACH)) }
        #expect(try await machine.control("start", "rtems").status == 0)
        #expect(try await machine.cell("rtems")?.condition == "running")
        #expect(machine.log.components(separatedBy: "cannot write the state file").count == 2, "\(machine.log)")
    }
}
