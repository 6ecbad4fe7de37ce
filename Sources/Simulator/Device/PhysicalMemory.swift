import CellMachine
import Glibc
public import SystemCalls

/// The RAM of the simulated machine: a sparse file, so that others can look into it, mapped here. Where cells execute
/// it is laid out as their QEMU processes see it.
public final class PhysicalMemory: Sendable {
    /// In bytes.
    public let size: UInt64
    private let backing: Backing

    private enum Backing: Sendable {
        /// The file is as long as the RAM.
        case plain(MappedFile)
        case shared(MachineMemory)
    }

    /// - Parameter path: of the file, which is created or emptied.
    public init(path: String, size: UInt64) throws(SystemCallError) {
        let descriptor = try SystemCall.open(path, O_RDWR | O_CREAT | O_TRUNC, mode: 0o644)
        try SystemCall.result(of: "ftruncate", on: path) { ftruncate(descriptor.rawValue, off_t(size)) }
        self.size = size
        backing = .plain(try MappedFile(descriptor.rawValue, named: path, size: Int(size)))
    }

    /// The RAM that cells execute in; what it has beyond `size` is nobody's.
    init(shared: MachineMemory, size: UInt64) {
        self.size = size
        backing = .shared(shared)
    }

    /// In bytes: how much a file must have for cells to execute in it, with so much RAM below and above 4 GiB.
    static func sharedSize(for size: UInt64) -> UInt64 {
        let megabyte: UInt64 = 1 << 20
        return (max(size, 4 << 30) + megabyte - 1) / megabyte * megabyte
    }

    /// Copies bytes into the RAM; what would lie outside of it is lost, as on a bus without a device.
    public func write(_ bytes: [UInt8], at address: UInt64) {
        guard case .plain(let mapping) = backing else {
            if case .shared(let memory) = backing { try? memory.write(bytes, at: address) }
            return
        }
        guard address < size else { return }
        bytes.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            memcpy(mapping.start + Int(address), source, min(bytes.count, Int(size - address)))
        }
    }

    /// Bytes of the RAM; outside of it there is nothing.
    public func read(at address: UInt64, count: Int) -> [UInt8] {
        guard case .plain(let mapping) = backing else {
            guard case .shared(let memory) = backing else { return [] }
            return (try? memory.read(at: address, count: max(0, count))) ?? []
        }
        guard address < size else { return [] }
        let available = min(max(0, count), Int(size - address))
        return Array(UnsafeRawBufferPointer(start: mapping.start + Int(address), count: available))
    }
}
