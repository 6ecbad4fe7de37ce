import CellConfiguration

/// An image that is loaded into a cell: `[[image]]` of a definition.
public struct ImageReference: Hashable, Sendable {
    /// What a program is built with, where nothing in its file shows it.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        case rtems
    }

    /// As the daemon sees it.
    public var path: String
    /// Where a flat image goes; nil for an ELF executable.
    public var address: UInt64?
    /// Nil: what its symbols say.
    public var kind: Kind?
    /// Bytes behind the image that the program uses without being loaded there: heap, stacks. Nil: what its symbols
    /// say.
    public var workArea: UInt64?
    /// Where the program looks for the communication region; nil: what its symbols say.
    public var communicationRegion: UInt64?

    public init(
        path: String, address: UInt64? = nil, kind: Kind? = nil, workArea: UInt64? = nil,
        communicationRegion: UInt64? = nil
    ) {
        self.path = path
        self.address = address
        self.kind = kind
        self.workArea = workArea
        self.communicationRegion = communicationRegion
    }
}

extension ImageReference {
    /// - Parameter path: the definition's file, to which the paths are relative.
    static func list(_ document: SourceDocument, _ path: String) throws(ConfigurationError) -> [ImageReference] {
        var images: [ImageReference] = []
        for table in try document.root.tables("image") {
            let file = try table.required("path")
            let name = try file.string()
            guard !name.isEmpty else { throw file.error(.invalidValue, "this must be the path of an image") }
            images.append(
                ImageReference(
                    path: FilePath.resolve(name, besides: path), address: try table.value("address")?.number(),
                    kind: try table.value("kind")?.word(of: Kind.allCases.map(\.rawValue)).kind,
                    workArea: try table.value("work-area")?.size(),
                    communicationRegion: try table.value("communication-region")?.number()
                )
            )
        }
        return images
    }
}

extension String {
    fileprivate var kind: ImageReference.Kind? { ImageReference.Kind(rawValue: self) }
}
