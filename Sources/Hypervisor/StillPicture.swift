// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls

/// What a look read, byte for byte, with the open files that it was read from: a later reading tells whether anything
/// has changed. It costs one system call a file and one for the list of cells, and allocates nothing.
///
/// It decides nothing: when something has changed, or cannot be read, look. Any thread may use it.
package struct StillPicture: Sendable {
    private struct Text {
        let descriptor: CInt
        let start: Int
        let count: Int
    }

    private var texts: [Text] = []
    /// What the texts say, one after the other.
    private var bytes: [UInt8] = []
    /// The directory of the cells, and its number of links.
    private var directory: (descriptor: CInt, links: Int)?
    /// Keeps the descriptors open.
    private var owners: [SharedDescriptor] = []

    /// Room for the longest text of sysfs, a page.
    package static let bufferSize = 4096

    mutating func add(_ file: SysfsFile) {
        texts.append(Text(descriptor: file.descriptor.number, start: bytes.count, count: file.bytes.count))
        bytes += file.bytes
        owners.append(file.descriptor)
    }

    /// - Parameter directories: how many directories are in it.
    /// - Returns: false when its number of links does not count them.
    mutating func add(_ directory: SharedDescriptor, directories: Int) -> Bool {
        guard SystemCall.linkCount(of: directory.number) == directories + 2 else { return false }
        self.directory = (directory.number, directories + 2)
        owners.append(directory)
        return true
    }

    /// Whether everything reads as it did.
    ///
    /// - Parameter buffer: of ``bufferSize``.
    package func isStill(_ buffer: UnsafeMutableRawBufferPointer) -> Bool {
        if let directory, SystemCall.linkCount(of: directory.descriptor) != directory.links { return false }
        return bytes.withUnsafeBytes { known in
            for index in texts.indices {
                let text = texts[index]
                guard let count = try? SystemCall.read(text.descriptor, at: 0, into: buffer), count == text.count,
                    let expected = known.baseAddress, let read = buffer.baseAddress,
                    memcmp(expected + text.start, read, count) == 0
                else { return false }
            }
            return true
        }
    }
}
