// SPDX-License-Identifier: Apache-2.0

/// Hardware of a PC that a program drives through I/O ports, whether or not its cell has them.
package struct LegacyDevice: Hashable, Sendable {
    /// As it is called in data sheets, without an article: `interrupt controllers 8259A`.
    package var name: String
    package var ports: [ClosedRange<UInt16>]
    /// The symbol that shows that the program drives it; nil when that is known without.
    package var evidence: String?
    /// Which access comes first, in the words that the hypervisor ends such a cell with.
    package var firstAccess: String
    /// When that is: `when interrupts are set up`.
    package var occasion: String
    /// Whether it is a PC's own, which Linux uses, so that no cell of a real machine can have its ports.
    package var isLinux: Bool

    /// - Parameter ports: empty for what is reached in another way, which no cell can have.
    package init(
        name: String, ports: [ClosedRange<UInt16>], evidence: String?, firstAccess: String, occasion: String,
        isLinux: Bool = true
    ) {
        self.name = name
        self.ports = ports
        self.evidence = evidence
        self.firstAccess = firstAccess
        self.occasion = occasion
        self.isLinux = isLinux
    }
}
