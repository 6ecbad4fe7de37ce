// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CellMachine

@Suite("gdb's packets, registers and addresses")
struct DebuggerPartsTests {
    @Test("Packets come in any pieces; acknowledgements and damaged ones are left out")
    func packets() {
        let stream = Array("+$qC#b4-\u{3}$g#00$?#3f$m10,4#".utf8) + Array("\(sum("m10,4"))$x".utf8)
        for size in [1, 2, 3, 7, stream.count] {
            var packets = RemotePackets()
            var items: [RemotePackets.Item] = []
            for begin in stride(from: 0, to: stream.count, by: size) {
                packets.append(Array(stream[begin..<min(stream.count, begin + size)]))
                while let item = packets.next() { items.append(item) }
            }
            #expect(
                items == [
                    .packet(Array("qC".utf8)), .interrupt, .packet(Array("?".utf8)), .packet(Array("m10,4".utf8)),
                ])
        }
        #expect(RemotePackets.framed(Array("qC".utf8)) == Array("$qC#b4".utf8))
        #expect(RemotePackets.bytes(fromHexadecimal: Array("00fF7".utf8)) == nil)
        #expect(RemotePackets.bytes(fromHexadecimal: Array("00fg".utf8)) == nil)
        #expect(RemotePackets.bytes(fromHexadecimal: Array("00fF".utf8)) == [0, 0xff])
    }

    private func sum(_ text: String) -> String {
        let sum = text.utf8.reduce(UInt8(0), &+)
        return (sum < 16 ? "0" : "") + String(sum, radix: 16)
    }

    @Test("A stream without an end of a packet is not kept for ever")
    func endless() {
        var packets = RemotePackets()
        packets.append([UInt8(ascii: "$")] + Array(repeating: 0x61, count: RemotePackets.limit + 1))
        let none = packets.next()
        #expect(none == nil)
        packets.append(Array("$?#3f".utf8))
        let next = packets.next()
        #expect(next == .packet([UInt8(ascii: "?")]))
    }

    /// Each byte is its place, so that none can be mistaken for another.
    private var registers: TargetRegisters? {
        TargetRegisters(
            answer: RemotePackets.hexadecimal((0..<608).map { UInt8(truncatingIfNeeded: $0 * 7 + $0 >> 8) }))
    }

    @Test("i386 has the lower halves of x86-64's registers, in gdb's order")
    func registersOfI386() throws {
        let registers = try #require(registers)
        let all = registers.all(as: .i386)
        #expect(all.count == 308)
        // eax ecx edx ebx esp ebp esi edi eip: QEMU's 0 2 3 1 7 6 4 5 16
        for (place, number) in [0, 2, 3, 1, 7, 6, 4, 5, 16].enumerated() {
            #expect(all[place * 4..<place * 4 + 4] == registers.bytes[number * 8..<number * 8 + 4])
        }
        #expect(registers.one(8, as: .i386) == Array(registers.bytes[128..<132]))
        #expect(registers.one(16, as: .i386)?.count == 10)
        #expect(registers.one(41, as: .i386) == nil)
        #expect(registers.one(65, as: .amd64)?.count == 4)
        #expect(registers.one(-1, as: .amd64) == nil)
        var changed = registers
        let isSet = changed.setOne(8, to: [1, 2, 3, 4], as: .i386)
        #expect(isSet)
        #expect(changed.rip == 0x0403_0201)
        let isShortSet = changed.setOne(8, to: [1, 2], as: .i386)
        #expect(!isShortSet)
        changed = registers
        changed.setAll(all, as: .i386)
        #expect(changed.all(as: .i386) == all)
        #expect(TargetRegisters(answer: Array("E01".utf8)) == nil)
        #expect(TargetRegisters.Style.i386.description?.contains("org.gnu.gdb.i386.core") == true)
    }

    @Test("Page tables of each kind", arguments: [0, 2, 3, 4])
    func pages(levels: Int) {
        // linear 0x40_2003 is physical 0x7003, or 0x40_2003 without tables
        var memory: [UInt64: UInt64] = [:]
        var walk = PageWalk(cr0: 0x8000_0001, cr3: 0x1000, cr4: levels == 2 ? 0 : 0x20, isInLongMode: levels == 4)
        switch levels {
        case 2: memory = [0x1004: 0x2003, 0x2008: 0x7003]
        case 3: memory = [0x1000: 0x2001, 0x2010: 0x3003, 0x3010: 0x7003]
        case 4: memory = [0x1000: 0x2003, 0x2000: 0x3003, 0x3010: 0x4003, 0x4010: 0x7003]
        default: walk.cr0 = 1
        }
        var sizes: Set<Int> = []
        let address = walk.address(of: 0x40_2003) { place, size in
            sizes.insert(size)
            return memory[place] ?? 0
        }
        #expect(address == (levels == 0 ? 0x40_2003 : 0x7003))
        #expect(sizes == (levels == 0 ? [] : [levels == 2 ? 4 : 8]))
        #expect(levels == 0 || walk.address(of: 0x80_0000) { place, _ in memory[place] ?? 0 } == nil)
        #expect(levels == 0 || walk.address(of: 0x40_2003) { _, _ in nil } == nil)
    }

    @Test("Arm64: the core registers are where gdb has them; the monitor is at EL2")
    func registersOfArm64() throws {
        var answer = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
        answer[264] = 0xc5  // EL1
        let registers = try #require(ArmRegisters(answer: RemotePackets.hexadecimal(answer)))
        #expect(registers.one(32) == Array(answer[256..<264]))
        #expect(registers.one(33)?.count == 4)
        #expect(registers.one(34) == nil)
        #expect(registers.all == answer)
        #expect(ArmRegisters(answer: RemotePackets.hexadecimal(answer[..<200])) == nil)
    }

    @Test("Arm64: tables of pages of each size, blocks, and none", arguments: [12, 14, 16] as [UInt64])
    func armPages(pageBits: UInt64) {
        // 39-bit addresses by TTBR0
        let size = UInt64(64 - 39)
        let granule: UInt64 = [12: 0, 14: 2, 16: 1][pageBits] ?? 0
        var walk = ArmPageWalk(systemControl: 1, control: granule << 14 | size, tables: (0x10_0000, 0))
        let linear: UInt64 = 0x12_3456_7890
        let perLevel = pageBits - 3
        var memory: [UInt64: UInt64] = [:]
        var (table, bits, shift) = (UInt64(0x10_0000), UInt64(39), pageBits)
        while shift + perLevel < 39 { shift += perLevel }
        while shift > pageBits {
            memory[table + (linear >> shift & (1 << (bits - shift) - 1)) * 8] = (table + 0x10_0000) | 3
            (table, bits, shift) = (table + 0x10_0000, shift, shift - perLevel)
        }
        memory[table + (linear >> shift & (1 << (bits - shift) - 1)) * 8] = 0x7000_0000 | 0x703
        let offset = linear & (1 << pageBits - 1)
        #expect(walk.address(of: linear) { place, _ in memory[place] ?? 0 } == 0x7000_0000 | offset)
        #expect(walk.address(of: linear ^ 1 << 38) { place, _ in memory[place] ?? 0 } == nil)
        #expect(walk.address(of: 0xffff_0000_0000_0000) { _, _ in 0 } == nil)
        walk.systemControl = 0
        #expect(walk.address(of: linear) { _, _ in nil } == linear)
    }
}
