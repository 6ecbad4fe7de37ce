// SPDX-License-Identifier: Apache-2.0

@testable import InmateImage

// Coverage-guided fuzzing of everything that reads images.

private let ram = CellRegion(name: "ram", start: 0, size: 0x80_0000)
private let linuxRAM = CellRegion(name: "RAM", start: 0, size: 0x400_0000)
private let communicationRegion = CellRegion(name: "communication region", start: 0x70_0000, size: 0x1000)

/// An input is the file of an image. Nothing may trap, what is planned lies in the cell's memory and not over the
/// communication region, and there is a profile of it with the same parts.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzImage(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let image = Array(UnsafeBufferPointer(start: start, count: count))
    for address in [nil, UInt64(0xf_0000)] {
        let profile = try? ImageProfile(image: image, address: address, isRTEMS: address == nil)
        if let profile { look(at: profile, of: image) }
        for target: LoadPlan.Target in [.x86, .arm, .arm64] {
            let plan = try? LoadPlan(
                image: image, path: "", address: address, target: target, regions: [ram],
                keepFree: [communicationRegion])
            guard let plan else { continue }
            for piece in plan.pieces {
                let size = UInt64(piece.contents.count)
                expect(ram.contains(piece.address, size), "a piece is outside the RAM")
                expect(!communicationRegion.overlaps(piece.address, size), "a piece is over the communication region")
            }
            guard let profile else { fail("what is loaded has no profile") }
            expect(profile.parts.map(\.start) == plan.pieces.map(\.address), "plan and profile differ")
            expect(profile.parts.map { Int($0.size) } == plan.pieces.map(\.contents.count), "plan and profile differ")
            for (part, piece) in zip(profile.parts, plan.pieces) {
                expect(piece.contents.starts(with: image[part.file]), "a part's bytes are not those that are loaded")
            }
        }
    }
    bootLinux(image)
    if let unpacked = try? Gzip.unpack(image[...], limit: 1 << 16) {
        expect(unpacked.count <= 1 << 16, "more came out than the limit allows")
    }
    return 0
}

/// Where an image is a Linux kernel, its parts lie in the RAM, not over the communication region, and apart.
private func bootLinux(_ image: [UInt8]) {
    let cell = LinuxBoot.Cell(
        resetAddress: 0, memory: [linuxRAM], loadable: [linuxRAM], communicationRegion: communicationRegion,
        serialPorts: 0, hasStandardIOAPIC: false)
    let loader = [UInt8](repeating: 0x90, count: 64)
    guard let boot = try? LinuxBoot(kernel: image, initrd: image, commandLine: "quiet", loader: loader, in: cell) else {
        return
    }
    var taken: [CellRegion] = []
    for part in boot.parts {
        let (start, size) = (part.piece.address, UInt64(part.piece.contents.count))
        expect(linuxRAM.contains(start, size), "the \(part.kind.rawValue) is outside the RAM")
        expect(!communicationRegion.overlaps(start, size), "the \(part.kind.rawValue) is over the communication region")
        expect(!taken.contains { $0.overlaps(start, size) }, "the \(part.kind.rawValue) is over another part")
        taken.append(CellRegion(name: "", start: start, size: size))
    }
    for (lower, upper) in zip(boot.memoryMap, boot.memoryMap.dropFirst()) {
        expect(lower.start + lower.size <= upper.start, "the memory map overlaps")
    }
}

private func look(at profile: ImageProfile, of image: [UInt8]) {
    let begin = profile.entry ?? 0
    _ = profile.startCode(in: image, for: begin)
    for part in profile.parts {
        expect(part.file.lowerBound >= 0 && part.file.upperBound <= image.count, "a part is outside the file")
        expect(part.end > part.start || part.start == .max, "a part is empty")
        _ = profile.mentions(begin, in: part, of: image)
    }
    if case .bounded(let start, let end)? = profile.rtems?.workArea { _ = start &+ end }
}
