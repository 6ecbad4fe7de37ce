import CUMockdev
import CellConfiguration

/// The ioctls' numbers (facts page §1).
private enum IoctlNumber {
    static let enable: UInt = 0x4008_0000
    static let disable: UInt = 0x1
    static let create: UInt = 0x4010_0002
    static let load: UInt = 0x4030_0003
    static let start: UInt = 0x4028_0004
    static let destroy: UInt = 0x4028_0005
}

/// Copies a command out of the client's memory, as the driver does: a pointer to nowhere is EFAULT.
struct CommandReader {
    private let client: UMockdevClient
    private let process: ClientProcess?
    private let argument: UMockdevData
    /// Where the ioctl's third argument points to.
    private let address: UInt64

    /// The driver cannot allocate more for a configuration.
    private static let allocationLimit: UInt32 = 4 << 20
    private static let cellReferenceSize = 40
    private static let loadSize = 48
    private static let imageSize = 32

    init?(_ client: UMockdevClient, process: ClientProcess?) {
        guard let argument = umockdev_ioctl_client_get_arg(client) else { return nil }
        self.client = client
        self.process = process
        self.argument = argument
        address = CommandReader.bytes(of: argument).loadUnaligned(as: UInt64.self)
    }

    /// - Parameter call: is given the images' bytes.
    func request(for call: inout DeviceCall) throws(Refusal) -> Request {
        defer { forget() }
        switch UInt(umockdev_ioctl_client_get_request(client)) & 0xffff_ffff {
        case IoctlNumber.enable: return .enable(try systemConfiguration())
        case IoctlNumber.disable: return .disable
        case IoctlNumber.create: return .create(try cellConfiguration())
        case IoctlNumber.load: return try load(&call)
        case IoctlNumber.start: return .start(try cellReference())
        case IoctlNumber.destroy: return .destroy(try cellReference())
        default: throw .invalid
        }
    }

    /// As long as its own counts say: the caller does not tell.
    private func systemConfiguration() throws(Refusal) -> [UInt8] {
        let header = try copy(address, SystemDescriptor.fixedSize)
        guard let length = try? SystemDescriptor.encodedLength(header: header) else { return header }
        guard length <= Int(CommandReader.allocationLimit) else { throw .outOfMemory }
        return try copy(address, length)
    }

    private func cellConfiguration() throws(Refusal) -> [UInt8] {
        let create = try fetch(address, 16)
        defer { umockdev_ioctl_data_unref(create) }
        let fields = CommandReader.bytes(of: create)
        let configuration = fields.loadUnaligned(as: UInt64.self)
        let size = fields.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
        guard size <= CommandReader.allocationLimit else { throw .outOfMemory }
        return size == 0 ? [] : try copy(configuration, Int(size))
    }

    private func cellReference() throws(Refusal) -> CellReference {
        let fields = try fetch(address, CommandReader.cellReferenceSize)
        defer { umockdev_ioctl_data_unref(fields) }
        return CommandReader.cellReference(CommandReader.bytes(of: fields))
    }

    private static func cellReference(_ fields: UnsafeRawBufferPointer) -> CellReference {
        let id = fields.loadUnaligned(as: Int32.self)
        guard id == -1 else { return .id(Int(id)) }
        return .name(String(decoding: fields[8..<cellReferenceSize].prefix { $0 != 0 }, as: UTF8.self))
    }

    private func load(_ call: inout DeviceCall) throws(Refusal) -> Request {
        let load = try fetch(address, CommandReader.loadSize)
        defer { umockdev_ioctl_data_unref(load) }
        let fields = CommandReader.bytes(of: load)
        let reference = CommandReader.cellReference(fields)
        let count = Int(fields.loadUnaligned(fromByteOffset: 40, as: UInt32.self))
        guard count > 0 else { return .load(reference, []) }
        let list = try fetch(address &+ UInt64(CommandReader.loadSize), count * CommandReader.imageSize)
        defer { umockdev_ioctl_data_unref(list) }
        let entries = CommandReader.bytes(of: list)
        var images: [Request.Image] = []
        for offset in stride(from: 0, to: entries.count, by: CommandReader.imageSize) {
            let source = entries.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let size = entries.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
            let target = entries.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self)
            images.append(Request.Image(size: size, target: target))
            // what no region can hold is refused by its size; it need not be fetched for that
            call.add(image: size == 0 || size > 1 << 30 ? nil : try fetch(source, Int(size)))
        }
        return .load(reference, images)
    }

    // MARK: the client's memory

    private func copy(_ address: UInt64, _ count: Int) throws(Refusal) -> [UInt8] {
        let data = try fetch(address, count)
        defer { umockdev_ioctl_data_unref(data) }
        return Array(CommandReader.bytes(of: data))
    }

    /// umockdev follows a pointer once, and from the argument only: so the argument is made to point elsewhere.
    private func fetch(_ address: UInt64, _ count: Int) throws(Refusal) -> UMockdevData {
        // umockdev ends a client that gives it a wild pointer; the driver only says EFAULT
        guard address != 0, process?.canRead(address, count: count) ?? true else { throw .badAddress }
        forget()
        UnsafeMutableRawPointer(argument.pointee.data).storeBytes(of: address, as: UInt64.self)
        guard let data = umockdev_ioctl_data_resolve(argument, 0, gsize(count), nil) else { throw .badAddress }
        return data
    }

    /// Lets the argument forget what it was resolved to; else it would all be written back to the client.
    private func forget() {
        umockdev_ioctl_data_reload(argument, nil)
    }

    private static func bytes(of data: UMockdevData) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: data.pointee.data, count: Int(data.pointee.data_len))
    }
}
