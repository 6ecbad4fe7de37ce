// SPDX-License-Identifier: Apache-2.0

/// A polled 8250 at an I/O port, 115200 baud, 8N1.
struct SerialPort {
    let base: UInt16

    init(base: UInt16) {
        self.base = base
        Port.write(0, to: base + 1)  // no interrupts
        Port.write(0x80, to: base + 3)  // the next two are the divisor
        Port.write(1, to: base)
        Port.write(0, to: base + 1)
        Port.write(3, to: base + 3)  // 8 bits, no parity
    }

    func write(_ byte: UInt8) {
        while Port.read(base + 5) & 0x20 == 0 { pause() }
        Port.write(byte, to: base)
    }

    func print(_ text: StaticString) {
        text.withUTF8Buffer { for byte in $0 { write(byte) } }
    }

    func print(_ number: UInt32) {
        if number >= 10 { print(number / 10) }
        write(UInt8(ascii: "0") + UInt8(number % 10))
    }

    func print(hexadecimal number: UInt32) {
        print("0x")
        for shift in stride(from: UInt32(28), through: 0, by: -4) {
            let digit = UInt8((number >> shift) & 15)
            write(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
