// SPDX-License-Identifier: Apache-2.0

import RulePages
import CellConfiguration
import CellDefinition
import ConfigurationRules
import Foundation
import TestSupport
import Testing

@testable import Commands

struct ExplainTests {
    @Test func allRules() throws {
        let outcome = try Executable.run(["explain"])
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("Names and CPUs\n  JH0101  error   a cell has a name\n"))
        #expect(RulePage.all.count == outcome.output.split(separator: "\n").filter { $0.hasPrefix("  JH") }.count)
    }

    @Test func aPageHasItsExample() throws {
        let outcome = try Executable.run(["explain", "jh0603"])
        #expect(outcome.status == 0)
        for line in [
            "JH0603 (error): no two cells have the same memory, unless both say so\n", "\nOtherwise   the hypervisor",
            "\nWhat to do  give one", "\nIn other.toml:\n", "\n  - physical = 0x3a800000\n  + physical = 0x3a700000\n",
            "\n  other.toml:8: error: memory[0]: the region \"ram\"",
        ] { #expect(outcome.output.contains(line), "\(outcome.output)") }
    }

    @Test(arguments: RulePage.all.map(\.id)) func eachPageReadsWell(id: String) throws {
        let page = try #require(RulePage.all.first { $0.id == id })
        let report = RuleReport(page)
        let text = report.text(.plain, width: 80)
        #expect(text.hasPrefix("\(id) (\(page.text.severity)): \(page.text.title)\n"))
        #expect(report.changes.isEmpty == report.findings.isEmpty, "\(text)")
        #expect(
            !page.text.title.hasSuffix(".") && !page.text.consequence.hasSuffix(".") && !page.text.remedy.hasSuffix(".")
        )
    }

    @Test func aRuleThatThereIsNot() throws {
        let outcome = try Executable.run(["explain", "JH0699"])
        #expect(outcome.status == 1)
        #expect(outcome.error.hasPrefix("jailhouse-ctl: there is no rule 'JH0699'; did you mean JH06"))
    }

    @Test func json() throws {
        let outcome = try Executable.run(["explain", "JH0901", "--json"])
        let pages = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]]
        let page = try #require(pages?.first)
        #expect(
            Set(page.keys) == ["rule", "severity", "title", "consequence", "remedy", "changes", "findings"])
        #expect((page["findings"] as? [[String: Any]])?.first?["rule"] as? String == "JH0901")
    }

    @Test(
        "Error numbers are understood as tools print them",
        arguments: ["EBUSY", "ebusy", "16", "-16", "Device or resource busy"])
    func errorNumber(words: String) throws {
        #expect(Explain.errnoName(words) == "EBUSY")
        let outcome = try Executable.run(["explain", "--", "create \(words)"])
        #expect(outcome.status == 0 && outcome.output.hasPrefix("create ends with EBUSY for one of"), "\(outcome)")
        let all = try Executable.run(["explain", "--", words])
        #expect(all.status == 0 && all.output.hasPrefix("EBUSY has these reasons"), "\(all)")
    }

    @Test(
        "A command and its error number are understood as upstream's tool and driver write them",
        arguments: [
            "JAILHOUSE_CELL_CREATE: Device or resource busy", "cell create EBUSY", "jailhouse cell create: EBUSY",
            "create: -16",
        ])
    func commandAndErrorNumber(words: String) throws {
        let outcome = try Executable.run(["explain", words])
        #expect(outcome.status == 0 && outcome.output.hasPrefix("create ends with EBUSY for one of"), "\(outcome)")
    }

    @Test("A negative number needs no quotation marks")
    func negative() throws {
        let outcome = try Executable.run(["explain", "enable", "-22"])
        #expect(outcome.status == 0 && outcome.output.hasPrefix("enable ends with EINVAL"), "\(outcome)")
    }

    @Test("With files, causes that they rule out are left out")
    func narrowedCauses() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/rtems.toml"
        try RTEMSCell.toml().write(toFile: path, atomically: true, encoding: .utf8)
        let all = try Executable.run(["explain", "create", "EINVAL"])
        let some = try Executable.run(["explain", "create", "EINVAL", "--cell", path])
        #expect(all.output.contains("has CPU 0 of an x86 machine"), "\(all)")
        #expect(some.status == 0 && !some.output.contains("has CPU 0 of an x86 machine"), "\(some)")
    }

    @Test(
        "What is no error number is refused", arguments: ["-9223372036854775808", "-2147483648", "99999", "create 77"])
    func noErrorNumber(words: String) throws {
        #expect(try Executable.run(["explain", "--", words]).status == 1)
    }

    @Test("A line of the console is explained")
    func line() throws {
        let outcome = try Executable.run(["explain", "FATAL: Invalid PIO write, port: 3f9 size: 1"])
        #expect(outcome.status == 0)
        #expect(
            outcome.output == """
                meaning: The program wrote the I/O port 0x3f9 (1 byte): COM1, which is not the cell's.
                entry that would allow it:
                    [[ports]]
                    base = 0x3f8
                    count = 8
                advice: Grant it only if Linux does not use this serial port: no console=ttyS…, no getty, no other driver.

                """)
        let nothing = try Executable.run(["explain", "all is well"])
        #expect(nothing.status == 1)
        #expect(nothing.error.contains("there is no failure in this line"))
    }
}
