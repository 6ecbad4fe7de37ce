import CellConfiguration
import InmateImage

extension CellDefinition {
    /// Everything that is to be written into the cell before it starts, each piece within one of its regions.
    ///
    /// - Parameter readFile: reads an image.
    /// - Throws: ``DefinitionError`` `unreadable` or `image`, which names the image's file.
    public func loadPlan(readFile: (String) throws -> [UInt8]) throws(DefinitionError) -> [LoadPiece] {
        var pieces: [LoadPiece] = []
        for plan in try loadPlans(readFile: readFile) { pieces += plan.pieces }
        return pieces
    }

    /// As ``loadPlan(readFile:)``, an image at a time, in the order of ``images``.
    public func loadPlans(readFile: (String) throws -> [UInt8]) throws(DefinitionError) -> [LoadPlan] {
        var plans: [LoadPlan] = []
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
                plans.append(try plan(of: image, contents))
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

    /// Images over each other: which of them is there after a load would depend on their order.
    private func checkOverlaps(of plans: [LoadPlan]) throws(DefinitionError) {
        let pieces = zip(images, plans).flatMap { image, plan in
            plan.pieces.map { (path: image.path, start: $0.address, size: UInt64($0.contents.count)) }
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
