/// Makes small ELF files, sound and unsound ones.
struct ELFBuilder {
    struct Segment {
        var type: UInt32 = 1
        var address: UInt64 = 0
        var contents: [UInt8] = []
        var memorySize: UInt64?
        /// Where the bytes are said to be, when it is not where they are.
        var offset: UInt64?
        var fileSize: UInt64?
    }

    var is64 = false
    var machine: UInt16 = 3
    var type: UInt16 = 2
    var entry: UInt64 = 0x10000c
    var segments: [Segment] = []

    var bytes: [UInt8] {
        let headerSize = is64 ? 64 : 52
        let programHeaderSize = is64 ? 56 : 32
        var data: [UInt8] = []
        var headers: [UInt8] = []
        for segment in segments {
            let offset = segment.offset ?? UInt64(headerSize + programHeaderSize * segments.count + data.count)
            let fileSize = segment.fileSize ?? UInt64(segment.contents.count)
            headers += little(UInt64(segment.type), 4)
            if is64 { headers += little(7, 4) }
            for field in [
                offset, segment.address + 0xc000_0000, segment.address, fileSize, segment.memorySize ?? fileSize,
            ] {
                headers += address(field)
            }
            if !is64 { headers += little(7, 4) }
            headers += address(4)
            data += segment.contents
        }
        var header: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, 1, 1] + Array(repeating: 0, count: 9)
        header += little(UInt64(type), 2) + little(UInt64(machine), 2) + little(1, 4)
        header += address(entry) + address(UInt64(headerSize)) + address(0) + little(0, 4)
        header += little(UInt64(headerSize), 2) + little(UInt64(programHeaderSize), 2)
        header += little(UInt64(segments.count), 2) + little(0, 6)
        return header + headers + data
    }

    private func address(_ number: UInt64) -> [UInt8] { little(number, is64 ? 8 : 4) }

    private func little(_ number: UInt64, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
