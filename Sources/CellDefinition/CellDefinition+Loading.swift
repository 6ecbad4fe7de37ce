import CellConfiguration
package import InmateImage

extension CellDefinition {
    /// Everything that is to be written into the cell before it starts, each piece within one of its regions.
    ///
    /// - Parameter readFile: reads an image.
    /// - Throws: ``DefinitionError`` `unreadable` or `image`, which names the image's file.
    package func loadPlan(readFile: (String) throws -> [UInt8]) throws(DefinitionError) -> [LoadPiece] {
        var pieces: [LoadPiece] = []
        for image in try loadPlans(readFile: readFile) { pieces += image }
        return pieces
    }

    /// As ``loadPlan(readFile:)``, an image at a time, in the order of ``images``; with each what makes it begin.
    package func loadPlans(readFile: (String) throws -> [UInt8]) throws(DefinitionError) -> [[LoadPiece]] {
        var plans: [[LoadPiece]] = []
        for image in images {
            let contents: [UInt8]
            do {
                contents = try readFile(image.path)
            } catch let error as UntrustedFile {
                throw DefinitionError(.unreadable, error.message, path: image.path, remedy: error.remedy)
            } catch {
                throw DefinitionError(
                    .unreadable, "the image cannot be read: \(error)", path: image.path,
                    remedy: "install it, or correct its path in \(path)"
                )
            }
            do throws(ImageError) {
                let plan = try plan(of: image, contents)
                plans.append(plan.pieces + (try startPieces(of: image, plan)))
            } catch {
                throw DefinitionError(error, path: image.path)
            }
        }
        try checkOverlaps(of: plans)
        return plans
    }

    func plan(of image: ImageReference, _ contents: [UInt8]) throws(ImageError) -> LoadPlan {
        try LoadPlan(
            image: contents, path: image.path, address: image.address, target: descriptor.imageTarget,
            regions: descriptor.loadableRegions, keepFree: descriptor.regionsToKeepFree
        )
    }

    /// What is loaded beside an image so that the cell's processor enters it.
    func startPieces(of image: ImageReference, _ plan: LoadPlan) throws(ImageError) -> [LoadPiece] {
        guard image.start != ProgramStart() else { return [] }
        do throws(ImageError) {
            guard descriptor.architecture == .x86 || image.start.mode == .image else {
                throw ImageError(
                    .start, "there are start stubs for x86 cells only", remedy: "remove the image's \"start\""
                )
            }
            let pieces = try image.start.pieces(
                entry: plan.entry ?? image.address ?? 0, machine: plan.machine, place: descriptor.startPlace)
            for piece in pieces {
                try LoadPlan.check(
                    piece, as: "the " + startPartName(piece, of: image), descriptor.loadableRegions,
                    keepFree: descriptor.regionsToKeepFree)
            }
            return pieces
        } catch {
            throw error.inFile(image.path)
        }
    }

    /// What is loaded beside an image for its start, each with a name; empty when that cannot be.
    package func startParts(of image: ImageReference, _ contents: [UInt8]) -> [(name: String, piece: LoadPiece)] {
        guard let plan = try? plan(of: image, contents) else { return [] }
        let pieces = (try? startPieces(of: image, plan)) ?? []
        return pieces.map { (startPartName($0, of: image), $0) }
    }

    private func startPartName(_ piece: LoadPiece, of image: ImageReference) -> String {
        image.start.mode != .image && piece.address == descriptor.cpuResetAddress ? "start stub" : "command line"
    }

    /// Images over each other: which of them is there after a load would depend on their order.
    private func checkOverlaps(of plans: [[LoadPiece]]) throws(DefinitionError) {
        let pieces = zip(images, plans).flatMap { image, plan in
            plan.map { (path: image.path, start: $0.address, size: UInt64($0.contents.count)) }
        }.sorted { $0.start < $1.start }
        for (lower, upper) in zip(pieces, pieces.dropFirst()) where upper.start - lower.start < lower.size {
            throw DefinitionError(
                .image, "at 0x\(String(upper.start, radix: 16)) it lies over the image \(lower.path)", path: upper.path,
                remedy: "give one of the two another address"
            )
        }
    }
}

extension CellDescriptor {
    fileprivate var imageTarget: LoadPlan.Target {
        switch architecture {
        case .x86: .x86
        case .arm: .arm
        case .arm64: .arm64
        }
    }

    /// RAM of its own, and where its processor begins.
    var startPlace: ProgramStart.Place {
        let ram = memoryRegions.filter {
            $0.flags.isSuperset(of: [.read, .write])
                && $0.flags.isDisjoint(with: [.communicationRegion, .io, .rootShared])
        }
        return ProgramStart.Place(
            resetAddress: cpuResetAddress, memory: ram.map(\.cellRegion),
            communicationRegion: communicationRegion?.virtualStart)
    }

    fileprivate var loadableRegions: [CellRegion] {
        memoryRegions.filter {
            $0.flags.isSuperset(of: [.loadable, .write]) && !$0.flags.contains(.communicationRegion)
        }
        .map(\.cellRegion)
    }

    fileprivate var regionsToKeepFree: [CellRegion] {
        memoryRegions.filter { $0.flags.contains(.communicationRegion) }.map(\.cellRegion)
    }
}

extension MemoryRegion {
    fileprivate var cellRegion: CellRegion {
        CellRegion(name: label, start: virtualStart, size: size)
    }
}
