// SPDX-License-Identifier: Apache-2.0

/// An instruction that moves something between a register, or a constant, and memory: all that the hypervisor
/// understands when it acts for a cell on a device.
struct Move {
    let length: UInt64
    let isWrite: Bool
    /// Of the access, in bytes.
    let size: Int
    /// What is written.
    let value: UInt64
    /// Where a read goes: the register's number, how many of its bytes, and whether its second byte is meant.
    private let register: Int
    private let registerSize: Int
    private let isHighByte: Bool

    /// Nil when it is another instruction.
    init?(_ instruction: GuestMemory.Instruction, on cpu: VirtualCPU) {
        var cursor = Cursor(instruction)
        let is64Bit = cpu.executes64Bit
        let is32Bit = cpu.executes32Bit
        var hasOperandPrefix = false
        var hasAddressPrefix = false
        prefixes: while true {
            switch cursor.peek {
            case 0x66: hasOperandPrefix = true
            case 0x67: hasAddressPrefix = true
            case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65: break
            default: break prefixes
            }
            cursor.skip(1)
        }
        var rex: UInt8 = 0
        if is64Bit, cursor.peek & 0xf0 == 0x40 { rex = cursor.next() }
        let operand = rex & 8 != 0 ? 8 : (is64Bit || is32Bit) != hasOperandPrefix ? 4 : 2
        let address = is64Bit ? (hasAddressPrefix ? 4 : 8) : is32Bit != hasAddressPrefix ? 4 : 2

        let opcode = cursor.next()
        var isWrite = false
        var size = opcode & 1 != 0 ? operand : 1
        var registerSize = size
        var hasConstant = false
        switch opcode {
        case 0x88, 0x89: isWrite = true
        case 0x8a, 0x8b: break
        case 0xc6, 0xc7:
            isWrite = true
            hasConstant = true
        case 0xa0...0xa3:  // the accumulator, with the address behind the opcode
            cursor.skip(address)
            self.init(
                cursor, isWrite: opcode >= 0xa2, size: size, value: cpu.register(VirtualCPU.rax),
                register: VirtualCPU.rax, registerSize: size, isHighByte: false)
            return
        case 0x0f:  // extended with zeros
            let second = cursor.next()
            guard second == 0xb6 || second == 0xb7 else { return nil }
            size = second == 0xb6 ? 1 : 2
            registerSize = operand
        default: return nil
        }

        let mode = cursor.next()
        guard mode >> 6 != 3 else { return nil }
        cursor.skipAddress(mode, size: address)
        var register = Int(mode >> 3 & 7) + (rex & 4 != 0 ? 8 : 0)
        // without REX, numbers 4 to 7 are the second bytes of the first four registers
        let isHighByte = !hasConstant && registerSize == 1 && rex == 0 && register >= 4
        if isHighByte { register -= 4 }
        let value: UInt64
        if hasConstant {
            value = cursor.constant(size: min(size, 4))
        } else {
            value = cpu.register(register) >> (isHighByte ? 8 : 0)
        }
        self.init(
            cursor, isWrite: isWrite, size: size, value: value, register: register, registerSize: registerSize,
            isHighByte: isHighByte)
    }

    private init?(
        _ cursor: Cursor, isWrite: Bool, size: Int, value: UInt64, register: Int, registerSize: Int, isHighByte: Bool
    ) {
        guard cursor.position <= cursor.instruction.length else { return nil }
        length = UInt64(cursor.position)
        self.isWrite = isWrite
        self.size = size
        self.value = size == 8 ? value : value & (1 << UInt64(size * 8) - 1)
        self.register = register
        self.registerSize = registerSize
        self.isHighByte = isHighByte
    }

    /// What was read reaches its register, and the CPU goes on behind the instruction.
    func complete(on cpu: VirtualCPU, read value: UInt64) {
        if !isWrite {
            let value = size == 8 ? value : value & (1 << UInt64(size * 8) - 1)
            let old = cpu.register(register)
            let new =
                isHighByte ? old & ~0xff00 | value << 8 : cpu.merged(value, size: registerSize, into: old)
            cpu.setRegister(register, new)
        }
        cpu.skip(length)
    }
}

private struct Cursor {
    let instruction: GuestMemory.Instruction
    var position = 0

    init(_ instruction: GuestMemory.Instruction) { self.instruction = instruction }

    var peek: UInt8 { position < instruction.length ? instruction.bytes[position] : 0 }

    mutating func next() -> UInt8 {
        let byte = peek
        position += 1
        return byte
    }

    mutating func skip(_ count: Int) { position += count }

    /// Scale-index byte and displacement. - Parameter size: of addresses, in bytes.
    mutating func skipAddress(_ mode: UInt8, size: Int) {
        let kind = mode >> 6
        var base = mode & 7
        if size == 2 {
            position += kind == 1 ? 1 : kind == 2 || base == 6 ? 2 : 0
            return
        }
        if base == 4 { base = next() & 7 }
        position += kind == 1 ? 1 : kind == 2 || base == 5 ? 4 : 0
    }

    /// Extended with its sign.
    mutating func constant(size: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<size { value |= UInt64(next()) << UInt64(index * 8) }
        let unused = UInt64(64 - size * 8)
        return UInt64(bitPattern: Int64(bitPattern: value << unused) >> Int64(unused))
    }
}
