// SPDX-License-Identifier: Apache-2.0

/// The processor architecture that a configuration is for: the byte after the signature.
package enum Architecture: UInt8, CaseIterable, Hashable, Sendable {
    case x86 = 0
    case arm = 1
    case arm64 = 2

    /// `x86`, `arm` or `arm64`.
    package var name: String { String(describing: self) }

    /// From its ``name``.
    package init?(name: String) {
        guard let architecture = Architecture.allCases.first(where: { $0.name == name }) else { return nil }
        self = architecture
    }
}
