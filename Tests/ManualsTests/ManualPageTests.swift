// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Manuals

@Suite("Pages of the manual")
struct ManualPageTests {
    private static let edition = ManualEdition(version: "1.2.3", date: "2026-11-26")

    @Test("Text cannot be taken for a macro or an escape")
    func textIsText() {
        let page = ManualPage(
            "x", 1, summary: "a thing",
            [.init("DESCRIPTION", [.paragraph(".SH is 'no' macro, \\fB no font, -x no hyphen, …, é no ASCII")])])
        #expect(
            page.roff(Self.edition) == """
                .TH "X" "1" "2026-11-26" "jailhoused 1.2.3" "Jailhouse"
                .nh
                .ad l
                .SH "NAME"
                x \\- a thing
                .SH "DESCRIPTION"
                \\&.SH is \\(aqno\\(aq macro, \\efB no font, \\-x no hyphen, ..., \\[u00E9] no ASCII

                """)
    }

    @Test("A term has bold and italic words, and lone marks are text")
    func terms() {
        #expect(Roff.term("*-o*, *--output* <file>") == "\\fB\\-o\\fP, \\fB\\-\\-output\\fP \\fIfile\\fP")
        #expect(Roff.term("a < b * c") == "a < b * c")
    }

    @Test("Only macros begin as macros do")
    func macros() {
        for page in ManualSet.pages(of: []) {
            let macros = ["TH", "SH", "SS", "PP", "TP", "IP", "nf", "fi", "nh", "ad"]
            for line in page.roff(Self.edition).split(separator: "\n") where line.hasPrefix(".") {
                #expect(macros.contains(String(line.dropFirst().prefix(2))), "\(page.reference): \(line)")
            }
        }
    }

    @Test("The help of a command becomes sections")
    func commands() throws {
        let dump = """
            {"serializationVersion": 0, "command": {"commandName": "tool", "abstract": "Do it.", "shouldDisplay": true,
             "discussion": "One\\ntwo.\\n\\nExit status: 0 done; 4 no such cell.\\n\\nExample: tool x",
             "arguments": [
               {"kind": "positional", "shouldDisplay": true, "isOptional": false, "isRepeating": true, "valueName": "cell",
                "abstract": "A name."},
               {"kind": "option", "shouldDisplay": true, "isOptional": true, "isRepeating": false, "valueName": "file",
                "names": [{"kind": "long", "name": "output"}, {"kind": "short", "name": "o"}], "defaultValue": "-"},
               {"kind": "flag", "shouldDisplay": false, "isOptional": true, "isRepeating": false,
                "names": [{"kind": "long", "name": "secret"}]}],
             "subcommands": [{"commandName": "help", "superCommands": ["tool"]}]}}
            """
        let pages = ManualPage.pages(
            of: try CommandTable.read(Array(dump.utf8)), section: 1, more: [], see: ["tool(1)", "other(1)"])
        #expect(
            pages == [
                ManualPage(
                    "tool", 1, summary: "Do it",
                    [
                        .init("SYNOPSIS", [.usage("*tool* <cell>… [*--output* <file>]")]),
                        .init("DESCRIPTION", [.paragraph("One two.")]),
                        .init("ARGUMENTS", [.entry("<cell>", [.paragraph("A name.")])]),
                        .init("OPTIONS", [.entry("*-o*, *--output* <file>", [.paragraph("Default: -.")])]),
                        .init(
                            "EXIT STATUS",
                            [
                                .entry("*0*", [.paragraph("Done.")]),
                                .entry("*4*", [.paragraph("No such cell.")]),
                            ]),
                        .init("EXAMPLES", [.literal("tool x")]),
                        .init("SEE ALSO", [.paragraph("other(1)")]),
                    ])
            ])
    }

    @Test("An interface's text becomes methods, types and errors")
    func interface() {
        let page = ManualPage.interface(
            """
            # What it is.
            interface org.example.X

            # A thing.
            # name: for people,
            #   in full.
            type Thing (
              name: string
            )

            # About both.

            method A() -> ()

            # Fails.
            error One()
            error Two()
            """, named: "org.example.X")
        let sections = Dictionary(uniqueKeysWithValues: page.sections.map { ($0.title, $0.blocks) })
        #expect(sections["DESCRIPTION"] == [.paragraph("What it is.")])
        #expect(
            sections["TYPES"] == [
                .entry(
                    "*Thing*",
                    [
                        .paragraph("A thing."), .paragraph("name: for people, in full."),
                        .literal("type Thing (\n  name: string\n)"),
                    ])
            ])
        #expect(sections["METHODS"] == [.paragraph("About both."), .entry("*A*", [.literal("method A() -> ()")])])
        #expect(
            sections["ERRORS"] == [
                .entry("*One*", [.paragraph("Fails."), .literal("error One()")]),
                .entry("*Two*", [.literal("error Two()")]),
            ])
    }
}
