// SPDX-License-Identifier: Apache-2.0

extension ManualPage {
    /// The pages of a program: its own, and one for each of its commands.
    ///
    /// - Parameters:
    ///   - section: 1 for what users run, 8 for what the service manager does.
    ///   - more: sections about what the program's help does not say.
    package static func pages(of command: CommandTable, section: Int, more: [Section], see: [String]) -> [ManualPage] {
        let parts = HelpText(command.discussion ?? "")
        let name = command.words.joined(separator: "-")
        let commands = command.ownSubcommands
        let page = ManualPage(
            name, section, summary: command.abstract.map(phrase) ?? "",
            [
                Section("SYNOPSIS", synopsis(command)),
                Section("DESCRIPTION", parts.description),
                Section("COMMANDS", commands.map(entry)),
                Section("ARGUMENTS", command.shown.filter { $0.kind == "positional" }.map(entry)),
                Section("OPTIONS", command.shown.filter { $0.kind != "positional" }.map(entry)),
                Section("EXIT STATUS", parts.exitStatus),
            ] + more + [
                Section("EXAMPLES", parts.examples),
                Section("SEE ALSO", [.paragraph(see.filter { $0 != "\(name)(\(section))" }.joined(separator: ", "))]),
            ])
        let own = "\(name)(\(section))"
        return [page]
            + commands.flatMap {
                pages(of: $0, section: section, more: [], see: [own] + see.filter { $0 != own })
            }
    }

    private static func synopsis(_ command: CommandTable) -> [Block] {
        let words = "*\(command.words.joined(separator: " "))*"
        let own = ([words] + command.shown.map(usage)).joined(separator: " ")
        let choice = "\(words) <command> [<argument>…]"
        return [.usage(command.ownSubcommands.isEmpty ? own : choice)]
    }

    private static func usage(_ argument: CommandTable.Argument) -> String {
        let value = "<\(argument.valueName ?? "value")>"
        let more = argument.isRepeating ? "…" : ""
        switch argument.kind {
        case "positional": return argument.isOptional ? "[\(value)\(more)]" : value + more
        case "flag": return "[\(names(argument).first ?? "")]"
        default:
            let text = "\(names(argument).last ?? "") \(value)\(more)"
            return argument.isOptional ? "[\(text)]" : text
        }
    }

    private static func names(_ argument: CommandTable.Argument) -> [String] {
        let names = argument.names ?? []
        // -o before --output, as the help has them
        return (names.filter { $0.kind != "long" } + names.filter { $0.kind == "long" }).map { "*\($0.text)*" }
    }

    private static func entry(_ argument: CommandTable.Argument) -> Block {
        let value = "<\(argument.valueName ?? "value")>"
        let term =
            switch argument.kind {
            case "positional": value
            case "flag": names(argument).joined(separator: ", ")
            default: names(argument).joined(separator: ", ") + " \(value)"
            }
        var sentences = [argument.abstract].compactMap { $0 }
        if argument.kind != "flag", let values = argument.allValues, !values.isEmpty {
            sentences.append("Values: \(values.joined(separator: ", ")).")
        }
        if let standard = argument.defaultValue, !standard.isEmpty { sentences.append("Default: \(standard).") }
        let text = sentences.isEmpty ? [] : [Block.paragraph(sentences.joined(separator: " "))]
        return .entry(term, text + HelpText(argument.discussion ?? "").description)
    }

    private static func entry(_ command: CommandTable) -> Block {
        let page = command.words.joined(separator: "-")
        return .entry("*\(command.commandName)*", [.paragraph("\(command.abstract ?? "") See \(page)(1).")])
    }

    /// A sentence without its full stop.
    private static func phrase(_ sentence: String) -> String {
        sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
    }
}

/// The long text of a command's help, by what its paragraphs are.
struct HelpText {
    private(set) var description: [ManualPage.Block] = []
    private(set) var exitStatus: [ManualPage.Block] = []
    private(set) var examples: [ManualPage.Block] = []

    /// - Parameter text: paragraphs with an empty line between them, each on one line. Lines `Example: …` are examples,
    ///   as are paragraphs of command lines; indented lines are literal; `Exit status: 0 done; 1 …` is a list.
    init(_ text: String) {
        let exit = "Exit status: "
        let example = "Example: "
        for paragraph in text.split(separator: "\n\n") {
            let lines = paragraph.split(separator: "\n").map(String.init)
            if paragraph.hasPrefix(exit) {
                exitStatus = Self.statuses(paragraph.dropFirst(exit.count))
            } else if lines.allSatisfy({ $0.hasPrefix("jailhouse-") || $0.hasPrefix("jailhoused ") }) {
                examples.append(.literal(paragraph.description))
            } else if lines.allSatisfy({ $0.hasPrefix("    ") }) {
                description.append(.literal(lines.map { String($0.dropFirst(4)) }.joined(separator: "\n")))
            } else {
                examples += lines.filter { $0.hasPrefix(example) }
                    .map { .literal(String($0.dropFirst(example.count))) }
                let prose = lines.filter { !$0.hasPrefix(example) }
                if !prose.isEmpty { description.append(.paragraph(prose.joined(separator: " "))) }
            }
        }
    }

    private static func statuses(_ list: Substring) -> [ManualPage.Block] {
        list.split(separator: "; ").map { item in
            let parts = item.split(separator: " ", maxSplits: 1)
            let meaning = parts.count < 2 ? "" : String(parts[1])
            let sentence = meaning.prefix(1).uppercased() + meaning.dropFirst()
            return .entry("*\(parts[0])*", [.paragraph(sentence.hasSuffix(".") ? sentence : sentence + ".")])
        }
    }
}
