// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import JailhouseInterface

/// Copies a command out of the client's memory, as the driver does: a pointer to nowhere is EFAULT.
struct CommandReader {
    let memory: ClientMemory
    /// By which the driver computes how long a system configuration is.
    let format: FormatVariant

    /// The driver cannot allocate more for a configuration.
    private static let allocationLimit: UInt32 = 4 << 20
    /// The driver has no such limit; what is kept of a load would grow without end.
    private static let mostImages = 0x1_0000

    /// - Parameters:
    ///   - number: the ioctl's.
    ///   - images: is given the bytes of a load's images.
    func request(_ number: UInt32, images: inout [[UInt8]]) throws(Refusal) -> Request {
        switch DriverRequest(rawValue: number) {
        case .enable: .enable(try systemConfiguration())
        case .disable: .disable
        case .create: .create(try cellConfiguration())
        case .load: try load(&images)
        case .start: .start(try cellReference())
        case .destroy: .destroy(try cellReference())
        case nil: throw .invalid
        }
    }

    /// As long as its own counts say: the caller does not pass a length.
    private func systemConfiguration() throws(Refusal) -> [UInt8] {
        let header = try memory.read(memory.address, SystemDescriptor.fixedSize)
        let length =
            (try? SystemDescriptor.encodedLength(header: header, asReadBy: format))
            ?? (try? SystemDescriptor.encodedLength(header: header))
        guard let length else { return header }
        guard length <= Int(CommandReader.allocationLimit) else { throw .outOfMemory }
        return try memory.read(memory.address, length)
    }

    private func cellConfiguration() throws(Refusal) -> [UInt8] {
        let fields = try memory.read(memory.address, DriverLayout.Create.size)
        let size: UInt32 = fields.number(at: DriverLayout.Create.configurationSize)
        guard size <= CommandReader.allocationLimit else { throw .outOfMemory }
        return try memory.read(fields.number(at: DriverLayout.Create.configurationAddress), Int(size))
    }

    private func cellReference() throws(Refusal) -> CellReference {
        CommandReader.cellReference(try memory.read(memory.address, DriverLayout.CellReference.size))
    }

    private static func cellReference(_ fields: [UInt8]) -> CellReference {
        let id: Int32 = fields.number(at: DriverLayout.CellReference.id)
        guard id == DriverLayout.CellReference.byName else { return .id(Int(id)) }
        return .name(RawText.string(fields[DriverLayout.CellReference.name..<DriverLayout.CellReference.size]))
    }

    private func load(_ images: inout [[UInt8]]) throws(Refusal) -> Request {
        let fields = try memory.read(memory.address, DriverLayout.Load.headerSize)
        let count: UInt32 = fields.number(at: DriverLayout.Load.imageCount)
        var address = memory.address + UInt64(DriverLayout.Load.headerSize)
        var described: [Request.Image] = []
        // one by one, as the driver does: nothing is allocated for a count that is not true
        for _ in 0..<count {
            guard described.count < CommandReader.mostImages else { throw .outOfMemory }
            let fields = try memory.read(address, DriverLayout.Image.size)
            address += UInt64(DriverLayout.Image.size)
            var image = Request.Image(
                size: fields.number(at: DriverLayout.Image.byteCount),
                target: fields.number(at: DriverLayout.Image.targetAddress))
            // what is larger than any region is refused for that, and need not be read
            let size = image.size > 1 << 30 ? 0 : Int(image.size)
            do {
                images.append(try memory.read(fields.number(at: DriverLayout.Image.sourceAddress), size))
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
