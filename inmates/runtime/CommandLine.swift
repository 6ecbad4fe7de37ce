// SPDX-License-Identifier: Apache-2.0

/// Words that whoever loads the program may put at address 0x1000: `key=value` or `key`, with spaces between.
enum CommandLine {
    /// Where it is put, and how much of it is read.
    private static let place: UInt = 0x1000
    private static let size: UInt = 256

    /// Takes it over. Nothing clears that memory when a program is loaded without a command line, so what was read
    /// is cleared, and what does not look like text is none.
    static func take() {
        let (loaded, copy) = (DeviceMemory(at: place), DeviceMemory(at: copyAddress()))
        var length: UInt = 0
        while length < size {
            let byte = loaded.read8(length)
            if byte == 0 { break }
            guard (0x20..<0x7f).contains(byte) else { return }
            length += 1
        }
        guard length < size else { return }
        for offset in 0..<length { copy.write8(loaded.read8(offset), at: offset) }
        loaded.write8(0, at: 0)
    }

    /// Takes over what stands elsewhere, as the command line of a kernel does: as much as there is room for.
    static func take(from address: UInt, _ length: UInt) {
        let (found, copy) = (DeviceMemory(at: address), DeviceMemory(at: copyAddress()))
        let length = min(length, size - 1)
        for offset in 0..<length { copy.write8(found.read8(offset), at: offset) }
        copy.write8(0, at: length)
    }

    static func has(_ word: StaticString) -> Bool { value(of: word) != nil }

    /// Whether it says `key=value`.
    static func says(_ key: StaticString, _ expected: StaticString) -> Bool {
        value(of: key).map { $0.count == UInt(expected.utf8CodeUnitCount) && $0.begins(with: expected) } ?? false
    }

    /// `console=jailhouse` is what a Linux with a driver for it calls it.
    static var wantsVirtualConsole: Bool { says("console", "virtual") || says("console", "jailhouse") }

    /// Decimal, or hexadecimal after 0x.
    static func number(_ key: StaticString) -> UInt32? { value(of: key)?.number }

    /// A part of the command line.
    struct Word {
        var start: UInt
        var count: UInt

        subscript(index: UInt) -> UInt8 { DeviceMemory(at: copyAddress()).read8(start + index) }

        func begins(with text: StaticString) -> Bool {
            guard count >= UInt(text.utf8CodeUnitCount) else { return false }
            return text.withUTF8Buffer { bytes in
                for index in 0..<bytes.count where self[UInt(index)] != bytes[index] { return false }
                return true
            }
        }

        var number: UInt32? {
            let isHexadecimal = begins(with: "0x")
            guard count > (isHexadecimal ? 2 : 0) else { return nil }
            var result: UInt32 = 0
            for index in (isHexadecimal ? 2 : 0)..<count {
                let byte = self[index]
                let digit: UInt8
                switch byte {
                case 0x30...0x39: digit = byte - 0x30
                case 0x61...0x66 where isHexadecimal: digit = byte - 0x61 + 10
                default: return nil
                }
                result = result &* (isHexadecimal ? 16 : 10) &+ UInt32(digit)
            }
            return result
        }
    }

    /// What stands behind `key=`; empty for a key alone.
    static func value(of key: StaticString) -> Word? {
        let keyLength = UInt(key.utf8CodeUnitCount)
        let text = DeviceMemory(at: copyAddress())
        var start: UInt = 0
        while true {
            while text.read8(start) == 0x20 { start += 1 }
            if text.read8(start) == 0 { return nil }
            var word = Word(start: start, count: 0)
            while text.read8(start + word.count) != 0, text.read8(start + word.count) != 0x20 { word.count += 1 }
            start += word.count
            guard word.begins(with: key) else { continue }
            if word.count == keyLength { return Word(start: start, count: 0) }
            if word[keyLength] == 0x3d {
                return Word(start: word.start + keyLength + 1, count: word.count - keyLength - 1)
            }
        }
    }
}

@_extern(c, "address_of_command_line") private func copyAddress() -> UInt
