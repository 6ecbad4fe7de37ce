// SPDX-License-Identifier: Apache-2.0

import Glibc
import JailhouseInterface
package import SystemCalls
import SystemPackage

/// `/dev/jailhouse`: the six commands of the driver, one ioctl each.
///
/// Every call blocks until the hypervisor is done: tens to hundreds of milliseconds for each CPU that Linux gives or
/// takes, and as long as an inmate may take to answer a shutdown request. The driver serialises them.
package struct JailhouseDevice: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// Opens the device. Any process that can open it can do everything: the driver requires no capability.
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
        try SystemCall.result(of: DriverRequest.disable.name, retryingOnInterrupt: false) {
            ioctl(descriptor.rawValue, UInt(DriverRequest.disable.rawValue))
        }
    }

    /// Creates a cell; 0 from the driver does not yet mean that it exists.
    package func create(_ configuration: [UInt8]) throws(SystemCallError) {
        try configuration.withUnsafePointerThrowing { (address) throws(SystemCallError) in
            var argument = RawArgument(size: DriverLayout.Create.size)
            argument.store(UInt64(UInt(bitPattern: address)), at: DriverLayout.Create.configurationAddress)
            argument.store(
                UInt32(truncatingIfNeeded: configuration.count), at: DriverLayout.Create.configurationSize)
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
            typealias Image = DriverLayout.Image
            let size = DriverLayout.Load.headerSize + Image.size * placed.count
            var argument = RawArgument(cell, size: size)
            argument.store(UInt32(truncatingIfNeeded: placed.count), at: DriverLayout.Load.imageCount)
            for (index, entry) in placed.enumerated() {
                let offset = DriverLayout.Load.headerSize + Image.size * index
                argument.store(UInt64(entry.address), at: offset + Image.sourceAddress)
                argument.store(UInt64(entry.image.contents.count), at: offset + Image.byteCount)
                argument.store(entry.image.address, at: offset + Image.targetAddress)
            }
            return try command(.load, &argument)
        }
        try image.contents.withUnsafePointerThrowing { (address) throws(SystemCallError) in
            let next = placed + [Placed(address: UInt(bitPattern: address), image: image)]
            try load(cell, rest.dropFirst(), placed: next)
        }
    }

    private func command(_ request: DriverRequest, _ argument: inout RawArgument) throws(SystemCallError) {
        try argument.bytes.withUnsafePointerThrowing { (address) throws(SystemCallError) in
            try command(request, address)
        }
    }

    private func command(_ request: DriverRequest, _ argument: UnsafeRawPointer?) throws(SystemCallError) {
        guard let argument else { throw SystemCallError(call: "\(request.name)", errno: .badAddress) }
        try SystemCall.result(of: request.name, retryingOnInterrupt: false) {
            ioctl(descriptor.rawValue, UInt(request.rawValue), UnsafeMutableRawPointer(mutating: argument))
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

/// An ioctl's argument block, little endian.
private struct RawArgument {
    var bytes: [UInt8]

    init(size: Int) {
        bytes = [UInt8](repeating: 0, count: size)
    }

    /// A cell reference, and zeros up to the size.
    init(_ cell: CellReference, size: Int = DriverLayout.CellReference.size) {
        typealias Layout = DriverLayout.CellReference
        self.init(size: size)
        let id = cell.id.map { Int32(truncatingIfNeeded: $0) } ?? Layout.byName
        store(UInt32(bitPattern: id), at: Layout.id)
        for (index, byte) in cell.name.utf8.prefix(Layout.nameCapacity - 1).enumerated() {
            bytes[Layout.name + index] = byte
        }
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
