import CellConfiguration

/// The ioctls' numbers (driver/jailhouse.h).
private enum IoctlNumber {
    static let enable: UInt32 = 0x4008_0000
    static let disable: UInt32 = 0x1
    static let create: UInt32 = 0x4010_0002
    static let load: UInt32 = 0x4030_0003
    static let start: UInt32 = 0x4028_0004
    static let destroy: UInt32 = 0x4028_0005
}

/// Copies a command out of the client's memory, as the driver does: a pointer to nowhere is EFAULT.
struct CommandReader {
    let memory: ClientMemory

    /// The driver cannot allocate more for a configuration.
    private static let allocationLimit: UInt32 = 4 << 20
    private static let cellReferenceSize = 40
    private static let loadSize = 48
    private static let imageSize = 32
    /// The driver has no such limit; what is kept of a load would grow without end.
    private static let mostImages = 0x1_0000

    /// - Parameters:
    ///   - number: the ioctl's.
    ///   - images: is given the bytes of a load's images.
    func request(_ number: UInt32, images: inout [[UInt8]]) throws(Refusal) -> Request {
        switch number {
        case IoctlNumber.enable: .enable(try systemConfiguration())
        case IoctlNumber.disable: .disable
        case IoctlNumber.create: .create(try cellConfiguration())
        case IoctlNumber.load: try load(&images)
        case IoctlNumber.start: .start(try cellReference())
        case IoctlNumber.destroy: .destroy(try cellReference())
        default: throw .invalid
        }
    }

    /// As long as its own counts say: the caller does not tell.
    private func systemConfiguration() throws(Refusal) -> [UInt8] {
        let header = try memory.read(memory.address, SystemDescriptor.fixedSize)
        guard let length = try? SystemDescriptor.encodedLength(header: header) else { return header }
        guard length <= Int(CommandReader.allocationLimit) else { throw .outOfMemory }
        return try memory.read(memory.address, length)
    }

    private func cellConfiguration() throws(Refusal) -> [UInt8] {
        let fields = try memory.read(memory.address, 16)
        let size: UInt32 = fields.number(at: 8)
        guard size <= CommandReader.allocationLimit else { throw .outOfMemory }
        return try memory.read(fields.number(at: 0), Int(size))
    }

    private func cellReference() throws(Refusal) -> CellReference {
        CommandReader.cellReference(try memory.read(memory.address, CommandReader.cellReferenceSize))
    }

    private static func cellReference(_ fields: [UInt8]) -> CellReference {
        let id: Int32 = fields.number(at: 0)
        guard id == -1 else { return .id(Int(id)) }
        return .name(RawText.string(fields[8..<cellReferenceSize]))
    }

    private func load(_ images: inout [[UInt8]]) throws(Refusal) -> Request {
        let fields = try memory.read(memory.address, CommandReader.loadSize)
        let count: UInt32 = fields.number(at: 40)
        var address = memory.address + UInt64(CommandReader.loadSize)
        var described: [Request.Image] = []
        // one by one, as the driver does: nothing is allocated for a count that is not true
        for _ in 0..<count {
            guard described.count < CommandReader.mostImages else { throw .outOfMemory }
            let fields = try memory.read(address, CommandReader.imageSize)
            address += UInt64(CommandReader.imageSize)
            var image = Request.Image(size: fields.number(at: 8), target: fields.number(at: 16))
            // what is larger than any region is refused for that, and need not be read
            let size = image.size > 1 << 30 ? 0 : Int(image.size)
            do {
                images.append(try memory.read(fields.number(at: 0), size))
            } catch {
                // only found out when the cell has been stopped
                image.isReadable = false
                images.append([])
            }
            described.append(image)
        }
        return .load(CommandReader.cellReference(fields), described)
    }
}

extension [UInt8] {
    /// A little-endian number in a structure that has been read in full.
    fileprivate func number<Number: FixedWidthInteger>(at offset: Int) -> Number {
        withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Number.self)) }
    }
}
