// SPDX-License-Identifier: Apache-2.0

/// The revision of the binary format. Revision 13 does not say its architecture; all else is the same.
package enum FormatRevision: UInt16, CaseIterable, Hashable, Sendable {
    case revision13 = 13
    case revision14 = 14

    /// The one that is written unless another is asked for.
    package static let current = FormatRevision.revision14

    /// Such as `revision 10 (release v0.11)`, for any number.
    static func name(of number: UInt16) -> String {
        let release: String? =
            switch number {
            case 0..<10: "before release v0.11"
            case 10: "release v0.11"
            case 11: "between releases v0.11 and v0.12"
            case 12: "release v0.12"
            case 13: "after release v0.12, from June 2020"
            case 14: "after release v0.12, from 2023"
            case 15: "a branch of Jailhouse with RISC-V"
            default: nil
            }
        return "revision \(number)" + (release.map { " (\($0))" } ?? "")
    }

    /// Of an architecture that is only seen from the contents.
    static let architectureComment = "not in a file of revision 13"

    /// `revision 13 (…) and revision 14 (…)`.
    static var names: String { allCases.map { name(of: $0.rawValue) }.joined(separator: " and ") }
}
