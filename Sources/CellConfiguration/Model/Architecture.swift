/// The processor architecture that a configuration is for: the byte after the signature.
public enum Architecture: UInt8, CaseIterable, Hashable, Sendable {
    case x86 = 0
    case arm = 1
    case arm64 = 2

    /// `x86`, `arm` or `arm64`.
    public var name: String { String(describing: self) }

    /// From its ``name``.
    public init?(name: String) {
        guard let architecture = Architecture.allCases.first(where: { $0.name == name }) else { return nil }
        self = architecture
    }
}
