import Glibc
package import SystemCalls
import SystemPackage

/// `/dev/jailhouse`: the six commands of the driver, one ioctl each.
///
/// Every call blocks until the hypervisor is done: tens to hundreds of milliseconds for each CPU that Linux gives or
/// takes, and as long as an inmate may take to answer a shutdown request. The driver serialises them.
package struct JailhouseDevice: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// Opens the device. Whoever may open it may do everything: the driver asks for no capability.
    ///
    /// - Throws: ``HypervisorError`` with code `noDriver` (the module is not loaded) or `noPermission`.
    package init(path: String = "/dev/jailhouse") throws(HypervisorError) {
        do {
            descriptor = try SystemCall.open(path, O_RDWR | O_NONBLOCK)
        } catch {
            throw HypervisorError(opening: path, error)
        }
    }

    /// Hands a system configuration over and starts the hypervisor under Linux.
    package func enable(_ configuration: [UInt8]) throws(SystemCallError) {
        try configuration.withUnsafePointerThrowing { (address) throws(SystemCallError) in
            try command(.enable, address)
        }
    }

    /// Destroys all cells and ends the hypervisor.
    package func disable() throws(SystemCallError) {
        try SystemCall.result(of: "ioctl JAILHOUSE_DISABLE", retryingOnInterrupt: false) {
            ioctl(descriptor.rawValue, Request.disable.rawValue)
        }
    }

    /// Creates a cell; 0 from the driver does not yet mean that it exists.
    package func create(_ configuration: [UInt8]) throws(SystemCallError) {
        try configuration.withUnsafePointerThrowing { (address) throws(SystemCallError) in
            var argument = RawArgument(size: 16)
            argument.store(UInt64(UInt(bitPattern: address)), at: 0)
            argument.store(UInt32(truncatingIfNeeded: configuration.count), at: 8)
            try command(.create, &argument)
        }
    }

    /// Stops a cell and copies images into its memory; with none, that is all: the cell is shut down.
    ///
    /// - Parameter images: each with the cell's own address for it, wholly inside one loadable and writable region.
    package func load(_ cell: CellReference, _ images: [PreloadImage]) throws(SystemCallError) {
        try load(cell, images[...], placed: [])
    }

    /// Runs a loaded cell from its reset address.
    package func start(_ cell: CellReference) throws(SystemCallError) {
        var argument = RawArgument(cell)
        try command(.start, &argument)
    }

    /// Gives a cell's CPUs and memory back to Linux.
    package func destroy(_ cell: CellReference) throws(SystemCallError) {
        var argument = RawArgument(cell)
        try command(.destroy, &argument)
    }

    private struct Placed {
        let address: UInt
        let image: PreloadImage
    }

    /// Holds the images' bytes in place, one level of recursion for each, and then gives the command.
    private func load(
        _ cell: CellReference, _ rest: ArraySlice<PreloadImage>, placed: [Placed]
    ) throws(SystemCallError) {
        guard let image = rest.first else {
            var argument = RawArgument(cell, room: 8 + 32 * placed.count)
            argument.store(UInt32(truncatingIfNeeded: placed.count), at: 40)
            for (index, entry) in placed.enumerated() {
                let offset = 48 + 32 * index
                argument.store(UInt64(entry.address), at: offset)
                argument.store(UInt64(entry.image.contents.count), at: offset + 8)
                argument.store(entry.image.address, at: offset + 16)
            }
            return try command(.load, &argument)
        }
        try image.contents.withUnsafePointerThrowing { (address) throws(SystemCallError) in
            let next = placed + [Placed(address: UInt(bitPattern: address), image: image)]
            try load(cell, rest.dropFirst(), placed: next)
        }
    }

    private func command(_ request: Request, _ argument: inout RawArgument) throws(SystemCallError) {
        try argument.bytes.withUnsafePointerThrowing { (address) throws(SystemCallError) in
            try command(request, address)
        }
    }

    private func command(_ request: Request, _ argument: UnsafeRawPointer?) throws(SystemCallError) {
        guard let argument else { throw SystemCallError(call: "\(request.name)", errno: .badAddress) }
        try SystemCall.result(of: request.name, retryingOnInterrupt: false) {
            ioctl(descriptor.rawValue, request.rawValue, UnsafeMutableRawPointer(mutating: argument))
        }
    }
}

/// How the driver finds a cell.
package struct CellReference: Hashable, Sendable {
    /// The number wins over the name when it is given.
    package var id: Int?
    /// At most 31 bytes count.
    package var name: String

    package init(id: Int? = nil, name: String) {
        self.id = id
        self.name = name
    }
}

/// Bytes for a cell's memory.
package struct PreloadImage: Hashable, Sendable {
    /// Where they go, by the cell's own addresses.
    package var address: UInt64
    package var contents: [UInt8]

    package init(address: UInt64, contents: [UInt8]) {
        self.address = address
        self.contents = contents
    }
}

/// The driver's ioctl numbers, Linux `_IO`/`_IOW` encoding with type 0 (upstream's `driver/jailhouse.h`).
enum Request: UInt {
    case enable = 0x4008_0000
    case disable = 0x0000_0001
    case create = 0x4010_0002
    case load = 0x4030_0003
    case start = 0x4028_0004
    case destroy = 0x4028_0005

    var name: StaticString {
        switch self {
        case .enable: "ioctl JAILHOUSE_ENABLE"
        case .disable: "ioctl JAILHOUSE_DISABLE"
        case .create: "ioctl JAILHOUSE_CELL_CREATE"
        case .load: "ioctl JAILHOUSE_CELL_LOAD"
        case .start: "ioctl JAILHOUSE_CELL_START"
        case .destroy: "ioctl JAILHOUSE_CELL_DESTROY"
        }
    }
}

/// An ioctl's argument block, little endian.
private struct RawArgument {
    var bytes: [UInt8]

    init(size: Int) {
        bytes = [UInt8](repeating: 0, count: size)
    }

    /// A cell id (s32 number, padding, 32 bytes of name), with room for what follows.
    init(_ cell: CellReference, room: Int = 0) {
        self.init(size: 40 + room)
        store(UInt32(bitPattern: Int32(truncatingIfNeeded: cell.id ?? -1)), at: 0)
        for (index, byte) in cell.name.utf8.prefix(31).enumerated() { bytes[8 + index] = byte }
    }

    mutating func store<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
        withUnsafeBytes(of: value.littleEndian) { source in
            for (index, byte) in source.enumerated() { bytes[offset + index] = byte }
        }
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` that keeps the type of what is thrown.
    fileprivate func withUnsafePointerThrowing<Failure: Error>(
        _ body: (UnsafeRawPointer?) throws(Failure) -> Void
    ) throws(Failure) {
        let result = withUnsafeBytes { buffer -> Result<Void, Failure> in
            do throws(Failure) {
                return .success(try body(buffer.baseAddress))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}
