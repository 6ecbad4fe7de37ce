// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
package import InmateImage

extension CellDefinition {
    /// Everything that is to be written into the cell before it starts, each piece within one of its regions.
    ///
    /// - Parameter readFile: reads an image.
    /// - Throws: ``DefinitionError`` `unreadable` or `image`, which names the image's file.
    package func loadPlan(readFile: (String) throws -> [UInt8]) throws(DefinitionError) -> [LoadPiece] {
        var pieces: [LoadPiece] = []
        var wipes = false
        let plans = try loadPlans { path in
            let contents = try readFile(path)
            wipes = wipes || self.wipes(path, contents)
            return contents
        }
        for image in plans { pieces += image }
        return wipes ? pieces + zeros(besides: pieces) : pieces
    }

    /// As ``loadPlan(readFile:)``, an image at a time, in the order of ``images``; with each what makes it begin.
    package func loadPlans(readFile: (String) throws -> [UInt8]) throws(DefinitionError) -> [[LoadPiece]] {
        var plans: [[LoadPiece]] = []
        for image in images {
            let contents = try read(image.path, readFile)
            if let linux = image.linux {
                var files: [String: [UInt8]] = [image.path: contents]
                for file in linux.files { files[file] = try read(file, readFile) }
                do throws(ImageError) {
                    plans.append(try linuxParts(image, linux, files).map(\.piece))
                } catch {
                    throw DefinitionError(error, path: image.path)
                }
                continue
            }
            do throws(ImageError) {
                let plan = try plan(of: image, contents)
                plans.append(plan.pieces + (try startPieces(of: image, plan, contents)))
            } catch {
                throw DefinitionError(error, path: image.path)
            }
        }
        try checkOverlaps(of: plans)
        return plans
    }

    private func read(
        _ file: String, _ readFile: (String) throws -> [UInt8]
    ) throws(DefinitionError) -> [UInt8] {
        do {
            return try readFile(file)
        } catch let error as UntrustedFile {
            throw DefinitionError(.unreadable, error.message, path: file, remedy: error.remedy)
        } catch {
            throw DefinitionError(
                .unreadable, "the image cannot be read: \(error)", path: file,
                remedy: "install it, or correct its path in \(path)")
        }
    }

    private func wipes(_ path: String, _ contents: [UInt8]) -> Bool {
        images.contains { $0.path == path && ($0.wipe ?? RTEMSProgram.hasLayer(contents)) }
    }

    /// What makes the rest of the loadable RAM as it is after a cold start: a program that was there before left what it
    /// wrote, and the next one may take it for something of a PC's.
    private func zeros(besides pieces: [LoadPiece]) -> [LoadPiece] {
        let taken =
            pieces.map { (start: $0.address, end: $0.address + UInt64($0.contents.count)) }
            + descriptor.regionsToKeepFree.map { (start: $0.start, end: $0.start + $0.size) }
        return descriptor.loadableRegions.flatMap { region -> [LoadPiece] in
            var gaps: [LoadPiece] = []
            var next = region.start
            let end = region.start + region.size
            for place in taken.sorted(by: { $0.start < $1.start }) where place.end > next && place.start < end {
                if place.start > next { gaps.append(.zeros(from: next, to: place.start)) }
                next = max(next, place.end)
            }
            if next < end { gaps.append(.zeros(from: next, to: end)) }
            return gaps
        }
    }

    func plan(of image: ImageReference, _ contents: [UInt8]) throws(ImageError) -> LoadPlan {
        try LoadPlan(
            image: contents, path: image.path, address: image.address, target: descriptor.imageTarget,
            regions: descriptor.loadableRegions, keepFree: descriptor.regionsToKeepFree
        )
    }

    /// What is loaded beside an image so that the cell's processor enters it.
    func startPieces(
        of image: ImageReference, _ plan: LoadPlan, _ contents: [UInt8]
    ) throws(ImageError) -> [LoadPiece] {
        guard image.start != ProgramStart() else { return [] }
        do throws(ImageError) {
            let isForCell =
                switch image.start.mode {
                case .image: true
                case .jump: descriptor.architecture == .arm64 && !descriptor.flags.contains(.aarch32)
                case .protected32, .multiboot, .long64: descriptor.architecture == .x86
                }
            guard isForCell else {
                throw ImageError(
                    .start, "start = \"\(image.start.mode.rawValue)\" is not for such a cell",
                    remedy: descriptor.architecture == .arm64
                        ? "64-bit Arm cells have \"jump\" and \"linux\"" : "remove the image's \"start\""
                )
            }
            let pieces = try start(of: image, contents).pieces(
                entry: plan.entry ?? image.entry ?? image.address ?? 0, machine: plan.machine,
                place: descriptor.startPlace)
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

    /// A program with the layer of `inmates/rtems` is told on its command line where the communication region is and
    /// which pins of the IOAPIC are the cell's, behind what the definition says; and it looks after all processors.
    private func start(of image: ImageReference, _ contents: [UInt8]) -> ProgramStart {
        var start = image.start
        guard start.mode == .multiboot, RTEMSProgram.hasLayer(contents) else { return start }
        start.parksOtherProcessors = false
        guard start.commandLineAddress == nil else { return start }
        var words = [start.commandLine].compactMap { $0 }.filter { !$0.isEmpty }
        if let region = descriptor.communicationRegion { words.append("region=0x" + hex(region.virtualStart)) }
        let pins = descriptor.interruptChips.filter { $0.address == 0xfec0_0000 }.reduce(UInt64(0)) {
            $1.pinBase < 32 ? $0 | UInt64($1.pinBitmap[0]) << UInt64($1.pinBase) : $0
        }
        if pins != 0 { words.append("pins=0x" + hex(pins & 0xffff_ffff)) }
        start.commandLine = words.joined(separator: " ")
        return start
    }

    private func hex(_ number: UInt64) -> String { String(number, radix: 16) }

    /// What is loaded beside an image for its start, each with a name; empty when that cannot be.
    package func startParts(of image: ImageReference, _ contents: [UInt8]) -> [(name: String, piece: LoadPiece)] {
        guard let plan = try? plan(of: image, contents) else { return [] }
        let pieces = (try? startPieces(of: image, plan, contents)) ?? []
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

    var loadableRegions: [CellRegion] {
        memoryRegions.filter {
            $0.flags.isSuperset(of: [.loadable, .write]) && !$0.flags.contains(.communicationRegion)
        }
        .map(\.cellRegion)
    }

    var regionsToKeepFree: [CellRegion] {
        memoryRegions.filter { $0.flags.contains(.communicationRegion) }.map(\.cellRegion)
    }
}

extension LoadPiece {
    fileprivate static func zeros(from start: UInt64, to end: UInt64) -> LoadPiece {
        LoadPiece(address: start, contents: [UInt8](repeating: 0, count: Int(end - start)))
    }
}

extension MemoryRegion {
    var cellRegion: CellRegion {
        CellRegion(name: label, start: virtualStart, size: size)
    }
}
