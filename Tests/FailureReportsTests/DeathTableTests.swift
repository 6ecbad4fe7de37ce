// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import DeathTable
import Foundation
import RulePages
import Testing

@testable import FailureReports

@Suite("The page of deaths")
struct DeathTableTests {
    private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "deaths.md")

    @Test("It is what the code says: make deaths")
    func page() throws {
        let kept = try String(contentsOf: Self.path, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        let made = DeathTable.page.split(separator: "\n", omittingEmptySubsequences: false)
        for (old, new) in zip(kept, made) where old != new {
            Issue.record("\(old)\nis now\n\(new)")
            return
        }
        #expect(kept.count == made.count)
    }

    @Test("Enough of each sort, and none twice")
    func counts() {
        func count(_ groups: DeathCase.Group...) -> Int { DeathCase.all.filter { groups.contains($0.group) }.count }
        #expect(count(.amd, .intel) >= 25)
        #expect(count(.arm64, .arm32) >= 25)
        for group in DeathCase.Group.allCases { #expect(count(group) >= 5, "\(group)") }
        #expect(Set(DeathCase.all.map { "\($0.group) \($0.name)" }).count == DeathCase.all.count)
    }

    @Test("None is unexplained", arguments: DeathCase.all.indices)
    func explained(index: Int) {
        let death = DeathCase.all[index]
        #expect(!death.explanations.isEmpty, "\(death.name)")
        for explanation in death.explanations {
            for sentence in [explanation.summary, explanation.advice] + explanation.notes {
                #expect(sentence.hasSuffix(".") && sentence.count > 12, "\(death.name): \(sentence)")
                #expect(!sentence.contains("  "), "\(death.name): \(sentence)")
            }
            // only a line that is cut off may be unknown
            #expect(!explanation.advice.contains("not known here") || death.name.contains("cut off"), "\(death.name)")
            #expect(explanation.entry == nil || !explanation.advice.hasPrefix("Do not grant"), "\(death.name)")
        }
    }

    @Test("Each entry is one that a definition can have", arguments: DeathCase.all.indices)
    func entries(index: Int) throws {
        let explanations =
            DeathCase.all[index].explanations + reasonLines.map { $0.violation.explanation(in: Surroundings()) }
        for entry in explanations.compactMap(\.entry) {
            let table =
                entry.hasPrefix("physical")
                ? "[[memory]]\naccess = [\"read\"]\n"
                : entry.hasPrefix("capabilities") || entry.hasPrefix("first-capability")
                    ? "[[pci-device]]\nbdf = \"00:02.0\"\n"
                    : entry.hasPrefix("access") || entry.hasPrefix("size")
                        ? "[[memory]]\nphysical = 0x1000\nvirtual = 0x1000\n"
                            + (entry.hasPrefix("size") ? "access = [\"read\"]\n" : "size = \"4 KiB\"\n")
                        : entry.hasPrefix("writable")
                            ? "[[pci-capability]]\nid = 0x5\nstart = 0x40\nlength = 4\n" : ""
            let toml = "[cell]\nname = \"a\"\narchitecture = \"x86\"\ncpus = [1]\n\n\(table)\(entry)\n"
            do { _ = try CellDescriptor(toml: toml, path: "a.toml") } catch { Issue.record("\(error): \(entry)") }
        }
    }

    @Test("Each entry covers what was accessed", arguments: DeathCase.all.indices)
    func covers(index: Int) throws {
        let death = DeathCase.all[index]
        let text = ConsoleText(death.console)
        guard let violation = text.deaths.last?.violation, let entry = death.explanations.last?.entry,
            entry.hasPrefix("[[")
        else { return }
        let cell = try CellDescriptor(
            toml: "[cell]\nname = \"a\"\narchitecture = \"x86\"\ncpus = [1]\n\n\(entry)\n", path: "a.toml")
        switch violation {
        case .memory(let access, let address, let size), .dataAbort(let access, let address, let size):
            let region = try #require(cell.memoryRegions.first, "\(death.name)")
            #expect(region.contains(address) && region.contains(address + size - 1), "\(death.name)")
            #expect(region.flags.contains(access == .read ? .read : .write), "\(death.name)")
        case .port(_, let port, let size):
            let region = try #require(cell.ioPortRegions.first, "\(death.name)")
            #expect(region.contains(port) && region.contains(port + size - 1), "\(death.name)")
        case .pciConfiguration(_, let device, let register, let size):
            let own = cell.pciCapabilities.first ?? PCICapability(id: 0, start: 0, length: 0x40)
            if entry.contains("bdf") { #expect(cell.pciDevices.first?.address.description == device, "\(death.name)") }
            #expect(register >= UInt64(own.start), "\(death.name)")
            #expect(register + size <= UInt64(own.start) + UInt64(own.length), "\(death.name)")
        default: break
        }
    }

    @Test("Each access that is added is the one that was missing", arguments: DeathCase.all.indices)
    func rights(index: Int) throws {
        let death = DeathCase.all[index]
        let text = ConsoleText(death.console)
        guard case .subPage(let access, let address, let size)? = text.deaths.last?.violation,
            let entry = death.explanations.last?.entry
        else { return }
        for word in SubPageRights(access, address, size: size).words {
            #expect(entry.contains("\"\(word)\""), "\(death.name): \(entry)")
        }
    }

    @Test("Each rule that is named exists")
    func rules() {
        let known = Set(RulePage.all.map(\.id))
        let named =
            DeathCase.all.flatMap(\.explanations).compactMap(\.rule) + ConditionPage.all.compactMap(\.explanation.rule)
            + CommandError.all.flatMap(\.causes).compactMap(\.rule)
        for rule in named { #expect(known.contains(rule), "\(rule)") }
    }

    @Test("The port of RTEMS without the 8259A: what, where, whose, whether")
    func rtems() throws {
        let death = try #require(DeathCase.all.first { $0.name.contains("RTEMS port of 2016") })
        let explanation = try #require(death.explanations.first)
        #expect(explanation.summary.contains("the mask register of the first 8259A"))
        #expect(explanation.place?.function == "BSP_dispatch_isr")
        #expect(explanation.advice.hasPrefix("Do not grant it: the device is Linux's"))
        #expect(explanation.advice.contains("inmates/rtems"))
        #expect(explanation.entry == nil && explanation.rule == "JH0841")
    }
}

@Suite("What is no line of the console")
struct ConditionTests {
    @Test(
        "Words are found as people write them",
        arguments: ["gave-up", "Gave up", "SHUT DOWN", "shut-down", "running/locked", "op-tee", "Comm ABI mismatch"])
    func words(word: String) { #expect(ConditionPage.named(word) != nil) }

    @Test("No word is that of two")
    func unique() {
        for condition in ConditionPage.all {
            for word in condition.words { #expect(ConditionPage.named(word) == condition, "\(word)") }
            #expect(condition.explanation.summary.hasSuffix(".") && condition.explanation.advice.hasSuffix("."))
        }
        #expect(ConditionPage.named("happy") == nil)
    }

    @Test("An error number of a command has its causes, the general ones too")
    func errors() {
        #expect(CommandError.of("create", "ebusy")?.causes.count == 3)
        #expect(CommandError.of("stop", "EPERM")?.command == "load")
        #expect(CommandError.of("start", "EINTR")?.causes.first?.what.contains("signal") == true)
        #expect(CommandError.of("start", "ERANGE") == nil && CommandError.of("dance", "EBUSY") == nil)
    }
}
