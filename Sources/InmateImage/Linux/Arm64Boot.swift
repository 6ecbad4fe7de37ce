// SPDX-License-Identifier: Apache-2.0

/// How a Linux kernel and what it needs get into an Arm64 cell.
///
/// The cell's first processor begins in a few instructions at the reset address, which hand the device tree to the kernel
/// (Documentation/arch/arm64/booting.rst). Reset has left the MMU and the caches off already. The kernel is in the lowest
/// place of the cell's RAM where it fits, the device tree behind it, the initrd as high as possible.
package struct Arm64Boot: Hashable, Sendable {
    /// More than a page of it is not mapped when the kernel reads it.
    package static let treeLimit = 0x20_0000
    private static let pageSize: UInt64 = 0x1000
    /// Kernel and initrd lie in one such window.
    private static let initrdWindow: UInt64 = 32 << 30
    private static let addressLimit: UInt64 = 1 << 48

    package let parts: [LinuxBoot.Part]

    /// - Parameters:
    ///   - initrd: nil for none.
    ///   - cell: all of its loadable regions; its RAM is what Linux is told of.
    ///   - tree: makes the device tree, given where the initrd is. Where that is does not change its size.
    package init(
        kernel: [UInt8], initrd: [UInt8]?, in cell: LinuxBoot.Cell,
        tree: (Range<UInt64>?) throws(ImageError) -> [UInt8]
    ) throws(ImageError) {
        let image = try Arm64Kernel(kernel)
        let initrd = initrd.flatMap { $0.isEmpty ? nil : $0 }
        guard !cell.memory.isEmpty else { throw LinuxBoot.noMemory }
        let loader = [UInt8](repeating: 0, count: Self.loaderSize)
        guard cell.loadable.contains(where: { $0.contains(cell.resetAddress, UInt64(loader.count)) }) else {
            throw ImageError(
                .start,
                "the cell begins at \(hexadecimal(cell.resetAddress)), where nothing can be loaded that starts the kernel",
                remedy:
                    "give the cell a loadable region of a page there, or set reset-address to the beginning of its RAM")
        }
        let ram = cell.loadable.filter { region in cell.memory.contains { $0.contains(region.start, region.size) } }
        var space = FreeSpace(ram, below: Self.addressLimit)
        space.take(cell.resetAddress, UInt64(loader.count))
        if let region = cell.communicationRegion { space.take(region.start, region.size) }

        guard let base = space.lowest(image.textOffset + image.imageSize, alignment: Arm64Kernel.alignment) else {
            throw Self.missingDMA(for: image, cell)
                ?? ImageError(
                    .outsideMemory,
                    "the kernel needs \(image.textOffset + image.imageSize) bytes of loadable RAM from a multiple of 2 MiB on",
                    remedy: "give the cell a larger region of RAM with the flag dma, or build a kernel with less in it")
        }
        let start = base + image.textOffset
        space.take(start, image.imageSize)
        let placeholder = initrd.map { _ in UInt64(0)..<1 }
        let size = try tree(placeholder).count
        guard size <= Self.treeLimit else {
            throw ImageError(
                .tooLarge, "the device tree has \(size) bytes; Linux takes 2 MiB", remedy: "make it smaller")
        }
        // it is mapped in blocks of 2 MiB, and does not reach over the end of one
        let alignment = (0...21).map { UInt64(1) << $0 }.first { $0 >= UInt64(size) } ?? Arm64Kernel.alignment
        guard let treeStart = space.lowest(UInt64(size), alignment: max(alignment, 8), from: start) else {
            throw ImageError(
                .outsideMemory, "no RAM behind the kernel has room for the device tree, which has \(size) bytes",
                remedy: "give the cell more RAM")
        }
        space.take(treeStart, UInt64(size))
        var place: Range<UInt64>?
        if let initrd {
            let window = (base & ~((1 << 30) - 1)) + Self.initrdWindow
            guard let address = space.highest(UInt64(initrd.count), alignment: Self.pageSize, below: window) else {
                throw ImageError(
                    .tooLarge, "the initrd has \(initrd.count) bytes, and no RAM besides the kernel's has so much",
                    remedy: "give the cell more RAM, or make the initrd smaller")
            }
            place = address..<address + UInt64(initrd.count)
        }
        let blob = try tree(place ?? placeholder)
        var parts = [
            LinuxBoot.Part(
                kind: .jump,
                piece: LoadPiece(address: cell.resetAddress, contents: Self.loader(tree: treeStart, kernel: start))),
            LinuxBoot.Part(kind: .kernel, piece: LoadPiece(address: start, contents: image.contents)),
            LinuxBoot.Part(kind: .tree, piece: LoadPiece(address: treeStart, contents: blob)),
        ]
        if let initrd, let place {
            parts.append(LinuxBoot.Part(kind: .initrd, piece: LoadPiece(address: place.lowerBound, contents: initrd)))
        }
        self.parts = parts
    }

    /// The error of a region in which the kernel would have room; nil: there is none.
    private static func missingDMA(for image: Arm64Kernel, _ cell: LinuxBoot.Cell) -> ImageError? {
        let region = cell.withoutDMA.first { region in
            FreeSpace([region], below: addressLimit).lowest(
                image.textOffset + image.imageSize, alignment: Arm64Kernel.alignment) != nil
        }
        return region.map { region in
            ImageError(
                .outsideMemory,
                "the region \"\(region.name)\" at \(hexadecimal(region.start)) has room for the kernel, and no access \"dma\", by which "
                    + "Linux's RAM is told from the loader's",
                remedy: "add \"dma\" to that region's access")
        }
    }

    // MARK: - The loader

    /// ldr x0, tree; ldr x4, kernel; mov x1, xzr; mov x2, xzr; mov x3, xzr; br x4; nop; nop; then both addresses.
    private static let instructions: [UInt32] = [
        0x5800_0100, 0x5800_0124, 0xaa1f_03e1, 0xaa1f_03e2, 0xaa1f_03e3, 0xd61f_0080, 0xd503_201f, 0xd503_201f,
    ]
    private static let loaderSize = instructions.count * 4 + 16

    private static func loader(tree: UInt64, kernel: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: loaderSize)
        for (index, instruction) in instructions.enumerated() { bytes.store(UInt64(instruction), at: index * 4, 4) }
        bytes.store(tree, at: instructions.count * 4, 8)
        bytes.store(kernel, at: instructions.count * 4 + 8, 8)
        return bytes
    }
}
