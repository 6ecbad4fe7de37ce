// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls

/// A sysfs file kept open and read again and again; what it said last is kept as bytes, so that a reading that
/// changed nothing costs one system call and no memory.
final class SysfsFile {
    enum Reading {
        case unchanged, changed
        /// Nothing can be read: its object was removed (ENODEV), or it is empty, as nothing below a cell ever is.
        case gone
    }

    let descriptor: SharedDescriptor
    private(set) var bytes: [UInt8] = []

    init?(_ path: String) {
        guard let descriptor = SharedDescriptor(path, O_RDONLY) else { return nil }
        self.descriptor = descriptor
    }

    func read(with buffer: UnsafeMutableRawBufferPointer) -> Reading {
        guard let count = try? SystemCall.read(descriptor.number, at: 0, into: buffer), count > 0 else {
            return .gone
        }
        let isSame = bytes.withUnsafeBytes { known in
            guard count == known.count, let known = known.baseAddress, let read = buffer.baseAddress else {
                return false
            }
            return memcmp(known, read, count) == 0
        }
        if isSame { return .unchanged }
        bytes = Array(buffer[..<count])
        return .changed
    }
}

/// An open file that several read, each on its own thread: closed when the last of them goes.
final class SharedDescriptor: Sendable {
    private let owned: OwnedDescriptor
    var number: CInt { owned.rawValue }

    init?(_ path: String, _ flags: CInt) {
        guard let descriptor = try? SystemCall.open(path, flags) else { return nil }
        owned = descriptor
    }
}
