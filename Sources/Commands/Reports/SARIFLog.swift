// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import RulePages
import CellDefinition
import ControlInterface

/// What `check` found, as the Static Analysis Results Interchange Format 2.1.0 has it.
struct SARIFLog: Encodable {
    let version = "2.1.0"
    let schema = "https://json.schemastore.org/sarif-2.1.0.json"
    let runs: [Run]

    init(_ files: [CheckedFile]) {
        let results = files.flatMap(\.findings).map(Result.init)
        let pages = RulePage.all.filter { page in results.contains { $0.ruleId == page.id } }
        runs = [Run(tool: Tool(driver: Driver(rules: pages.map(Rule.init))), results: results)]
    }

    private enum CodingKeys: String, CodingKey {
        case version
        case schema = "$schema"
        case runs
    }

    struct Run: Encodable {
        let tool: Tool
        let results: [Result]
        let columnKind = "unicodeCodePoints"
    }

    struct Tool: Encodable {
        let driver: Driver
    }

    struct Driver: Encodable {
        let name = "jailhouse-ctl"
        let version = Product.version
        /// Those that have results.
        let rules: [Rule]
    }

    struct Text: Encodable {
        let text: String
    }

    struct Rule: Encodable {
        let id: String
        let shortDescription: Text
        let fullDescription: Text
        let help: Text
        let defaultConfiguration: Configuration

        struct Configuration: Encodable {
            let level: String
        }

        init(_ page: RulePage) {
            id = page.id
            shortDescription = Text(text: page.text.title)
            fullDescription = Text(text: page.text.consequence)
            help = Text(text: page.text.remedy)
            defaultConfiguration = Configuration(level: page.text.severity.rawValue)
        }
    }

    struct Result: Encodable {
        /// Absent for a file that cannot be read or understood.
        let ruleId: String?
        /// SARIF has the same words: error, warning, note.
        let level: String
        let message: Text
        let locations: [Location]

        init(_ complaint: Complaint) {
            ruleId = complaint.rule
            level = complaint.severity
            let sentences = [complaint.message, complaint.consequence, complaint.remedy].filter { !$0.isEmpty }
            message = Text(text: sentences.joined(separator: "; "))
            locations = [Location(complaint)]
        }
    }

    struct Location: Encodable {
        let physicalLocation: Place
        let logicalLocations: [Key]

        init(_ complaint: Complaint) {
            physicalLocation = Place(
                artifactLocation: Artifact(uri: Self.uri(complaint.file)),
                region: complaint.line.map(Region.init))
            logicalLocations = complaint.location.isEmpty ? [] : [Key(fullyQualifiedName: complaint.location)]
        }

        struct Place: Encodable {
            let artifactLocation: Artifact
            let region: Region?
        }

        struct Artifact: Encodable {
            let uri: String
        }

        struct Region: Encodable {
            let startLine: Int
        }

        /// The key in the file.
        struct Key: Encodable {
            let fullyQualifiedName: String
        }

        /// A relative path is a relative reference; what has a meaning of its own in an address is escaped.
        private static func uri(_ path: String) -> String {
            let plain = Set("-._~/".utf8)
            func isPlain(_ byte: UInt8) -> Bool {
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: plain.contains(byte)
                }
            }
            let escaped = path.utf8.map { byte in
                isPlain(byte)
                    ? String(Character(UnicodeScalar(byte)))
                    : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }.joined()
            return path.hasPrefix("/") ? "file://" + escaped : escaped
        }
    }
}
