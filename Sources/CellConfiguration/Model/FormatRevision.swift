// SPDX-License-Identifier: Apache-2.0

/// The revision of the binary format, as files have it. Its layouts are ``FormatVariant``.
package enum FormatRevision: UInt16, CaseIterable, Hashable, Sendable {
    case revision10 = 10
    case revision11 = 11
    case revision12 = 12
    case revision13 = 13
    case revision14 = 14

    /// The one that is written unless another is asked for.
    package static let current = FormatRevision.revision14

    /// Whether files have an architecture: from revision 14 on.
    package var hasArchitecture: Bool { self == .revision14 }

    /// Such as `revision 12 (release v0.12)`, for any number.
    static func name(of number: UInt16) -> String {
        let release: String? =
            switch number {
            case 0..<9: "before release v0.9"
            case 9: "release v0.9"
            case 10: "releases v0.10 and v0.11"
            case 11: "between releases v0.11 and v0.12"
            case 12: "release v0.12"
            case 13: "after release v0.12, from June 2020"
            case 14: "after release v0.12, from 2023"
            case 15: "a branch of Jailhouse, not upstream"
            default: nil
            }
        return "revision \(number)" + (release.map { " (\($0))" } ?? "")
    }

    /// `10 to 14`.
    static var names: String {
        "\(allCases.first?.rawValue ?? 0) to \(allCases.last?.rawValue ?? 0)"
    }
}
