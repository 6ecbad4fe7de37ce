// SPDX-License-Identifier: Apache-2.0

/// Bytes to be written into a cell before it starts.
package struct LoadPiece: Hashable, Sendable {
    /// Where, as the cell sees it.
    package var address: UInt64
    /// What, with the zeros that its BSS must be: the RAM of a restarted cell is dirty.
    package var contents: [UInt8]

    package init(address: UInt64, contents: [UInt8]) {
        self.address = address
        self.contents = contents
    }
}

/// How an image gets into a cell: pieces of which each lies wholly in one loadable and writable region, as the
/// driver demands.
package struct LoadPlan: Hashable, Sendable {
    /// What the cell's CPUs are.
    package enum Target: String, Hashable, Sendable {
        case x86
        case arm
        case arm64

        fileprivate var machines: [ELFFile.Machine] {
            switch self {
            case .x86: [.i386, .x8664]
            case .arm: [.arm]
            // an Arm64 cell may run in AArch32 state
            case .arm64: [.aarch64, .arm]
            }
        }
    }

    package enum Format: String, Hashable, Sendable {
        case flat
        case elf32
        case elf64
    }

    /// The most bytes that an image may fill: what is loaded is first put together in the daemon's memory.
    package static let sizeLimit: UInt64 = 1 << 30

    package let format: Format
    /// Nil for a flat image.
    package let machine: ELFFile.Machine?
    /// Where the program wants to begin; nil for a flat image.
    package let entry: UInt64?
    /// One a segment, in the order of the file.
    package let pieces: [LoadPiece]

    /// - Parameters:
    ///   - image: the whole file.
    ///   - path: its name, for errors.
    ///   - address: where a flat image goes; nil for an ELF executable, which knows it.
    ///   - regions: the cell's regions that are both loadable and writable.
    ///   - keepFree: what nothing may be loaded over: the communication region.
    package init(
        image: [UInt8], path: String, address: UInt64?, target: Target, regions: [CellRegion],
        keepFree: [CellRegion] = []
    ) throws(ImageError) {
        do throws(ImageError) {
            let memory = CellMemory(regions: regions, keepFree: keepFree)
            guard !image.isEmpty else {
                throw ImageError(.empty, "the file is empty", remedy: "build or copy it again")
            }
            if ELFFile.isELF(image) {
                guard address == nil else {
                    throw ImageError(
                        .addressNeedless, "it is an ELF executable, which says itself where it goes",
                        remedy: "remove the image's \"address\""
                    )
                }
                let file = try ELFFile(image)
                try LoadPlan.check(file, target)
                format = file.format == .elf32 ? .elf32 : .elf64
                machine = file.machine
                entry = file.entry
                pieces = try LoadPlan.pieces(of: file, image, memory)
            } else {
                guard let address else {
                    throw ImageError(
                        .addressMissing, "it is no ELF executable, so nothing says where in the cell it goes",
                        remedy: "give the image an \"address\""
                    )
                }
                try memory.check(address, UInt64(image.count), as: "the image")
                format = .flat
                machine = nil
                entry = nil
                pieces = [LoadPiece(address: address, contents: image)]
            }
        } catch {
            throw error.inFile(path)
        }
    }

    /// Whether the driver would load it.
    ///
    /// - Parameter part: what it is, for the message.
    package static func check(
        _ piece: LoadPiece, as part: String, _ regions: [CellRegion], keepFree: [CellRegion]
    ) throws(ImageError) {
        try CellMemory(regions: regions, keepFree: keepFree)
            .check(piece.address, UInt64(piece.contents.count), as: part)
    }

    private static func check(_ file: ELFFile, _ target: Target) throws(ImageError) {
        guard target.machines.contains(file.machine) else {
            throw ImageError(
                .machine, "it is \(file.machine.description) executable, but the cell is \(target)",
                remedy: "build it for the cell's processor"
            )
        }
    }

    private static func pieces(
        of file: ELFFile, _ image: [UInt8], _ memory: CellMemory
    ) throws(ImageError) -> [LoadPiece] {
        for segment in file.segments {
            try memory.check(segment.address, segment.memorySize, as: "segment \(segment.index)")
        }
        let ascending = file.segments.sorted { ($0.address, $0.index) < ($1.address, $1.index) }
        for (lower, upper) in zip(ascending, ascending.dropFirst())
        where upper.address - lower.address < lower.memorySize {
            throw ImageError(
                .overlap,
                "segment \(upper.index) (\(rangeText(upper.address, upper.memorySize))) lies over segment "
                    + "\(lower.index) (\(rangeText(lower.address, lower.memorySize)))",
                remedy: "correct the load addresses in its linker script"
            )
        }
        // bounded, so that the sum cannot overflow
        let total = file.segments.reduce(0) { $0 + min($1.memorySize, sizeLimit + 1) }
        guard total <= sizeLimit else {
            throw ImageError(
                .tooLarge, "it fills more than \(sizeLimit >> 20) MiB of memory",
                remedy: "let the program clear its large areas itself, outside its BSS"
            )
        }
        return file.segments.map { LoadPiece(address: $0.address, contents: contents(of: $0, image)) }
    }

    /// The segment's bytes from the file, then zeros; memory is touched once, a block at a time.
    private static func contents(of segment: ELFFile.Segment, _ image: [UInt8]) -> [UInt8] {
        let fromFile = Int(segment.fileSize)
        let offset = Int(segment.fileOffset)
        return [UInt8](unsafeUninitializedCapacity: Int(segment.memorySize)) { buffer, count in
            image.withUnsafeBytes { file in
                let whole = UnsafeMutableRawBufferPointer(buffer)
                whole.copyMemory(from: UnsafeRawBufferPointer(rebasing: file[offset..<offset + fromFile]))
                _ = UnsafeMutableRawBufferPointer(rebasing: whole[fromFile...])
                    .initializeMemory(as: UInt8.self, repeating: 0)
            }
            count = buffer.count
        }
    }
}
