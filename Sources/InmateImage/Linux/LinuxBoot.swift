// SPDX-License-Identifier: Apache-2.0

/// How a Linux kernel and what it needs get into an x86 cell, and what it is told there.
///
/// The start stub at the reset address enters the loader (`inmates/linux/loader.S`), which enters the kernel. Loader, zero
/// page, setup data and command line are one piece, in the lowest place that is free; the kernel is where it prefers to be,
/// or at the next address that it can be at; the initrd is as high as possible.
package struct LinuxBoot: Hashable, Sendable {
    /// What Linux must know of its cell.
    package struct Cell: Hashable, Sendable {
        package var resetAddress: UInt64
        /// Its RAM: readable, writable, executable, for DMA.
        package var memory: [CellRegion]
        /// Those parts of ``memory`` that can be loaded.
        package var loadable: [CellRegion]
        package var communicationRegion: CellRegion?
        /// Bits 0 to 3: the UART at 0x3f8, 0x2f8, 0x3e8, 0x2e8 is the cell's.
        package var serialPorts: UInt32
        /// Whether it has pins of the interrupt controller at 0xfec00000.
        package var hasStandardIOAPIC: Bool
        /// Loadable RAM that Linux cannot use, since devices could not reach it: without the access "dma".
        package var withoutDMA: [CellRegion] = []

        package init(
            resetAddress: UInt64, memory: [CellRegion], loadable: [CellRegion], communicationRegion: CellRegion?,
            serialPorts: UInt32, hasStandardIOAPIC: Bool, withoutDMA: [CellRegion] = []
        ) {
            self.resetAddress = resetAddress
            self.memory = memory
            self.loadable = loadable
            self.communicationRegion = communicationRegion
            self.serialPorts = serialPorts
            self.hasStandardIOAPIC = hasStandardIOAPIC
            self.withoutDMA = withoutDMA
        }
    }

    /// What is loaded, by what it is.
    package struct Part: Hashable, Sendable {
        package enum Kind: String, Hashable, Sendable {
            case stub = "start stub"
            case loader = "loader, zero page and command line"
            case kernel
            case initrd
            /// Arm64: what hands the device tree to the kernel.
            case jump = "loader"
            case tree = "device tree"
        }

        package var kind: Kind
        package var piece: LoadPiece
    }

    private static let pageSize: UInt64 = 0x1000
    /// No address above it is mapped when the kernel is entered.
    private static let ceiling: UInt64 = 1 << 32

    package let parts: [Part]
    /// As the kernel gets it, ascending.
    package let memoryMap: [MemoryMapEntry]

    /// - Parameters:
    ///   - kernel: a bzImage.
    ///   - initrd: nil for none.
    ///   - loader: `linux-loader.bin`.
    /// - Throws: ``ImageError`` for what cannot be, with the file's name where it is about one.
    package init(
        kernel: [UInt8], initrd: [UInt8]?, commandLine: String, loader: [UInt8], in cell: Cell
    ) throws(ImageError) {
        let image = try BzImage(kernel)
        try Self.check(cell)
        try Self.check(commandLine, for: image)
        guard loader.count > LoaderField.end, loader.count <= 0x10000 else {
            throw ImageError(
                .damaged, "the loader of Linux cells has \(loader.count) bytes",
                remedy: "install jailhoused's linux-loader.bin")
        }
        var space = FreeSpace(cell.loadable, below: Self.ceiling)
        if let region = cell.communicationRegion { space.take(region.start, region.size) }
        let stub = try Self.stubSize(in: cell)
        space.take(cell.resetAddress, stub)

        let start: UInt64
        do throws(ImageError) {
            start = try Self.place(of: image, in: &space)
        } catch {
            throw Self.missingDMA(for: image, cell) ?? error
        }
        let blockSize = Block.size(loader: loader, commandLine)
        guard let blockAddress = space.lowest(blockSize, alignment: Self.pageSize) else {
            throw ImageError(
                .outsideMemory,
                "the cell has no \(blockSize) bytes of RAM for the loader and what it hands to the kernel",
                remedy: "give the cell more RAM, for example a loadable region of 1 MiB at 0")
        }
        space.take(blockAddress, blockSize)
        let block = Block(address: blockAddress, loaderSize: loader.count)
        var initrdAddress: UInt64 = 0
        if let initrd, !initrd.isEmpty {
            let end = min(image.initrdMaximum &+ 1, Self.ceiling)
            guard let address = space.highest(UInt64(initrd.count), alignment: Self.pageSize, below: end) else {
                throw ImageError(
                    .tooLarge,
                    "the initrd has \(initrd.count) bytes, and no RAM below \(hexadecimal(end)) besides the kernel's has so much",
                    remedy: "give the cell more RAM, or make the initrd smaller")
            }
            initrdAddress = address
        }
        memoryMap = Self.memoryMap(of: cell, block)
        guard memoryMap.count <= ZeroPage.mostEntries else {
            throw ImageError(
                .tooLarge,
                "the cell's RAM has \(memoryMap.count) pieces; Linux is told of \(ZeroPage.mostEntries)",
                remedy: "join regions of the cell's RAM")
        }
        let zeroPage = ZeroPage(
            image: image, commandLine: block.commandLine, initrd: initrdAddress, initrdSize: UInt64(initrd?.count ?? 0),
            setupData: block.setupData, memory: memoryMap)
        let node = SetupData(hasStandardIOAPIC: cell.hasStandardIOAPIC, serialPorts: cell.serialPorts)
        let contents = block.contents(
            loader: loader, zeroPage: zeroPage.bytes, node: node.bytes, commandLine: commandLine,
            region: cell.communicationRegion?.start ?? 0, entry: start + BzImage.entryOffset)
        var parts = try Self.stub(entering: blockAddress, in: cell).map { Part(kind: .stub, piece: $0) }
        parts.append(Part(kind: .loader, piece: LoadPiece(address: blockAddress, contents: contents)))
        parts.append(
            Part(kind: .kernel, piece: LoadPiece(address: start, contents: Array(kernel[image.kernelOffset...]))))
        if let initrd, !initrd.isEmpty {
            parts.append(Part(kind: .initrd, piece: LoadPiece(address: initrdAddress, contents: initrd)))
        }
        self.parts = parts
    }

    // MARK: - Checks

    static let noMemory = ImageError(
        .outsideMemory, "the cell has no RAM for Linux, which is readable, writable, executable and has the flag dma",
        remedy: "add \"dma\" to the flags of its RAM")

    private static func check(_ cell: Cell) throws(ImageError) {
        guard !cell.memory.isEmpty else { throw noMemory }
        guard !cell.loadable.isEmpty else {
            throw ImageError(
                .outsideMemory, "none of the cell's RAM for Linux is loadable", remedy: "add \"loadable\" to its flags")
        }
        guard let region = cell.communicationRegion else {
            throw ImageError(
                .start, "the cell has no communication region, from which Linux learns its clocks and processors",
                remedy: "add one to the cell")
        }
        guard region.start < ceiling, region.size <= ceiling - region.start else {
            throw ImageError(
                .start,
                "the communication region is at \(hexadecimal(region.start)), above 4 GiB, where the loader cannot read it",
                remedy: "give it a virtual address below 4 GiB")
        }
    }

    private static func check(_ commandLine: String, for image: BzImage) throws(ImageError) {
        let limit = image.commandLineSize
        guard commandLine.utf8.count <= limit else {
            throw ImageError(
                .tooLarge, "the command line has \(commandLine.utf8.count) bytes; this kernel takes \(limit)",
                remedy: "shorten it")
        }
    }

    // MARK: - Places

    /// The lowest address not below the preferred one at which the kernel can be.
    private static func place(of image: BzImage, in space: inout FreeSpace) throws(ImageError) -> UInt64 {
        let preferred = image.preferredAddress
        var address: UInt64?
        if space.contains(preferred, image.initialSize) {
            address = preferred
        } else if image.isRelocatable {
            address =
                space.lowest(image.initialSize, alignment: image.alignment, from: preferred)
                // it moves itself to the preferred address otherwise, over whatever is there
                .flatMap { $0 >= preferred ? $0 : nil }
        }
        guard let address else {
            let size = image.initialSize
            throw ImageError(
                .outsideMemory,
                "the kernel needs \(size) bytes of loadable RAM in one piece "
                    + (image.isRelocatable
                        ? "at \(hexadecimal(preferred)) or above, below 4 GiB"
                        : "at \(hexadecimal(preferred)), since it is not relocatable"),
                remedy: "give the cell a larger region of RAM, or build a kernel with less in it")
        }
        space.take(address, image.initialSize)
        return address
    }

    /// The error of a region in which the kernel would have room; nil: there is none.
    private static func missingDMA(for image: BzImage, _ cell: Cell) -> ImageError? {
        let region = cell.withoutDMA.first { region in
            var space = FreeSpace([region], below: ceiling)
            return (try? place(of: image, in: &space)) != nil
        }
        return region.map { region in
            ImageError(
                .outsideMemory,
                "the region \"\(region.name)\" at \(hexadecimal(region.start)) has room for the kernel, and no access \"dma\": Linux uses all "
                    + "of its RAM for its devices",
                remedy: "add \"dma\" to that region's access")
        }
    }

    private static func startOfStub(in cell: Cell) -> ProgramStart.Place {
        ProgramStart.Place(
            resetAddress: cell.resetAddress, memory: cell.memory, communicationRegion: cell.communicationRegion?.start)
    }

    private static func stub(entering entry: UInt64, in cell: Cell) throws(ImageError) -> [LoadPiece] {
        var start = ProgramStart(.long64)
        start.parksOtherProcessors = false
        return try start.pieces(entry: entry, machine: nil, place: startOfStub(in: cell))
    }

    private static func stubSize(in cell: Cell) throws(ImageError) -> UInt64 {
        try stub(entering: 0, in: cell).reduce(0) { $0 + UInt64($1.contents.count) }
    }

    /// Processors that Linux has not started yet halt in the loader: its memory is not given to Linux as RAM.
    private static func memoryMap(of cell: Cell, _ block: Block) -> [MemoryMapEntry] {
        let loader = MemoryMapEntry(start: block.address, size: block.zeroPage - block.address, kind: .reserved)
        var map: [MemoryMapEntry] = [loader]
        if let region = cell.communicationRegion {
            map.append(MemoryMapEntry(start: region.start, size: region.size, kind: .reserved))
        }
        for region in cell.memory {
            var next = region.start
            let end = region.start + region.size
            for hole in map.filter({ $0.kind == .reserved }).sorted(by: { $0.start < $1.start })
            where hole.start < end && hole.start + hole.size > next {
                if hole.start > next { map.append(MemoryMapEntry(start: next, size: hole.start - next, kind: .ram)) }
                next = hole.start + hole.size
            }
            if next < end { map.append(MemoryMapEntry(start: next, size: end - next, kind: .ram)) }
        }
        return map.sorted { $0.start < $1.start }
    }
}
