// SPDX-License-Identifier: Apache-2.0

/// The cell's memory, by its page tables and its configuration.
extension DebugDialogue {
    /// So much at a time fits into a packet of QEMU's.
    private static let chunk = 1024

    mutating func readMemory(_ text: String) -> Bytes {
        guard let (address, count) = DebugDialogue.range(text.dropFirst()), let registers = pagedRegisters() else {
            return Bytes("E01".utf8)
        }
        var bytes: Bytes = []
        while bytes.count < count {
            let linear = address &+ UInt64(bytes.count)
            guard let piece = piece(of: linear, limit: count - bytes.count, registers),
                let more = physical(piece.address, count: piece.count)
            else { break }
            bytes += more
        }
        return bytes.isEmpty && count > 0 ? Bytes("E0e".utf8) : RemotePackets.hexadecimal(bytes)
    }

    mutating func writeMemory(_ packet: Bytes) -> Bool {
        guard let colon = packet.firstIndex(of: UInt8(ascii: ":")),
            let (address, count) = DebugDialogue.range(
                Substring(String(decoding: packet[1..<colon], as: UTF8.self))), let registers = pagedRegisters()
        else { return false }
        let isBinary = packet.first == UInt8(ascii: "X")
        let data = packet[(colon + 1)...]
        guard let bytes = isBinary ? DebugDialogue.unescaped(data) : RemotePackets.bytes(fromHexadecimal: data),
            bytes.count == count
        else { return false }
        // all of it or nothing
        var pieces: [(address: UInt64, bytes: ArraySlice<UInt8>)] = []
        var done = 0
        while done < count {
            guard let piece = piece(of: address &+ UInt64(done), limit: count - done, registers) else { return false }
            pieces.append((piece.address, bytes[done..<done + piece.count]))
            done += piece.count
        }
        for (address, bytes) in pieces {
            let command = "M\(String(address, radix: 16)),\(String(bytes.count, radix: 16)):"
            guard ask(Bytes(command.utf8) + RemotePackets.hexadecimal(bytes)) == Bytes("OK".utf8) else { return false }
        }
        return true
    }

    private mutating func pagedRegisters() -> (values: any StubRegisters, areReal: Bool)? { cellRegisters(of: cpu) }

    /// Where memory of the cell's is in the machine, as far as it is in one piece.
    private mutating func piece(
        of linear: UInt64, limit: Int, _ registers: (values: any StubRegisters, areReal: Bool)
    ) -> (address: UInt64, count: Int)? {
        let restOfPage = 0x1000 - Int(linear & 0xfff)
        if registers.areReal, target.speaksAsStub { return (linear, min(limit, restOfPage, DebugDialogue.chunk)) }
        let address = registers.values.address(of: linear) { entry($0, $1) }
        guard let address, let place = machine.place(of: address) else { return nil }
        return (place.address, min(limit, restOfPage, DebugDialogue.chunk, Int(clamping: place.count)))
    }

    private mutating func entry(_ address: UInt64, _ size: Int) -> UInt64? {
        guard let place = machine.place(of: address), place.count >= UInt64(size),
            let bytes = physical(place.address, count: size)
        else { return nil }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Of the machine.
    private mutating func physical(_ address: UInt64, count: Int) -> Bytes? {
        let answer = ask(Bytes("m\(String(address, radix: 16)),\(String(count, radix: 16))".utf8))
        guard let bytes = RemotePackets.bytes(fromHexadecimal: answer), bytes.count == count else { return nil }
        return bytes
    }

    /// `address,length`, hexadecimal.
    private static func range(_ text: Substring) -> (address: UInt64, count: Int)? {
        let words = text.split(separator: ",")
        guard words.count == 2, let address = UInt64(words[0], radix: 16), let count = Int(words[1], radix: 16),
            (0...RemotePackets.limit).contains(count)
        else { return nil }
        return (address, count)
    }

    private static func unescaped(_ data: ArraySlice<UInt8>) -> Bytes? {
        var bytes: Bytes = []
        var isEscaped = false
        for byte in data {
            if isEscaped {
                bytes.append(byte ^ 0x20)
                isEscaped = false
            } else if byte == UInt8(ascii: "}") {
                isEscaped = true
            } else {
                bytes.append(byte)
            }
        }
        return isEscaped ? nil : bytes
    }
}
