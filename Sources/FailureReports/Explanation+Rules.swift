// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// The rules of `check` that may have told of a failure.
struct RelatedRules {
    /// About exactly this mistake.
    var certain: String?
    /// Those that may be about it, where they find something in the files.
    var possible: [String] = []

    /// The address or port that was touched; nil: it is about something else.
    var place: UInt64?

    /// The first that finds something about the same place; where nothing was checked, the certain one.
    func named(by surroundings: Surroundings) -> String? {
        guard let findings = surroundings.findings else { return certain }
        return ([certain].compactMap(\.self) + possible).first { rule in
            guard findings.contains(rule) else { return false }
            guard let place, let texts = surroundings.findingTexts[rule], !texts.isEmpty else { return true }
            return texts.contains { Self.isAbout(place, $0) }
        }
    }

    /// Whether a sentence has a range that contains the place, or names no range at all.
    private static func isAbout(_ place: UInt64, _ text: String) -> Bool {
        // such as 0x3f8–0x3ff
        let pieces = text.split(separator: "0x").dropFirst(text.hasPrefix("0x") ? 0 : 1)
        var ranges: [ClosedRange<UInt64>] = []
        for (begin, end) in zip(pieces, pieces.dropFirst()) {
            let digits = begin.prefix(while: \.isHexDigit)
            guard begin.dropFirst(digits.count) == "–", let first = UInt64(digits, radix: 16),
                let last = UInt64(end.prefix(while: \.isHexDigit), radix: 16), first <= last
            else { continue }
            ranges.append(first...last)
        }
        return ranges.isEmpty || ranges.contains { $0.contains(place) }
    }
}

extension Violation {
    /// Of a program in a cell.
    var relatedRules: RelatedRules {
        var rules = rulesOfKind
        rules.place = touched
        return rules
    }

    /// The port or the address in memory.
    private var touched: UInt64? {
        switch self {
        case .port(_, let port, _): port
        case .memory(_, let address, _), .dataAbort(_, let address, _), .subPage(_, let address, _): address
        default: nil
        }
    }

    private var rulesOfKind: RelatedRules {
        switch self {
        case .port(_, let port, _):
            PCPorts.isModerated(port)
                ? RelatedRules()
                : PCPorts.boardDevice(at: port) != nil
                    ? RelatedRules(certain: "JH0841")
                    : RelatedRules(possible: PCPorts.serialPort(at: port) != nil ? ["JH0402", "JH0841"] : [])
        case .subPage: RelatedRules(possible: ["JH0204"])
        case .pciConfiguration, .pciMemory: RelatedRules(possible: ["JH1010", "JH1016"])
        case .vectorTable: RelatedRules(possible: ["JH1008"])
        case .ioapic: RelatedRules(possible: ["JH1102", "JH1104"])
        case .instructionAbort, .unreadableInstruction, .armTrap(class: 0x20, _):
            RelatedRules(possible: ["JH0811", "JH0401"])
        case .armTrap(class: 0x24, isForbidden: true): RelatedRules(certain: "JH1110")
        // the port is listed, or the line would be another
        case .keyboardController: RelatedRules(certain: "JH1504")
        case .hypervisorAbort: RelatedRules(possible: ["JH1307", "JH0204"])
        case .hypervisorException: RelatedRules(possible: ["JH0701"])
        default: RelatedRules()
        }
    }

    /// Of Linux: about what a cell takes from it.
    ///
    /// - Parameter isOfCell: a cell has what Linux touched.
    func rootRules(isOfCell: Bool) -> RelatedRules {
        var rules = rootRulesOfKind(isOfCell: isOfCell)
        rules.place = touched
        return rules
    }

    private func rootRulesOfKind(isOfCell: Bool) -> RelatedRules {
        switch self {
        case .port(_, let port, _):
            let rule = PCPorts.boardDevice(at: port) != nil ? "JH1302" : "JH1301"
            // which of them it is, the name in /proc/ioports decides
            return RelatedRules(certain: isOfCell ? rule : nil, possible: ["JH1302", "JH1301"])
        case .memory, .dataAbort:
            return RelatedRules(certain: isOfCell ? "JH1303" : nil, possible: ["JH1303", "JH1305"])
        case .pciConfiguration, .pciMemory, .vectorTable: return RelatedRules(possible: ["JH1010", "JH1305"])
        case .hypervisorAbort: return RelatedRules(possible: ["JH1307"])
        case .hypervisorException: return RelatedRules(possible: ["JH0701"])
        default: return RelatedRules()
        }
    }
}
