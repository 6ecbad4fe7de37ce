// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import Commands

/// The commands that need no daemon.
struct FileCommandTests {
    private static let source = SmallCell.toml(keys: [])

    /// Runs `body` with a directory that has `rtems.toml` in it.
    private func withSource(_ source: String = source, _ body: (_ directory: String) throws -> Void) throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try source.write(toFile: directory + "/rtems.toml", atomically: true, encoding: .utf8)
        try body(directory)
    }

    @Test func compileAndBack() throws {
        try withSource { directory in
            let path = directory + "/rtems"
            let done = Executable.Outcome(status: 0, output: "", error: "")
            #expect(try Executable.run(["compile", path + ".toml", "-o", path + ".cell"]) == done)
            let binary = try Data(contentsOf: URL(fileURLWithPath: path + ".cell"))
            #expect(binary.starts(with: Data("JHCLL".utf8)))
            #expect(try Executable.run(["decompile", path + ".cell"]).output == Self.source)
            #expect(try Executable.run(["decompile", "-"], input: binary).output == Self.source)
            #expect(try Executable.run(["decompile", path + ".cell", "-o", path + ".2.toml"]) == done)
            #expect(try Executable.run(["compile", path + ".2.toml", "-o", path + ".2.cell"]) == done)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path + ".2.cell")) == binary)
        }
    }

    @Test func surplusBytesAreToldOf() throws {
        try withSource { directory in
            let path = directory + "/rtems"
            #expect(try Executable.run(["compile", path + ".toml", "-o", path + ".cell"]).status == 0)
            let binary = try Data(contentsOf: URL(fileURLWithPath: path + ".cell"))
            for (count, text) in [(1, "1 byte after"), (56, "56 bytes after")] {
                try (binary + Data(repeating: 0, count: count)).write(to: URL(fileURLWithPath: path + ".cell"))
                let outcome = try Executable.run(["decompile", path + ".cell"])
                #expect(outcome.status == 0 && outcome.output.contains("surplus-bytes"))
                #expect(outcome.error.hasPrefix("\(path).cell: warning: \(text) the last list, which nothing counts"))
            }
        }
    }

    @Test func revision13() throws {
        try withSource { directory in
            let path = directory + "/rtems"
            #expect(
                try Executable.run(["compile", "--revision", "13", path + ".toml", "-o", path + ".cell"]).status == 0)
            let old = try Data(contentsOf: URL(fileURLWithPath: path + ".cell"))
            #expect(old.starts(with: Data("JHCELL\r\0".utf8)))
            let source = try Executable.run(["decompile", path + ".cell"]).output
            #expect(source.contains("\nrevision = 13 "))
            #expect(try Executable.run(["compile", "-", "-o", path + ".2.cell"], input: Data(source.utf8)).status == 0)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path + ".2.cell")) == old)
            let arm = try Executable.run(["decompile", "--architecture", "arm", path + ".cell"]).output
            #expect(arm.contains("architecture = \"arm\""))
            let refused = try Executable.run(["compile", "--revision", "9", path + ".toml"])
            #expect(refused.status == 64)
            #expect(refused.error.contains("'9' is no revision or layout that is known here. Give 10 to 14, or"))
            let letter = try Executable.run(["compile", "--revision", "10a", path + ".toml"])
            #expect(letter.status == 64)
            #expect(letter.error.contains("Revisions 10 and 14 have one layout each, and no letter"))
        }
    }

    /// A file of revision 14 has an architecture, which one of revision 13 does not.
    @Test func aGuessIsWrittenWithAWarning() throws {
        try withSource { directory in
            let path = directory + "/rtems"
            _ = try Executable.run(["compile", "--revision", "13", path + ".toml", "-o", path + ".cell"])
            _ = try Executable.run(["decompile", path + ".cell", "-o", path + ".13.toml"])
            let same = try Executable.run(["compile", path + ".13.toml", "-o", path + ".2.cell"])
            #expect(same == Executable.Outcome(status: 0, output: "", error: ""))
            let next = try Executable.run(["compile", "--revision", "14", path + ".13.toml", "-o", path + ".14.cell"])
            #expect(next.status == 0)
            #expect(next.error.hasPrefix(path + ".13.toml: warning: the source does not say its architecture; \"x86\""))
            #expect(next.error.contains("write architecture = \"x86\" (or another) in [cell]"))
            let definition = directory + "/definition.toml"
            try "configuration = \"rtems.cell\"\n".write(toFile: definition, atomically: true, encoding: .utf8)
            let other = try Executable.run(["compile", "--revision", "14", definition, "-o", path + ".14.cell"])
            #expect(other.status == 0 && other.error.contains("beside \"configuration\""), "\(other)")
            try "configuration = \"rtems.cell\"\narchitecture = \"x86\"\n".write(
                toFile: definition, atomically: true, encoding: .utf8)
            let said = try Executable.run(["compile", "--revision", "14", definition, "-o", path + ".14.cell"])
            #expect(said == Executable.Outcome(status: 0, output: "", error: ""))
        }
    }

    @Test func whatARevisionCannotHaveIsNamed() throws {
        try withSource { directory in
            let path = directory + "/rtems"
            for revision in ["10", "11", "11a", "12", "12a", "13a"] {
                let outcome = try Executable.run([
                    "compile", "--revision", revision, path + ".toml", "-o", path + ".cell",
                ])
                #expect(outcome.status == 0, "\(outcome.error)")
                let bytes = try Data(contentsOf: URL(fileURLWithPath: path + ".cell"))
                #expect(bytes[6] == UInt8(revision.prefix(2)))
            }
            let text = try String(contentsOfFile: path + ".toml", encoding: .utf8)
            let aarch32 = text.replacing("architecture = ", with: "aarch32 = true\narchitecture = ")
            let outcome = try Executable.run(
                ["compile", "--revision", "12", "-", "-o", path + ".cell"], input: Data(aarch32.utf8))
            #expect(outcome.status == 1)
            #expect(
                outcome.error.contains("revision 12 cannot have a cell that starts in 32-bit mode"), "\(outcome.error)")
        }
    }

    /// Whatever layout of it the source has: a driver takes the number, and reads what its release has at each place.
    @Test func aNumberAloneIsTheLayoutOfTheRelease() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let shipped = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "configs/systems/q35.toml").path
        func run(_ words: String...) throws { #expect(try Executable.run(words).status == 0, "\(words)") }
        func size(_ name: String) throws -> Int { try Data(contentsOf: URL(filePath: directory + name)).count }
        for (early, number) in [("12b", "12"), ("13a", "13")] {
            try run("compile", shipped, "--revision", early, "-o", directory + "/early.system")
            try run("decompile", directory + "/early.system", "-o", directory + "/early.toml")
            try run("compile", directory + "/early.toml", "--revision", number, "-o", directory + "/new.system")
            try run("compile", shipped, "--revision", number, "-o", directory + "/right.system")
            #expect(try size("/new.system") == size("/right.system") && size("/new.system") != size("/early.system"))
        }
    }

    @Test func compileFromStandardInput() throws {
        let outcome = try Executable.run(["compile", "-"], input: Data(Self.source.utf8))
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("JHCLL"))
    }

    @Test func json() throws {
        try withSource { directory in
            let arguments = ["compile", directory + "/rtems.toml", "--json"]
            #expect(try Executable.run(arguments).status == 64)
            let outcome = try Executable.run(arguments + ["-o", directory + "/rtems.cell"])
            #expect(outcome.output.contains("\"size\": 172"))
            #expect(outcome.output.contains("\"kind\": \"cell\""))
        }
    }

    @Test func mistakesInTheSource() throws {
        try withSource(Self.source.replacingOccurrences(of: "size", with: "sise")) { directory in
            let outcome = try Executable.run(["compile", directory + "/rtems.toml", "-o", directory + "/x.cell"])
            #expect(outcome.status == 1)
            #expect(outcome.error.hasPrefix("jailhouse-ctl: \(directory)/rtems.toml:"), "\(outcome.error)")
            #expect(outcome.error.contains("sise"))
            #expect(!FileManager.default.fileExists(atPath: directory + "/x.cell"))
        }
    }

    @Test func whatIsNoSource() throws {
        try withSource { directory in
            let cell = directory + "/x.cell"
            _ = try Executable.run(["compile", directory + "/rtems.toml", "-o", cell])
            #expect(try Executable.run(["compile", cell]).error.contains("is compiled already"))
            #expect(try Executable.run(["decompile", directory + "/rtems.toml"]).status == 1)
            #expect(try Executable.run(["compile", directory]).status == 1)
            let missing = try Executable.run(["compile", directory + "/none.toml"])
            #expect(missing.status == 1)
            #expect(missing.error == "jailhouse-ctl: cannot read \(directory)/none.toml: No such file or directory\n")
        }
    }

    @Test func whereNothingCanBeWritten() throws {
        try withSource { directory in
            let source = directory + "/rtems.toml"
            let missing = try Executable.run(["compile", source, "-o", directory + "/none/x.cell"])
            #expect(missing.status == 1)
            #expect(
                missing.error == "jailhouse-ctl: cannot write \(directory)/none/x.cell: No such file or directory\n")
            // what is no plain file is written to and not replaced; a link, lest a mistake here replaces a device
            let link = directory + "/full"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/dev/full")
            #expect(try Executable.run(["compile", source, "-o", link]).error.contains("No space left"))
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "/dev/full")
        }
    }

    @Test func compileADefinition() throws {
        try withSource(Self.source + "\n[supervision]\nrestart = \"always\"\n") { directory in
            let outcome = try Executable.run(["compile", directory + "/rtems.toml", "-o", directory + "/x.cell"])
            #expect(outcome == .init(status: 0, output: "", error: ""))
            #expect(try Executable.run(["decompile", directory + "/x.cell"]).output == Self.source)
        }
    }

    @Test func compileSettings() throws {
        try withSource("poll-interval = \"10 ms\"\n") { directory in
            let outcome = try Executable.run(["compile", directory + "/rtems.toml"])
            #expect(outcome.status == 1)
            #expect(outcome.error.contains("neither [cell] nor [system]"))
        }
    }

    @Test func unknownCommand() throws {
        #expect(
            try Executable.run(["strat", "rtems"])
                == .init(
                    status: 64, output: "",
                    error: "jailhouse-ctl: there is no command 'strat'; did you mean 'start'?\n"))
        #expect(try Executable.run(["qqqqqqq"]).error.contains("jailhouse-ctl --help"))
    }
}
