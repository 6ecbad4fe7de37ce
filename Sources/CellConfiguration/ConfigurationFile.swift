/// A configuration of either kind.
public enum ConfigurationFile: Hashable, Sendable {
    case cell(CellDescriptor)
    case system(SystemDescriptor)

    /// From a compiled configuration; its signature tells which kind it is.
    public init(binary: [UInt8]) throws(ConfigurationError) {
        switch FileHeader.kind(of: binary) {
        case .system: self = .system(try SystemDescriptor(binary: binary))
        case .cell, nil: self = .cell(try CellDescriptor(binary: binary))
        }
    }

    /// The contents of the compiled file.
    public func binary() throws(ConfigurationError) -> [UInt8] {
        switch self {
        case .cell(let cell): try cell.binary()
        case .system(let system): try system.binary()
        }
    }

    /// Whether bytes begin as a compiled configuration does, of any revision.
    public static func isBinary(_ contents: [UInt8]) -> Bool {
        FileHeader.kind(of: contents) != nil
    }
}
