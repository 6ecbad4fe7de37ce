// SPDX-License-Identifier: Apache-2.0

/// Replaces names and paths in text, each by the same word everywhere: what a report shows to strangers.
///
/// Paths below `/dev`, `/proc` and `/sys` stay: they are those of every machine.
struct Pseudonyms {
    /// The longest first, so that a name that contains another one is replaced as a whole.
    private var names: [(name: String, word: String)] = []
    private var paths: [String: String] = [:]
    /// The longest first.
    private var secrets: [String] = []

    private static let commonPaths = ["/dev", "/proc", "/sys"]

    /// - Parameters:
    ///   - cells: their names; they become `cell-1`, `cell-2` and so on.
    ///   - images: names of programs; they become `image-1` and so on.
    ///   - others: other names, with what replaces them.
    ///   - secrets: whole strings, wherever they stand.
    init(
        cells: [String], images: [String] = [], others: KeyValuePairs<String, String> = [:],
        secrets: Set<String> = []
    ) {
        self.secrets = secrets.sorted { ($0.count, $0) > ($1.count, $1) }
        names = others.map { ($0.key, $0.value) }
        for (index, name) in cells.enumerated() { names.append((name, "cell-\(index + 1)")) }
        for (index, name) in images.enumerated() { names.append((name, "image-\(index + 1)")) }
        names = names.filter { !$0.name.isEmpty }.sorted { $0.name.count > $1.name.count }
    }

    mutating func hide(_ text: String) -> String { hideNames(hidePaths(hideSecrets(text))) }

    /// A file of the machine, in which no cell is named: only what is not a cell's is replaced.
    mutating func hide(machine text: String) -> String {
        var others = self
        others.names.removeAll { $0.word.hasPrefix("cell-") }
        let hidden = others.hide(text)
        paths = others.paths
        return hidden
    }

    /// Whether a secret is found where a text of TOML has it, which may write it in other ways.
    static func finds(_ secret: String, in text: String) -> Bool {
        text.contains(secret) || text.contains(escaped(secret))
    }

    private static func escaped(_ secret: String) -> String {
        secret.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }

    private func hideSecrets(_ text: String) -> String {
        secrets.reduce(text) { text, secret in
            let escaped = Self.escaped(secret)
            // as HTML, TOML and JSON write it, too
            let forms = [
                secret, escaped, HTML.escaped(secret), HTML.escaped(escaped), escaped.replacing("/", with: "\\/"),
            ]
            // a short one is only known between quotation marks
            guard secret.count < 4 else { return forms.reduce(text) { $0.replacing($1, with: "hidden") } }
            return forms.reduce(text) { $0.replacing("\"\($1)\"", with: "\"hidden\"") }
        }
    }

    /// Text of HTML or SVG: nothing between `<` and `>` is touched, and no style sheet.
    mutating func hide(markup: String) -> String {
        var result = ""
        var rest = markup[...]
        while !rest.isEmpty {
            if rest.first == "<" {
                let end = rest.firstIndex(of: ">").map { rest.index(after: $0) } ?? rest.endIndex
                var tag = rest[..<end]
                if tag.hasPrefix("<style") {
                    let close = rest.firstRange(of: "</style>")?.upperBound ?? rest.endIndex
                    tag = rest[..<close]
                }
                result += tag
                rest = rest[tag.endIndex...]
            } else {
                let text = rest.prefix { $0 != "<" }
                result += hide(String(text))
                rest = rest[text.endIndex...]
            }
        }
        return result
    }

    private func hideNames(_ text: String) -> String {
        names.reduce(text) { text, name in
            if Self.isCommon(name.name) { return Self.replaceNamed(name.name, by: name.word, in: text) }
            // as HTML writes it, too
            return [name.name, HTML.escaped(name.name)].reduce(text) { Self.replace($1, by: name.word, in: $0) }
        }
    }

    /// What the hypervisor, Linux or a report itself says of any machine: as a name it tells a stranger nothing, and without it the
    /// text would say something else.
    private static let commonWords = Set(
        """
        a abort access acpi active address advice at boot bus byte bytes cause cell cells code communication condition configuration \
        console cpu cpus data dead device devices disabled driver enabled entry error exit exits failed failure fatal firmware for \
        hypervisor image in interrupt invalid io iommu is jailhouse kernel last line link linux local locked lost machine map meaning memory \
        mmio msr name no none not of off on page parked parking pci physical port ports program ram read register registers region report \
        reserved reset root rule running shut down size start started state status stop stopped system test the timer uart unhandled \
        unsupported virtual was write
        """.split(separator: " ").map(String.init))

    private static func isCommon(_ name: String) -> Bool {
        name.lowercased().split(separator: " ").allSatisfy { commonWords.contains(String($0)) }
    }

    /// Only where nothing but the name can be meant: in quotation marks, or as the whole text.
    private static func replaceNamed(_ name: String, by word: String, in text: String) -> String {
        guard text != name else { return word }
        return ["\"", "&quot;"].reduce(text) { $0.replacing("\($1)\(name)\($1)", with: "\($1)\(word)\($1)") }
    }

    /// Replaces whole words, and beginnings of the word that were cut off with an ellipsis.
    private static func replace(_ name: String, by word: String, in text: String) -> String {
        var result = ""
        var rest = text[...]
        while let found = rest.firstRange(of: name) {
            let before = found.lowerBound > text.startIndex ? text[text.index(before: found.lowerBound)] : nil
            let after = found.upperBound < text.endIndex ? text[found.upperBound] : nil
            let isWord = !(before.map(isPart) ?? false) && !(after.map(isPart) ?? false)
            result += rest[..<found.lowerBound] + (isWord ? word : name)
            rest = rest[found.upperBound...]
        }
        result += rest
        guard name.count > 4, result.contains("…") else { return result }
        for length in (4..<name.count).reversed() {
            result = result.replacing(name.prefix(length) + "…", with: word + "…")
        }
        return result
    }

    private static func isPart(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_" || character == "-"
    }

    private mutating func hidePaths(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.firstIndex(of: "/") {
            let before = start > text.startIndex ? text[text.index(before: start)] : " "
            let path = rest[start...].prefix { Self.isPart($0) || "/.+@~%:".contains($0) }
            let end = path.endIndex
            result += rest[..<start]
            let isPath =
                !Self.isPart(before) && !"/.".contains(before) && path.count > 1 && !path.hasPrefix("//")
                && !Self.commonPaths.contains { path == $0 || path.hasPrefix($0 + "/") }
            result += isPath ? word(for: String(path)) : String(path)
            rest = rest[end...]
        }
        return result + rest
    }

    private mutating func word(for path: String) -> String {
        // a sentence, or a place in the file, may follow
        let end = path.reversed().drop { ".:".contains($0) }
        var name = String(end.reversed())
        if let colon = name.lastIndex(of: ":"), name[colon...].dropFirst().allSatisfy(\.isNumber) {
            name = String(name[..<colon])
        }
        let tail = path.dropFirst(name.count)
        let file = name.split(separator: "/").last ?? ""
        let ending = file.lastIndex(of: ".").map { String(file[$0...]) } ?? ""
        let word = paths[name] ?? "/path-\(paths.count + 1)\(ending)"
        paths[name] = word
        return word + tail
    }
}
