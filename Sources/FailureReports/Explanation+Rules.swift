// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// The rules of `check` that may have told of a failure.
struct RelatedRules {
    /// About exactly this mistake.
    var certain: String?
    /// Those that may be about it, where they find something in the files.
    var possible: [String] = []

    /// - Parameter findings: the rules that find something in the files of the dump; nil: there are none.
    func named(by findings: Set<String>?) -> String? {
        guard let findings else { return certain }
        return ([certain].compactMap(\.self) + possible).first(where: findings.contains)
    }
}

extension Violation {
    /// Of a program in a cell.
    var relatedRules: RelatedRules {
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
