// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
package import InmateImage

/// An image that is loaded into a cell: `[[image]]` of a definition.
package struct ImageReference: Hashable, Sendable {
    /// What a program is built with, where nothing in its file shows it.
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        case rtems
    }

    /// As the daemon sees it.
    package var path: String
    /// Where a flat image goes; nil for an ELF executable.
    package var address: UInt64?
    /// Where a start stub enters a flat image; nil: at its first byte. An ELF executable has it in its header.
    package var entry: UInt64?
    /// Nil: what its symbols say.
    package var kind: Kind?
    /// Bytes behind the image that the program uses without being loaded there: heap, stacks. Nil: what its symbols
    /// say.
    package var workArea: UInt64?
    /// Where the program looks for the communication region; nil: what its symbols say.
    package var communicationRegion: UInt64?
    /// How the cell's processor gets to it.
    package var start: ProgramStart
    /// The file that has the program's names and lines, where the program itself is stripped.
    package var symbols: String?
    /// Whether the RAM that nothing is loaded into is cleared before each start; nil: for a program with RTEMS's layer.
    package var wipe: Bool?
    /// With what the image, a Linux kernel, is entered; nil for every other program.
    package var linux: LinuxStart?

    /// All files that are read for a load, the image first.
    package var files: [String] { [path] + (linux?.files ?? []) }

    package init(
        path: String, address: UInt64? = nil, kind: Kind? = nil, workArea: UInt64? = nil,
        communicationRegion: UInt64? = nil, start: ProgramStart = ProgramStart(), wipe: Bool? = nil
    ) {
        self.path = path
        self.address = address
        self.kind = kind
        self.workArea = workArea
        self.communicationRegion = communicationRegion
        self.start = start
        self.wipe = wipe
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
            let linux = try LinuxStart(table, path)
            images.append(
                ImageReference(
                    path: FilePath.resolve(name, besides: path), address: try table.value("address")?.number(),
                    kind: try table.value("kind")?.word(of: Kind.allCases.map(\.rawValue)).kind,
                    workArea: try table.value("work-area")?.size(),
                    communicationRegion: try table.value("communication-region")?.number(),
                    start: linux == nil ? try ProgramStart(table) : ProgramStart(),
                    wipe: try table.value("wipe")?.boolean()
                )
            )
            images[images.count - 1].linux = linux
            if let symbols = table.value("symbols") {
                let name = try symbols.string()
                guard !name.isEmpty else {
                    throw symbols.error(.invalidValue, "this must be the path of a file with symbols")
                }
                images[images.count - 1].symbols = FilePath.resolve(name, besides: path)
            }
            if let entry = table.value("entry") {
                guard images.last?.start.mode != .image else {
                    throw entry.error(.conflict, "a start stub goes there: it needs a \"start\" other than \"image\"")
                }
                images[images.count - 1].entry = try entry.number()
            }
            if images.dropLast().contains(where: \.hasEntry), images.last?.hasEntry == true,
                let second = table.value("start")
            {
                throw second.error(.conflict, "another image is entered already: a cell begins in one of them")
            }
        }
        return images
    }

    /// Whether a start stub enters it.
    private var hasEntry: Bool { start.mode != .image || linux != nil }
}

extension ProgramStart {
    /// Of a table `[[image]]`.
    fileprivate init(_ table: SourceTable) throws(ConfigurationError) {
        let word = try table.value("start")?.word(of: Mode.allCases.map(\.rawValue))
        self.init(word.flatMap(Mode.init) ?? .image)
        stackPointer = try table.value("stack-pointer")?.number()
        commandLine = try table.value("command-line")?.string()
        commandLineAddress = try table.value("command-line-address")?.number()
        if let layout = table.value("communication-region-layout") {
            let year: UInt16 = try layout.number()
            guard year == 2016 else { throw layout.error(.invalidValue, "the only older layout is that of 2016") }
            wantsRegionOf2016 = true
        }
        if let address = table.value("command-line-address"), commandLine == nil {
            throw address.error(.conflict, "there is no \"command-line\" to put there")
        }
        if let commandLine, commandLine.utf8.contains(0), let line = table.value("command-line") {
            throw line.error(.invalidValue, "a NUL ends a command line")
        }
        guard mode == .image || mode == .jump else {
            if mode != .multiboot, commandLine != nil, commandLineAddress == nil, let line = table.value("command-line")
            {
                throw line.error(
                    .conflict, "only a multiboot program is told where it is: give it a \"command-line-address\"")
            }
            return
        }
        for key in ["stack-pointer", "communication-region-layout"] {
            if let value = table.value(key) {
                throw value.error(
                    .conflict, "a start stub for x86 does this: it needs a \"start\" such as \"protected-32\"")
            }
        }
        if let commandLine = table.value("command-line"), commandLineAddress == nil {
            throw commandLine.error(
                .conflict, "the program does not learn where it is: give it a \"command-line-address\"")
        }
    }
}

extension String {
    fileprivate var kind: ImageReference.Kind? { ImageReference.Kind(rawValue: self) }
}
