// SPDX-License-Identifier: Apache-2.0

import ControlInterface

extension ManualPage {
    /// org.jailhoused.Manager(7)
    package static var interface: ManualPage { interface(Manager.description, named: Manager.name) }

    /// The page of a Varlink interface.
    ///
    /// - Parameter description: its text: blocks with an empty line between them, of comments and one declaration or more.
    static func interface(_ description: String, named name: String) -> ManualPage {
        var about: [Block] = []
        var parts: [String: [Block]] = [:]
        for block in description.split(separator: "\n\n") {
            let lines = block.split(separator: "\n").map(String.init)
            var comment: [String] = []
            var declaration: [String] = []
            for line in lines {
                if line.hasPrefix("#") {
                    // one declaration with its comment ends where the next comment begins
                    if !declaration.isEmpty { take() }
                    comment.append(String(line.dropFirst(2)))
                } else {
                    if isDeclaration(line), !declaration.isEmpty { take() }
                    declaration.append(line)
                }
            }
            take()

            func take() {
                let words = (declaration.first ?? "").split(separator: " ").map(String.init)
                let kind = words.first ?? "method"
                let text = prose(comment)
                if kind == "interface" {
                    about += text
                } else if let declared = words.dropFirst().first {
                    let name = String(declared.prefix { $0 != "(" })
                    parts[kind, default: []].append(
                        .entry("*\(name)*", text + [.literal(wrapped(declaration).joined(separator: "\n"))]))
                } else {
                    parts[kind, default: []] += text
                }
                comment = []
                declaration = []
            }
        }
        return ManualPage(
            name, 7, summary: "Varlink interface of the supervisor of Jailhouse cells",
            [
                Section(
                    "SYNOPSIS",
                    [
                        .usage("unix:/run/jailhoused/control"), .usage("unix:/run/jailhoused/status"),
                    ]),
                Section("DESCRIPTION", about),
                Section("METHODS", parts["method"] ?? []),
                Section("TYPES", parts["type"] ?? []),
                Section("ERRORS", parts["error"] ?? []),
                Section(
                    "EXAMPLES",
                    [
                        .literal(
                            """
                            python3 -c 'import varlink
                            with varlink.Client.new_with_address("unix:/run/jailhoused/status") as client:
                                with client.open("\(name)") as manager:
                                    print(manager.List()["cells"])'
                            """)
                    ]),
                Section("SEE ALSO", [.paragraph("jailhoused(8), jailhouse-ctl(1)")]),
            ])
    }

    private static func isDeclaration(_ line: String) -> Bool {
        ["interface ", "type ", "method ", "error "].contains { line.hasPrefix($0) }
    }

    /// Comment lines as paragraphs: one ends at an empty line, and before a line that begins with a field's name.
    private static func prose(_ comment: [String]) -> [Block] {
        var paragraphs: [String] = []
        var isOpen = false
        for line in comment {
            if line.isEmpty {
                isOpen = false
            } else if isOpen, !startsParagraph(line) {
                paragraphs[paragraphs.count - 1] += " " + line.drop { $0 == " " }
            } else {
                paragraphs.append(String(line.drop { $0 == " " }))
                isOpen = true
            }
        }
        return paragraphs.map { .paragraph($0) }
    }

    /// `name: …` or `name, name: …`, with lower case as the names of fields have.
    private static func startsParagraph(_ line: String) -> Bool {
        guard let colon = line.firstIndex(of: ":") else { return false }
        let names = line[..<colon].split(separator: ",")
        return names.allSatisfy { name in
            let word = name.drop { $0 == " " }
            return word.first?.isLowercase == true && !word.contains(" ")
        }
    }

    /// A declaration whose lines fit: a long one is broken behind commas.
    private static func wrapped(_ declaration: [String]) -> [String] {
        declaration.flatMap { line -> [String] in
            guard line.count > 72 else { return [line] }
            var lines: [String] = []
            var rest = ""
            for piece in line.split(separator: " ") {
                if rest.count + piece.count > 66, !rest.isEmpty {
                    lines.append(rest)
                    rest = "   "
                }
                rest += (rest.isEmpty ? "" : " ") + piece
            }
            return lines + [rest]
        }
    }
}
