// SPDX-License-Identifier: Apache-2.0

import CUMockdev
import Glibc
import SystemCalls

/// The memory of a client that waits in a call.
///
/// The kernel gives it out through `/proc/PID/mem` to whom may debug the client: root, and its user where the
/// machine's policy lets him. Otherwise umockdev is asked, which has the client send it: right, but slower.
/// A child that goes on with a device that its parent has opened is taken for its parent.
struct ClientMemory {
    private let argument: UMockdevData
    private let process: ClientProcess?
    private let memory: CInt?
    /// What the call's argument is: for an ioctl with one, a pointer.
    let address: UInt64

    init?(_ client: UMockdevClient, of file: OpenedDevice) {
        guard let argument = umockdev_ioctl_client_get_arg(client) else { return nil }
        self.argument = argument
        process = file.process
        memory = file.memory
        address = UnsafeRawPointer(argument.pointee.data).loadUnaligned(as: UInt64.self)
    }

    /// Copies bytes out of it.
    ///
    /// - Throws: `badAddress` when not all of them are there.
    func read(_ address: UInt64, _ count: Int) throws(Refusal) -> [UInt8] {
        guard count > 0 else { return [] }
        guard address != 0, address < 1 << 47 else { throw .badAddress }
        guard let memory else { return try ask(address, count) }
        var filled = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while filled < count {
                let got = pread(
                    memory, buffer.baseAddress?.advanced(by: filled), count - filled, off_t(address) + off_t(filled))
                guard got > 0 else { break }
                filled += got
            }
            initialized = filled
        }
        guard filled == count else { throw .badAddress }
        return bytes
    }

    /// umockdev follows a pointer once, and from the argument only: so the argument is made to point there, and to
    /// forget it afterwards, else it would all be written back to the client.
    private func ask(_ address: UInt64, _ count: Int) throws(Refusal) -> [UInt8] {
        // it ends a client that gives it a wild pointer
        guard process?.canRead(address, count: count) ?? true else { throw .badAddress }
        UnsafeMutableRawPointer(argument.pointee.data).storeBytes(of: address, as: UInt64.self)
        guard let data = umockdev_ioctl_data_resolve(argument, 0, gsize(count), nil) else { throw .badAddress }
        defer {
            umockdev_ioctl_data_unref(data)
            umockdev_ioctl_data_reload(argument, nil)
        }
        return Array(UnsafeRawBufferPointer(start: data.pointee.data, count: count))
    }
}
