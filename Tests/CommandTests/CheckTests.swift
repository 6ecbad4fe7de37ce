// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import Commands

struct CheckTests {
    private static let passive = SmallCell.toml()

    /// Runs `check` on files of these names and contents; the names stand for themselves in the output.
    private func check(_ files: KeyValuePairs<String, String>, _ options: String...) throws -> Executable.Outcome {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for (name, contents) in files {
            try contents.write(toFile: directory + "/" + name, atomically: true, encoding: .utf8)
        }
        let outcome = try Executable.run(["check"] + options + files.map { directory + "/" + $0.key })
        func short(_ text: String) -> String { text.replacingOccurrences(of: directory + "/", with: "") }
        return .init(status: outcome.status, output: short(outcome.output), error: short(outcome.error))
    }

    @Test func whatIsRight() throws {
        let outcome = try check(["rtems.toml": Self.passive, "jailhoused.toml": "poll-interval = \"5 ms\"\n"])
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.output.contains("rtems.toml: ok, definition 'rtems'\n"))
        #expect(outcome.output.hasSuffix("jailhoused.toml: ok, settings\n"))
    }

    /// What a link adds to the lists is in the line of its table, in a system as in a cell.
    @Test func linesOfALinkInASystem() throws {
        let system = """
            [system]
            architecture = "arm64"
            [hypervisor-memory]
            physical = 0x7fc00000
            size = "4 MiB"
            [platform]
            gic-version = 3
            gicd-base = 0x8000000
            gicr-base = 0x80a0000
            [root-cell]
            name = "board"
            cpus = "0-3"
            [[memory]]
            physical = 0x40000000
            size = "256 MiB"
            access = ["read", "write", "execute", "dma"]
            [[ivshmem]]
            bdf = "00:01.0"
            peer-id = 0
            physical = 0x7fc00000
            output-size = "4 KiB"
            """
        let output = try check(["s.toml": system]).output
        #expect(output.contains("s.toml:17: error: memory[1]: the root cell's region"), "\(output)")
        #expect(output.contains("s.toml:17: warning: pci-device[0]: the device 00:01.0 needs a host controller"))
    }

    @Test func anEmptyFileIsNoConfiguration() throws {
        for name in ["e.system", "e.cell"] {
            let outcome = try check([name: ""])
            #expect(outcome.status == 1 && (outcome.output + outcome.error).contains("is empty"), "\(outcome)")
        }
        #expect(try check(["jailhoused.toml": ""]).status == 0)
    }

    @Test func aDirectoryAsTheDaemonReadsIt() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        func write(_ path: String, _ text: String) throws {
            try text.write(toFile: directory + "/" + path, atomically: true, encoding: .utf8)
        }
        func check(_ options: String...) throws -> Executable.Outcome {
            let outcome = try Executable.run(["check", directory + "/"] + options)
            return .init(
                status: outcome.status, output: outcome.output.replacingOccurrences(of: directory, with: "D"),
                error: outcome.error)
        }
        #expect(try check() == .init(status: 0, output: "D: ok, no configuration\n", error: ""))
        try FileManager.default.createDirectory(atPath: directory + "/cells", withIntermediateDirectories: true)
        try write("jailhoused.toml", "poll-interval = \"5 ms\"\n")
        try write("cells/rtems.toml", Self.passive)
        try write("cells/.draft.toml", "not read")
        #expect(try check().output == "D/jailhoused.toml: ok, settings\nD/cells/rtems.toml: ok, definition 'rtems'\n")

        try write("cells/a.toml", Self.passive.replacingOccurrences(of: "\"rtems\"", with: "\"a\""))
        try write("cells/broken.toml", "[cell]\nnam = \"x\"\n")
        try write("jailhoused.toml", "system = \"/none.toml\"\n")
        let outcome = try check()
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("/none.toml: error: "), "\(outcome.output)")
        #expect(outcome.output.contains("D/cells/broken.toml:1: error: "), "\(outcome.output)")
        // they share a CPU: one of them can be created
        #expect(outcome.output.contains("D/cells/rtems.toml:4: "), "\(outcome.output)")
        let json = try check("--json")
        let files = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]]
        #expect(
            files?.map { $0["kind"] as? String }
                == ["settings", "system", "definition", "definition", "definition"])
        #expect(try check("--sarif").status == 1)
    }

    @Test func asItWouldBeWithOtherFiles() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        func write(_ path: String, _ text: String) throws {
            try text.write(toFile: directory + "/" + path, atomically: true, encoding: .utf8)
        }
        func check(_ options: String...) throws -> Executable.Outcome {
            let outcome = try Executable.run(["check", directory + "/etc"] + options)
            return .init(
                status: outcome.status, output: outcome.output.replacingOccurrences(of: directory, with: "D"),
                error: outcome.error)
        }
        try FileManager.default.createDirectory(atPath: directory + "/etc/cells", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: directory + "/link", withDestinationPath: "etc")
        try write("etc/cells/rtems.toml", Self.passive)
        try write("wrong", Self.passive + "colour = \"red\"\n")
        try write("with-image", Self.passive + "[[image]]\npath = \"../x.bin\"\n")
        try write("x.bin", "no program")
        // in the place of one that is there, by whatever path; and where none is
        for place in ["etc", "link", "etc/cells/.."] {
            let outcome = try check("--instead", "\(directory)/\(place)/cells/rtems.toml=\(directory)/wrong")
            #expect(outcome.status == 1 && outcome.output.contains("D/etc/cells/rtems.toml:"), "\(outcome)")
            #expect(outcome.output.contains("colour") && !outcome.output.contains("wrong"), "\(outcome)")
        }
        let new = try check("--instead", "\(directory)/etc/cells/new.toml=\(directory)/wrong", "--json")
        let files = try JSONSerialization.jsonObject(with: Data(new.output.utf8)) as? [[String: Any]]
        #expect(files?.map { $0["refused"] as? Bool } == [true, false], "\(new)")
        // an image that the definition names relative to where it will be
        let both = try check(
            "--instead", "\(directory)/etc/cells/rtems.toml=\(directory)/with-image", "--instead",
            "\(directory)/etc/x.bin=\(directory)/x.bin")
        #expect(both.status == 1 && both.output.contains("JH0805") && !both.output.contains("JH0801"), "\(both)")
        #expect(try check().status == 0)

        for wrong in ["x", "=x", "x=", "x/=y"] { #expect(try check("--instead", wrong).status == 64, "\(wrong)") }
        let file = try Executable.run(["check", directory + "/wrong", "--instead", "a=b"])
        #expect(file.status == 64 && file.error.contains("configuration directory"), "\(file)")
    }

    @Test func filesThatEverybodyMayWrite() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (cell, image) = (directory + "/rtems.toml", directory + "/rtems.bin")
        let text = Self.passive + "[[image]]\npath = \"rtems.bin\"\naddress = 0x0\n"
        try text.write(toFile: cell, atomically: true, encoding: .utf8)
        try Data([0xf4]).write(to: URL(filePath: image))
        #expect(try Executable.run(["check", cell]).status == 0)
        for path in [cell, image] {
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
        }
        let outcome = try Executable.run(["check", cell])
        #expect(outcome.status == 1)
        for line in [
            "\(cell): error: everybody may write \(cell) (mode 0666) [JH0911]\n    why: any user who can change",
            "\n    fix: chmod go-w \(cell)\n",
            "\(cell):13: error: image[0]: everybody may write \(image) (mode 0666) [JH0911]\n",
        ] { #expect(outcome.output.contains(line), "\(outcome.output)") }
        let page = try Executable.run(["explain", "JH0911"]).output
        #expect(page.contains("\nWhat to do  chmod go-w and chown root on the file"), "\(page)")
    }

    @Test func theHandshakeThatCanFreezeLinux() throws {
        let asked =
            Self.passive.replacingOccurrences(of: "passive-comm-region = true\n", with: "") + """
                [[memory]]
                name = "communication region"
                virtual = 0x900000
                size = "4 KiB"
                access = ["read", "write", "communication-region"]

                """
        let outcome = try check(["rtems.toml": asked])
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("rtems.toml:1: error: cell: "), "\(outcome.output)")
        #expect(outcome.output.contains("[JH0901]\n    why: "))
        #expect(outcome.output.contains("\n    fix: set message-timeout"))
        let accepted = try check(["rtems.toml": asked + "[supervision]\naccept-unbounded-handshake = true\n"])
        #expect(accepted.status == 0, "\(accepted)")
        #expect(accepted.output.contains("rtems.toml:1: warning: "))
    }

    @Test func mistakesOfAllKinds() throws {
        let outcome = try check([
            "key.toml": Self.passive.replacingOccurrences(of: "virtual =", with: "virtul ="),
            "image.toml": Self.passive + "[[image]]\npath = \"/none/rtems.exe\"\n",
            "settings.toml": "poll-intervall = \"5 ms\"\n",
            "garbage.cell": "JHCLL\u{0}\u{d}\u{0}",
        ])
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("key.toml:"))
        #expect(outcome.output.contains("virtul"))
        #expect(outcome.output.contains("/none/rtems.exe"))
        #expect(outcome.output.contains("poll-intervall"))
        #expect(outcome.output.contains("garbage.cell: error: "))
        #expect(outcome.error == "")
    }

    @Test func settingsThatNameACell() throws {
        let outcome = try check(["rtems.toml": Self.passive, "jailhoused.toml": "system = \"rtems.toml\"\n"])
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("jailhoused.toml: error: rtems.toml, which the key system names, is no system"))
    }

    @Test func definitionsWithEachOther() throws {
        let outcome = try check(["a.toml": Self.passive, "b.toml": Self.passive])
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("a.toml: ok"))
        #expect(outcome.output.contains("b.toml:2: error: cell.name: "), "\(outcome.output)")
    }

    @Test func aCompiledCellIsJudgedAsItsDefinitionWouldBe() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let source = Self.passive.replacingOccurrences(of: "passive-comm-region = true\n", with: "")
        let (toml, cell) = (directory + "/x.toml", directory + "/x.cell")
        try source.write(toFile: toml, atomically: true, encoding: .utf8)
        _ = try Executable.run(["compile", toml, "-o", cell])
        let outcome = try Executable.run(["check", cell, "--json"])
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("JH0901"))
        #expect(outcome.output.contains("\"kind\": \"cell\""))
    }

    @Test func aFileThatIsMissing() throws {
        let outcome = try Executable.run(["check", "/none.toml"])
        #expect(
            outcome
                == .init(
                    status: 1, output: "/none.toml: error: cannot read /none.toml: No such file or directory\n",
                    error: ""))
    }

    @Test func json() throws {
        let outcome = try check(["rtems.toml": Self.passive, "settings.toml": "sistem = 1\n"], "--json")
        #expect(outcome.status == 1)
        let json = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]]
        let files = try #require(json)
        #expect(files.map { $0["file"] as? String } == ["rtems.toml", "settings.toml"])
        #expect(files[0]["kind"] as? String == "definition")
        #expect(files[0]["name"] as? String == "rtems")
        let finding = try #require((files[1]["findings"] as? [[String: Any]])?.first)
        #expect(
            Set(finding.keys)
                == ["rule", "severity", "file", "line", "location", "others", "message", "consequence", "remedy"])
        #expect(finding["line"] as? Int == 1)
        #expect(finding["rule"] is NSNull)
    }

    @Test func aSystemIsTheMachineOfTheOthers() throws {
        let system = """
            [system]
            architecture = "x86"
            virtual-debug-console = true

            [hypervisor-memory]
            physical = 0x3a400000
            size = "8 MiB"

            [root-cell]
            name = "rtems"
            cpus = "0-3"

            [[memory]]
            physical = 0x3a000000
            size = "8 MiB"
            access = ["read", "write"]

            """
        let outcome = try check(["q35.toml": system, "rtems.toml": Self.passive])
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("q35.toml:13: error: memory[0]: "), "\(outcome.output)")
        #expect(outcome.output.contains("rtems.toml:2: error: cell.name: "))
        #expect(outcome.output.contains("rtems.toml:7: error: memory[0]: "))
    }

    @Test func whatLinuxUsesOnTheMachine() throws {
        let root = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: root) }
        try FileManager.default.createDirectory(atPath: root + "/proc", withIntermediateDirectories: true)
        try "00100000-3a3fffff : System RAM\n".write(
            toFile: root + "/proc/iomem", atomically: true, encoding: .utf8)
        let outcome = try check(["rtems.toml": Self.passive], "--root", root)
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("memmap=8M$0x3a000000, where GRUB needs \\\\\\$ for $ between"), "\(outcome)")
        let empty = try check(["rtems.toml": Self.passive], "--root", root + "/none")
        #expect(empty.error.contains("neither proc/ioports nor proc/iomem"), "\(empty)")
    }

    /// That a port is taken from Linux, and that Linux uses it, is one fault.
    @Test func aPortIsReportedOnce() throws {
        let root = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: root) }
        try FileManager.default.createDirectory(atPath: root + "/proc", withIntermediateDirectories: true)
        try "0000-ffff : PCI Bus\n  03f8-03ff : serial\n".write(
            toFile: root + "/proc/ioports", atomically: true, encoding: .utf8)
        let system = """
            [system]
            architecture = "x86"
            virtual-debug-console = true
            [hypervisor-memory]
            physical = 0x3e800000
            size = "8 MiB"
            [root-cell]
            name = "linux"
            cpus = "0-3"
            [[ports]]
            base = 0x3f8
            count = 8
            """
        let cell = Self.passive + "\n[[ports]]\nbase = 0x3f8\ncount = 8\n"
        let alone = try check(["q35.toml": system, "rtems.toml": cell])
        #expect(alone.output.contains("JH1505") && !alone.output.contains("JH1301"), "\(alone)")
        let outcome = try check(["q35.toml": system, "rtems.toml": cell], "--root", root)
        #expect(outcome.output.contains("JH1301") && !outcome.output.contains("JH1505"), "\(outcome)")
    }

    @Test func sarif() throws {
        let outcome = try check(
            ["a.toml": Self.passive, "b c.toml": Self.passive, "x.toml": "sistem = 1\n"], "--sarif")
        #expect(outcome.status == 1)
        let json = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        #expect(json?["version"] as? String == "2.1.0")
        let run = try #require((json?["runs"] as? [[String: Any]])?.first)
        let results = try #require(run["results"] as? [[String: Any]])
        #expect(results.map { $0["ruleId"] as? String } == ["JH0601", "JH0602", nil])
        #expect(results.map { $0["level"] as? String } == ["error", "note", "error"])
        #expect(outcome.output.contains("b%20c.toml"))
        let driver = (run["tool"] as? [String: Any])?["driver"] as? [String: Any]
        let rules = try #require(driver?["rules"] as? [[String: Any]])
        #expect(rules.map { $0["id"] as? String } == ["JH0601", "JH0602"])
        #expect(try check(["a.toml": Self.passive], "--sarif", "--json").status == 64)
    }
}
