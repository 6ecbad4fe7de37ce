// SPDX-License-Identifier: Apache-2.0

/// How a cell's first processor gets from its reset state, on x86 16-bit real mode, to a program.
package struct ProgramStart: Hashable, Sendable {
    package enum Mode: String, CaseIterable, Hashable, Sendable {
        /// The image begins in real mode at the reset address by itself.
        case image
        /// A start stub enters the program in 32-bit protected mode: flat segments, a stack, all registers 0.
        case protected32 = "protected-32"
        /// As ``protected32``, but as a multiboot loader does: its magic number in EAX, in EBX the address of what it
        /// tells of memory and command line.
        case multiboot
        /// A start stub enters the program in long mode: the first 4 GiB mapped to themselves, a stack, all
        /// registers 0.
        case long64 = "long-64"
        /// Arm64: a start stub goes on at the program's entry. It leaves all registers but x16 as they are.
        case jump
    }

    package var mode: Mode
    /// Where the stack begins, growing downwards; nil: below the start stub.
    package var stackPointer: UInt64?
    /// For a multiboot program in what it is handed; for another one at ``commandLineAddress``.
    package var commandLine: String?
    /// The address of the NUL-terminated command line; nil: a multiboot program gets it from its information.
    package var commandLineAddress: UInt64?
    /// Whether the communication region is to look as in 2016 to this program: the PM timer's port at offset 0x10.
    package var wantsRegionOf2016: Bool
    /// Whether a start stub lets the cell's first processor alone enter the program; the others halt. A program that is
    /// made for it lets them in and sorts them out itself.
    package var parksOtherProcessors = true

    package init(
        _ mode: Mode = .image, stackPointer: UInt64? = nil, commandLine: String? = nil,
        commandLineAddress: UInt64? = nil, wantsRegionOf2016: Bool = false
    ) {
        self.mode = mode
        self.stackPointer = stackPointer
        self.commandLine = commandLine
        self.commandLineAddress = commandLineAddress
        self.wantsRegionOf2016 = wantsRegionOf2016
    }

    /// What a start stub needs to know of the cell.
    package struct Place: Hashable, Sendable {
        /// Where the cell's processor begins.
        package var resetAddress: UInt64
        /// The cell's RAM, loadable or not.
        package var memory: [CellRegion]
        package var communicationRegion: UInt64?

        package init(resetAddress: UInt64, memory: [CellRegion], communicationRegion: UInt64?) {
            self.resetAddress = resetAddress
            self.memory = memory
            self.communicationRegion = communicationRegion
        }
    }

    /// Where the stack begins when a stub sets one up.
    package func stackPointer(in place: Place) -> UInt64 { stackPointer ?? place.resetAddress & ~0xf }

    /// What is to be loaded beside the program so that it is entered.
    ///
    /// - Parameters:
    ///   - entry: the program's.
    ///   - machine: nil for a flat image.
    /// - Throws: ``ImageError`` `start` for what cannot be.
    package func pieces(
        entry: UInt64, machine: ELFFile.Machine?, place: Place
    ) throws(ImageError) -> [LoadPiece] {
        var pieces: [LoadPiece] = []
        if let commandLine, let commandLineAddress {
            pieces.append(LoadPiece(address: commandLineAddress, contents: Array(commandLine.utf8) + [0]))
        }
        guard mode != .image else { return pieces }
        if mode == .jump {
            return [LoadPiece(address: place.resetAddress, contents: try jump(to: entry, machine, place))] + pieces
        }
        try check(entry, machine, place)
        var stub = StartStub(address: place.resetAddress, entry: entry, stackPointer: stackPointer(in: place))
        stub.parksOtherProcessors = parksOtherProcessors
        if wantsRegionOf2016 { stub.regionOf2016 = place.communicationRegion }
        var attachment: [UInt8] = []
        let size = UInt64(StartStub.code.count)
        switch mode {
        case .image, .jump, .protected32: break
        case .multiboot:
            let information = MultibootInformation(
                memory: place.memory, commandLine: commandLineAddress == nil ? commandLine : nil)
            stub.eax = MultibootInformation.magic
            stub.ebx = UInt32(truncatingIfNeeded: place.resetAddress + size)
            attachment = information.bytes(at: place.resetAddress + size)
        case .long64:
            let tables = (place.resetAddress + size).roundedUp(to: IdentityMap.alignment)
            stub.pageTables = tables
            let gap = Int(tables - place.resetAddress - size)
            attachment = [UInt8](repeating: 0, count: gap) + IdentityMap.bytes(at: tables)
        }
        return [LoadPiece(address: place.resetAddress, contents: stub.bytes + attachment)] + pieces
    }

    /// `ldr x16, .+8` and `br x16` (Arm's DDI 0487, C6.2), and the address.
    private func jump(to entry: UInt64, _ machine: ELFFile.Machine?, _ place: Place) throws(ImageError) -> [UInt8] {
        guard (machine ?? .aarch64) == .aarch64 else {
            throw ImageError(
                .start, "start = \"jump\" enters 64-bit Arm programs only", remedy: "set reset-address to the entry")
        }
        guard place.resetAddress & 7 == 0, entry & 3 == 0 else {
            throw ImageError(
                .start,
                "the start stub cannot go from \(hexadecimal(place.resetAddress)) to \(hexadecimal(entry)): it begins at a "
                    + "multiple of 8, and instructions at multiples of 4",
                remedy: "correct reset-address, or the image's \"entry\"")
        }
        let code: [UInt32] = [0x5800_0050, 0xd61f_0200]
        return code.flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
            + withUnsafeBytes(of: entry.littleEndian) { Array($0) }
    }

    private func check(_ entry: UInt64, _ machine: ELFFile.Machine?, _ place: Place) throws(ImageError) {
        let reset = place.resetAddress
        guard reset & 0xf == 0, reset & 0xffff + UInt64(StartStub.code.count) <= 0x1_0000, reset < 0xfff0_0000 else {
            throw ImageError(
                .start,
                "the start stub cannot be at the reset address \(hexadecimal(reset)): it is "
                    + "\(StartStub.code.count) bytes of 16-bit code, which begin at a multiple of 16 and end in the "
                    + "same 64 KiB, below 4 GiB",
                remedy: "set the cell's reset address to a free place in its RAM, for example 0xf0000"
            )
        }
        guard entry < 1 << 32, stackPointer(in: place) <= 1 << 32 else {
            throw ImageError(
                .start, "its entry \(hexadecimal(entry)) and its stack must be below 4 GiB for a start stub",
                remedy: "link it to a lower address, or let it bring its own 16-bit start (start = \"image\")"
            )
        }
        let wanted: ELFFile.Machine = mode == .long64 ? .x8664 : .i386
        guard (machine ?? wanted) == wanted else {
            throw ImageError(
                .start,
                "it is \(wanted == .i386 ? "a 64-bit" : "a 32-bit") program, which start = \"\(mode.rawValue)\" "
                    + "cannot enter",
                remedy: wanted == .i386 ? "set start = \"long-64\"" : "set start = \"protected-32\" or \"multiboot\""
            )
        }
        if wantsRegionOf2016 {
            guard let region = place.communicationRegion, region < 1 << 32 else {
                throw ImageError(
                    .start, "the communication region is to have the layout of 2016, but the cell has none below 4 GiB",
                    remedy: "add one to the cell, or remove \"communication-region-layout\""
                )
            }
        }
    }
}

extension UInt64 {
    fileprivate func roundedUp(to alignment: UInt64) -> UInt64 { (self + alignment - 1) / alignment * alignment }
}
