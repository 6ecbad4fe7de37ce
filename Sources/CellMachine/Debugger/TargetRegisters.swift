// SPDX-License-Identifier: Apache-2.0

/// The registers of a CPU as QEMU's gdb stub gives them for x86-64 (QEMU's gdb-xml/i386-64bit.xml), and as gdb wants
/// them.
struct TargetRegisters: Hashable {
    /// What gdb takes the cell's CPUs for.
    enum Style: String {
        case i386
        case amd64
    }

    private(set) var bytes: [UInt8]

    static let size = 608

    // numbers in QEMU's description
    private static let instructionPointer = 16
    private static let flags = 17
    private static let codeSegment = 18
    private static let fsBase = 24
    private static let control0 = 27

    /// In bytes, by the registers' numbers: sixteen registers, RIP, flags, six segments, three bases, CR0 CR2 CR3 CR4
    /// CR8, EFER, eight of the x87, its eight control registers, sixteen vectors, MXCSR.
    private static let sizes =
        Array(repeating: 8, count: 17) + Array(repeating: 4, count: 7) + Array(repeating: 8, count: 9)
        + Array(repeating: 10, count: 8) + Array(repeating: 4, count: 8) + Array(repeating: 16, count: 16) + [4]
    private static let offsets = sizes.indices.map { sizes[..<$0].reduce(0, +) }

    /// In gdb's order for i386: the number in QEMU's, and the size.
    private static let i386: [(number: Int, size: Int)] =
        [0, 2, 3, 1, 7, 6, 4, 5, instructionPointer].map { ($0, 4) } + (17...23).map { ($0, 4) }
        + (33...40).map { ($0, 10) } + (41...48).map { ($0, 4) } + (49...56).map { ($0, 16) } + [(65, 4)]

    private static func layout(_ style: Style) -> [(number: Int, size: Int)] {
        style == .i386 ? i386 : sizes.indices.map { ($0, sizes[$0]) }
    }

    /// - Parameter answer: QEMU's to `g`; nil when it is none.
    init?(answer: [UInt8]) {
        guard let bytes = RemotePackets.bytes(fromHexadecimal: answer), bytes.count == TargetRegisters.size else {
            return nil
        }
        self.bytes = bytes
    }

    /// As gdb wants them: an answer to `g`.
    func all(as style: Style) -> [UInt8] {
        TargetRegisters.layout(style).flatMap { part($0.number, $0.size) }
    }

    /// - Parameter values: all that gdb knows, or the first of them.
    mutating func setAll(_ values: [UInt8], as style: Style) {
        var place = 0
        for (number, size) in TargetRegisters.layout(style) {
            guard place + size <= values.count else { return }
            set(number, Array(values[place..<place + size]))
            place += size
        }
    }

    /// Nil when there is no such register.
    func one(_ number: Int, as style: Style) -> [UInt8]? {
        let layout = TargetRegisters.layout(style)
        return layout.indices.contains(number) ? Array(part(layout[number].number, layout[number].size)) : nil
    }

    /// - Returns: whether there is such a register, of that size.
    mutating func setOne(_ number: Int, to value: [UInt8], as style: Style) -> Bool {
        let layout = TargetRegisters.layout(style)
        guard layout.indices.contains(number), layout[number].size == value.count else { return false }
        set(layout[number].number, value)
        return true
    }

    private func part(_ number: Int, _ size: Int) -> ArraySlice<UInt8> {
        bytes[TargetRegisters.offsets[number]...].prefix(size)
    }

    /// The upper half of what has more bytes is cleared.
    private mutating func set(_ number: Int, _ value: [UInt8]) {
        let size = TargetRegisters.sizes[number]
        let padded = value + Array(repeating: 0, count: max(0, size - value.count))
        let offset = TargetRegisters.offsets[number]
        bytes.replaceSubrange(offset..<offset + size, with: padded.prefix(size))
    }

    private func number(_ register: Int) -> UInt64 {
        part(register, TargetRegisters.sizes[register]).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func set(_ register: Int, _ value: UInt64) {
        set(register, (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) })
    }

    var rip: UInt64 { number(TargetRegisters.instructionPointer) }
    var cr3: UInt64 { number(TargetRegisters.control0 + 2) }
    /// EFER.LMA.
    var isInLongMode: Bool { number(TargetRegisters.control0 + 5) & 0x400 != 0 }
    var paging: PageWalk {
        PageWalk(
            cr0: number(TargetRegisters.control0), cr3: cr3, cr4: number(TargetRegisters.control0 + 3),
            isInLongMode: isInLongMode)
    }

    /// The cell's registers in place of the monitor's; those of the x87 and the vectors are the cell's always.
    ///
    /// - Parameter long: 64 bits of the control block and what follows it, by their offset: ``ControlBlock``.
    mutating func setCell(_ long: (Int) -> UInt64) {
        typealias Block = ControlBlock
        // in QEMU's order: rax rbx rcx rdx rsi rdi rbp rsp
        for (index, saved) in [0, 3, 1, 2, 6, 7, 5, 4].enumerated() { set(index, long(Block.registers + saved * 8)) }
        for number in 8..<16 { set(number, long(Block.registers + number * 8)) }
        set(0, long(Block.rax))
        set(7, long(Block.rsp))
        set(TargetRegisters.instructionPointer, long(Block.rip))
        set(TargetRegisters.flags, long(Block.flags))
        for (index, segment) in [Block.cs, Block.ss, Block.ds, Block.es, Block.fs, Block.gs].enumerated() {
            set(TargetRegisters.codeSegment + index, long(segment) & 0xffff)
        }
        set(TargetRegisters.fsBase, long(Block.fs + 8))
        set(TargetRegisters.fsBase + 1, long(Block.gs + 8))
        for (index, register) in [Block.cr0, Block.cr2, Block.cr3, Block.cr4].enumerated() {
            set(TargetRegisters.control0 + index, long(register))
        }
        set(TargetRegisters.control0 + 5, long(Block.efer))
    }
}

extension TargetRegisters.Style {
    /// The description that gdb needs, as XML; nil when QEMU's description is right.
    var description: String? {
        guard self == .i386 else { return nil }
        func register(_ name: String, _ bits: Int, _ type: String) -> String {
            "<reg name=\"\(name)\" bitsize=\"\(bits)\" type=\"\(type)\"/>"
        }
        let pointers = ["esp": "data_ptr", "ebp": "data_ptr", "eip": "code_ptr"]
        let core =
            [
                "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip", "eflags", "cs", "ss", "ds", "es", "fs",
                "gs",
            ]
            .map { register($0, 32, pointers[$0] ?? "int32") }
            + (0..<8).map { register("st\($0)", 80, "i387_ext") }
            + ["fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"].map { register($0, 32, "int") }
        let vectors = (0..<8).map { register("xmm\($0)", 128, "vector") } + [register("mxcsr", 32, "int")]
        return """
            <?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target><architecture>i386</architecture>\
            <feature name="org.gnu.gdb.i386.core">\(core.joined())</feature>\
            <feature name="org.gnu.gdb.i386.sse"><vector id="singles" type="ieee_single" count="4"/>\
            <vector id="words" type="int32" count="4"/><union id="vector"><field name="v4_float" type="singles"/>\
            <field name="v4_int32" type="words"/></union>\(vectors.joined())</feature></target>
            """
    }
}
