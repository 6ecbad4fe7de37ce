// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Commands

@Suite("A dump is explained by the files that belong to it")
struct ExplainDumpTests {
    private static let hasCompiler = ["/usr/bin/cc", "/usr/bin/strip", "/usr/bin/addr2line", "/usr/bin/objdump"]
        .allSatisfy {
            FileManager.default.isExecutableFile(atPath: $0)
        }

    private let directory: String

    init() throws { directory = try temporaryDirectory() }

    private func file(_ name: String, _ contents: String) throws -> String {
        let path = "\(directory)/\(name)"
        try contents.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private static func cell(_ more: String = "") -> String {
        """
        [cell]
        name = "sample"
        architecture = "x86"
        cpus = [2]
        passive-comm-region = true

        [[memory]]
        name = "RAM"
        physical = 0x3a000000
        virtual = 0x0
        size = "2 MiB"
        access = ["read", "write", "execute", "loadable"]

        \(more)
        """
    }

    private static func dump(_ reason: String, rip: String, rbx: String = "0000000000000000", cell: String = "sample")
        -> Data
    {
        Data(
            """
            \(reason)
            RIP: 0x\(rip) RSP: 0x0000000000007000 FLAGS: 2
            RAX: 0x0000000080000011 RBX: 0x\(rbx) RCX: 0x00000000c0000080
            RDX: 0x0000000000000000 RSI: 0x0000000000000000 RDI: 0x0000000000000000
            CS: 18 BASE: 0x0000000000000000 AR-BYTES: a9b EFER.LMA 1
            CR0: 0x0000000080000011 CR3: 0x0000000000002000 CR4: 0x0000000000000020
            EFER: 0x0000000000001500
            Parking CPU 2 (Cell: "\(cell)")

            """.utf8)
    }

    @Test("What is near the address, and whose it is in the machine")
    func memory() throws {
        let cell = try file("sample.toml", Self.cell())
        let outcome = try Executable.run(
            ["explain", "-", "--cell", cell],
            input: Self.dump(
                "FATAL: Invalid MMIO/RAM write, addr: 0x0000000000201000 size: 4", rip: "0000000000100100",
                rbx: "0000000000201000"))
        #expect(outcome.status == 0, "\(outcome.error)")
        for line in [
            "0x201000 is 4 KiB behind \"RAM\" (0x0–0x1fffff).", "RBX held the address.", "make the cell's RAM larger",
        ] {
            #expect(outcome.output.contains(line), "\(outcome.output)")
        }
        // it finds nothing in this file
        #expect(!outcome.output.contains("rule:"), "\(outcome.output)")
    }

    @Test("A dump of another cell than the file's is explained with a warning")
    func otherCell() throws {
        let cell = try file("sample.toml", Self.cell())
        let reason = "FATAL: Invalid PIO write, port: 70 size: 1"
        let other = try Executable.run(
            ["explain", "-", "--cell", cell],
            input: Self.dump(reason, rip: "0000000000100100", cell: "otherguy"))
        #expect(other.status == 0, "\(other.error)")
        #expect(
            other.output.contains("is judged by \(cell), which is of the cell \"sample\"")
                && other.output.contains("give --root-cell"), "\(other.output)")
        let own = try Executable.run(
            ["explain", "-", "--cell", cell], input: Self.dump(reason, rip: "0000000000100100"))
        #expect(!own.output.contains("is judged by"), "\(own.output)")
    }

    @Test("A copy of the machine's /proc says who has it")
    func machine() throws {
        try FileManager.default.createDirectory(atPath: directory + "/proc", withIntermediateDirectories: true)
        _ = try file(
            "proc/iomem",
            "00100000-39ffffff : System RAM\nfed00000-fed003ff : HPET 0\n  fed00000-fed003ff : PNP0103:00\n")
        _ = try file("proc/ioports", "0070-0077 : rtc0\n")
        let cell = try file("sample.toml", Self.cell())
        let device = try Executable.run(
            [
                "explain", "FATAL: Invalid MMIO/RAM read, addr: 0x00000000fed00010 size: 4", "--cell", cell, "--root",
                directory,
            ])
        #expect(device.output.contains("Linux calls 0xfed00000–0xfed003ff \"PNP0103:00\"."), "\(device.output)")
        #expect(device.output.contains("    physical = 0xfed00000\n"), "\(device.output)")
        let memory = try Executable.run(
            [
                "explain", "FATAL: Invalid MMIO/RAM read, addr: 0x0000000008000000 size: 4", "--cell", cell, "--root",
                directory,
            ])
        #expect(memory.output.contains("advice: Never grant it: this is Linux's memory."), "\(memory.output)")
        #expect(!memory.output.contains("entry"), "\(memory.output)")
        let port = try Executable.run(["explain", "FATAL: Invalid PIO read, port: 71 size: 1", "--root", directory])
        #expect(port.output.contains("Linux calls 0x70–0x77 \"rtc0\"."), "\(port.output)")
    }

    @Test(
        "The function, the line and the instruction, though the running program is stripped", .enabled(if: hasCompiler))
    func program() throws {
        let source = try file(
            "hang.c",
            """
            void irq(volatile char *p) {
                *p = 'M';
            }
            void _start(void) {
                irq((char *)0x200000);
            }
            """)
        try shell(
            "cc -g -O0 -nostdlib -static -fno-pic -no-pie -fcf-protection=none -Wl,--build-id -Wl,-Ttext=0x100000 -o x.elf \(source)"
        )
        try shell(
            "strip -o x.exe x.elf && sed s/M/N/ hang.c > other.c && cc -nostdlib -static -Wl,--build-id -Wl,-Ttext=0x100000 -o y.elf other.c"
        )
        // where the byte is written
        let listing = try shell("objdump -d x.elf | grep movb")
        let address = try #require(listing.split(separator: ":").first?.trimmingCharacters(in: .whitespaces))
        let rip = String(repeating: "0", count: 16 - address.count) + address
        let stripped = try file("sample.toml", Self.cell("[[image]]\npath = \"x.exe\"\nsymbols = \"x.elf\"\n"))
        let dump = Self.dump(
            "FATAL: Unexpected #VMEXIT, exitcode 7f, exitinfo1 0x0000000000000000 exitinfo2 0x0000000000000000",
            rip: rip, rbx: "0000000000200000")
        let outcome = try Executable.run(["explain", "-", "--cell", stripped], input: dump)
        #expect(outcome.output.contains("place: irq + 0x"), "\(outcome.output)\(outcome.error)")
        #expect(outcome.output.contains("(x.exe), hang.c:2: movb $0x4d,(%rax)"), "\(outcome.output)")
        #expect(outcome.output.contains("Triple fault: the program's own exception"), "\(outcome.output)")
        #expect(outcome.output.contains("Its operand (%rax) is the address 0x80000011"), "\(outcome.output)")
        let other = try file("sample.toml", Self.cell("[[image]]\npath = \"x.exe\"\nsymbols = \"y.elf\"\n"))
        let wrong = try Executable.run(["explain", "-", "--cell", other], input: dump)
        #expect(wrong.output.contains("are of another build than"), "\(wrong.output)")
        // what was loaded is known all the same
        #expect(wrong.output.contains(": movb $0x4d,(%rax)"), "\(wrong.output)")
        let image = try Executable.run(["explain", "-", "--image", directory + "/x.elf"], input: dump)
        #expect(image.output.contains("place: irq + 0x"), "\(image.output)")

        try shell(
            """
            sed 's/^void irq/__attribute__((always_inline)) static inline void irq/' hang.c > inlined.c
            cc -g -O0 -nostdlib -static -fno-pic -no-pie -fcf-protection=none -Wl,-Ttext=0x100000 -o x.elf inlined.c
            """)
        let inlined = try shell("objdump -d x.elf | grep movb").split(separator: ":").first ?? ""
        let counter = inlined.trimmingCharacters(in: .whitespaces)
        let inner = try Executable.run(
            ["explain", "-", "--image", directory + "/x.elf"],
            input: Self.dump(
                "FATAL: Invalid PIO write, port: 70 size: 1",
                rip: String(repeating: "0", count: 16 - counter.count) + counter))
        #expect(inner.output.contains("inlined.c:2, inlined at inlined.c:5"), "\(inner.output)\(inner.error)")
    }

    @Test("An IOAPIC that the cell does not have is proposed, for pins that are the cell's")
    func ioapic() throws {
        let cell = try file("sample.toml", Self.cell())
        let outcome = try Executable.run([
            "explain", "FATAL: Invalid MMIO/RAM write, addr: 0x00000000fec00000 size: 4", "--cell", cell,
        ])
        for text in ["has no [[interrupt-chip]]", "    address = 0xfec00000\n", "pins that Linux does not use"] {
            #expect(outcome.output.contains(text), "\(outcome.output)")
        }
    }

    @Test(
        "Distances are rounded, and what is far from everything is not measured",
        arguments: [
            ("0000000000200ff8", "about 4 KiB behind"), ("00000000081fff04", "about 128 MiB behind"),
            ("000000003fffff00", "about 1022 MiB behind"), ("00000000401fff00", "about 1 GiB behind"),
            ("fffffffffffffff8", "is far from all of the cell's memory"),
        ])
    func distances(address: String, text: String) throws {
        let cell = try file("sample.toml", Self.cell())
        let outcome = try Executable.run([
            "explain", "FATAL: Invalid MMIO/RAM write, addr: 0x\(address) size: 4", "--cell", cell,
        ])
        #expect(outcome.output.contains(text), "\(outcome.output)")
    }

    @Test("Conditions, and error numbers of commands")
    func words() throws {
        let failed = try Executable.run(["explain", "gave-up"])
        #expect(
            failed.output.hasPrefix("meaning: The cell failed more often than its limit allows"),
            "\(failed.output)\(failed.error)")
        #expect(
            try Executable.run(["explain", "shut", "down"]).output == Executable.run(["explain", "stopped"]).output)
        let busy = try Executable.run(["explain", "create", "EBUSY"])
        let title = "create ends with EBUSY for one of these reasons, the most frequent first:\n\n1.\n"
        #expect(busy.output.hasPrefix(title), "\(busy.output)")
        #expect(busy.output.components(separatedBy: "meaning: ").count == 4, "\(busy.output)")
        let json = try Executable.run(["explain", "load", "EINVAL", "--json"])
        #expect(json.output.contains("\"rule\": \"JH0806\""), "\(json.output)")
        let none = try Executable.run(["explain", "start", "EXDEV"])
        #expect(
            none.status == 0 && none.output.hasPrefix("meaning: EXDEV (Invalid cross-device link): neither the driver")
                && none.output.contains("reasons of start have EPERM"), "\(none)")
        let alone = try Executable.run(["explain", "EXDEV"])
        #expect(alone.status == 0 && alone.output.contains("EXDEV (Invalid cross-device link)"), "\(alone)")
        let word = try Executable.run(["explain", "start", "EFOO"])
        #expect(word.status == 1 && word.error.contains("EFOO is no error number"), "\(word)")
        // the driver says success, and has made no cell
        let nothing = try Executable.run(["explain", "create", "0"])
        #expect(nothing.status == 0 && nothing.output.contains("no cell exists"), "\(nothing)")
        #expect(
            try Executable.run(["explain", "running but silent"]).output
                == Executable.run(["explain", "silent"]).output)
        let unknown = try Executable.run(["explain", "gave-upp"])
        #expect(unknown.error.contains("did you mean gave-up?"), "\(unknown.error)")
    }

    @Test("The cases of real machines: a jump outside, an enable that ended")
    func texts() throws {
        let jump = try Executable.run(
            ["explain", "-"],
            input: Self.dump(
                "FATAL: unable to get MMIO instruction\nFATAL: Invalid MMIO/RAM read, addr: 0x0000000001000000 size: 0",
                rip: "0000000001000000"))
        #expect(
            jump.output.contains("The program jumped to 0x1000000, where the cell has no memory to execute."),
            "\(jump.output)")
        let enable = try Executable.run(
            ["explain", "-"],
            input: Data("\nInitializing Jailhouse hypervisor v0.12 on CPU 2\nInitializing unit: VT-d\n".utf8))
        #expect(enable.output.contains("The enable ended while the unit \"VT-d\" was initialised"), "\(enable.output)")
        // as people paste it: without the last line
        let cut = try Executable.run(
            ["explain", "-", "--cell", try file("sample.toml", Self.cell())],
            input: Data(
                "FATAL: Invalid MMIO/RAM write, addr: 0x0000000000201000 size: 4\nRIP: 0x0000000000000099 RSP: 0x0000000000007000\n"
                    .utf8))
        #expect(cut.output.contains("0x201000 is 4 KiB behind \"RAM\""), "\(cut.output)")
        let missed = try Executable.run(
            ["explain", "-"], input: Data("<missed 311 bytes of console log>\nParking CPU 2 (Cell: \"a\")\n".utf8))
        #expect(missed.output.hasPrefix("311 bytes of the console are missing"), "\(missed.output)")
    }

    @discardableResult
    private func shell(_ command: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(command)")
        return String(decoding: output, as: UTF8.self)
    }
}
