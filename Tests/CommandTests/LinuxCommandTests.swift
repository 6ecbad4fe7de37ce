// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import Commands

/// `jailhouse-ctl device-tree` and `jailhouse-ctl linux`.
@Suite("Commands for Linux cells") struct LinuxCommandTests {
    private static let configs = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "configs").path

    private func inDirectory(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "linux-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory + "/cells", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(directory)
    }

    @Test func theDeviceTreeIsShownAsSource() throws {
        let cell = Self.configs + "/cells/arm64/linux-arm64.toml"
        let system = Self.configs + "/systems/qemu-arm64.toml"
        let shown = try Executable.run(["device-tree", cell, "--system", system])
        #expect(shown.status == 0 && shown.output.hasPrefix("/dts-v1/;\n"), "\(shown)")
        #expect(
            shown.output.contains("\tcompatible = \"jailhouse,cell\";")
                && shown.output.contains("bootargs = \"console=ttyAMA0,115200\""))
        let json = try Executable.run(["device-tree", cell, "--system", system, "--json"])
        #expect(json.status == 0 && json.output.contains("\"cell\"") && json.output.contains("linux-arm64"), "\(json)")
        let unknown = try Executable.run(["device-tree", cell, "--system", cell])
        #expect(unknown.status == 1 && unknown.error.contains("is no system configuration"), "\(unknown)")
        let other = try Executable.run(["device-tree", Self.configs + "/cells/linux-x86.toml", "--system", system])
        #expect(other.status == 1 && other.error.contains("only Arm64 cells have a device tree"), "\(other)")
        let none = try Executable.run(["device-tree", Self.configs + "/cells/timer.toml", "--system", system])
        #expect(none.status == 1 && none.error.contains("has no image with start = \"linux\""), "\(none)")
    }

    /// The definition that `linux` writes, of a compiled cell.
    private func prepare(_ directory: String) throws -> (cell: String, kernel: String) {
        let (cell, kernel) = (directory + "/demo.cell", directory + "/vmlinuz")
        let source = try String(contentsOfFile: Self.configs + "/cells/linux-x86.toml", encoding: .utf8)
        let hardware = source.components(separatedBy: "[[image]]")[0]
        try Data(hardware.utf8).write(to: URL(filePath: directory + "/demo.toml"))
        #expect(try Executable.run(["compile", directory + "/demo.toml", "-o", cell]).status == 0)
        try Data(TestKernel.bzImage(release: "6.1")).write(to: URL(filePath: kernel))
        return (cell, kernel)
    }

    @Test func mistakesAreSaidBeforeAnythingIsWritten() throws {
        try inDirectory { directory in
            let (cell, _) = try prepare(directory)
            try Data("no kernel".utf8).write(to: URL(filePath: directory + "/text"))
            let wrong = try Executable.run(
                ["linux", cell, directory + "/text", "-c", "console=ttyS0", "--directory", directory])
            #expect(wrong.status == 1 && wrong.error.contains("[JH08"), "\(wrong)")
            // not a line of a definition that nobody sees
            #expect(wrong.error.contains("\(directory)/text: error: image[0]"), "\(wrong)")
            let whole = try Executable.run(["linux", Self.configs + "/cells/linux-x86.toml", directory + "/text"])
            #expect(whole.status == 64 && whole.error.contains("jailhouse-ctl start linux"), "\(whole)")
            let arm = try Executable.run(["linux", cell, directory + "/text", "-a", "arm64", "--directory", directory])
            #expect(arm.status == 1 && arm.error.contains("is for x86, not for arm64"), "\(arm)")
            // upstream's option for what it has to guess
            let factor = try Executable.run(
                ["linux", cell, directory + "/text", "-a", "x86", "-k", "3", "--directory", directory])
            #expect(factor.status == 1 && factor.error.contains("not needed") && factor.error.contains("[JH08"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory + "/cells").isEmpty)
        }
    }

    @Test func onlyWritten() throws {
        try inDirectory { directory in
            let (cell, kernel) = try prepare(directory)
            try Data(count: 64).write(to: URL(filePath: directory + "/loader"))
            let line = [
                "linux", cell, kernel, "-c", "console=ttyS0 pci=lastbus=0", "--directory", directory, "--loader",
                directory + "/loader",
            ]
            let written = try Executable.run(line + ["-w", directory + "/its own.toml"])
            #expect(
                written.status == 0 && written.output.hasPrefix("cp '\(directory)/its own.toml' \(directory)/cells/"),
                "\(written)")
            let text = try String(contentsOfFile: directory + "/its own.toml", encoding: .utf8)
            #expect(text.contains("restart = \"on-failure\""))
            // an x86 cell has no device tree
            let tree = try Executable.run(line + ["-w", directory + "/out.dtb"])
            #expect(tree.status == 64 && tree.error.contains("must end in .toml"), "\(tree)")
            #expect(!FileManager.default.fileExists(atPath: directory + "/out.dtb"))
            // the daemon takes one definition of a cell
            try Data(text.utf8).write(to: URL(filePath: directory + "/cells/mine.toml"))
            let twice = try Executable.run(line)
            #expect(twice.status == 1 && twice.error.contains("/cells/mine.toml defines the cell"), "\(twice)")
        }
    }

    @Test func theDeviceTreeIsWritten() throws {
        try inDirectory { directory in
            let source = try String(contentsOfFile: Self.configs + "/cells/arm64/linux-arm64.toml", encoding: .utf8)
            try Data(source.components(separatedBy: "[[image]]")[0].utf8).write(
                to: URL(filePath: directory + "/arm.toml"))
            let (cell, kernel, tree) = (directory + "/arm.cell", directory + "/Image", directory + "/out.dtb")
            #expect(try Executable.run(["compile", directory + "/arm.toml", "-o", cell]).status == 0)
            try Data(TestKernel.arm64()).write(to: URL(filePath: kernel))
            try Data("system = \"\(Self.configs)/systems/qemu-arm64.toml\"\n".utf8)
                .write(to: URL(filePath: directory + "/jailhoused.toml"))
            let written = try Executable.run(
                ["linux", cell, kernel, "-c", "console=ttyAMA0", "--directory", directory, "-w", tree])
            #expect(
                written.status == 0
                    && written.output == "jailhouse-ctl linux \(cell) \(kernel) -d \(tree) -c console=ttyAMA0\n",
                "\(written)")
            let blob = [UInt8](try Data(contentsOf: URL(filePath: tree)))
            #expect(blob.starts(with: [0xd0, 0x0d, 0xfe, 0xed]))
            #expect(String(decoding: blob, as: UTF8.self).contains("console=ttyAMA0"))
        }
    }

    @Test func namesOfFiles() {
        #expect(LinuxCommand.fileName(of: "linux demo") == "linux demo")
        #expect(LinuxCommand.fileName(of: "../../a/b") == "-.-..-a-b")
    }

    @Test func whatSomebodyWroteIsNotReplaced() throws {
        try inDirectory { directory in
            let (cell, kernel) = try prepare(directory)
            let file = directory + "/own.toml"
            try Data("# my own\n".utf8).write(to: URL(filePath: file))
            let line = ["linux", cell, kernel, "-c", "console=ttyS0 pci=lastbus=0", "--directory", directory]
            let found = try Executable.run(line + ["-w", file])
            // the loader is not installed here, or it is: then the file is in the way
            #expect(found.status == 1, "\(found)")
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "# my own\n")
        }
    }
}
