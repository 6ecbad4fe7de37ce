// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls
import SystemPackage

/// The hypervisor's console.
package enum HypervisorConsole {
    /// What the hypervisor printed last: 2048 bytes at the most, not consumed by reading; empty while it is disabled.
    package static func tail(directory: String = "/sys/devices/jailhouse") -> String {
        guard let bytes = try? SystemCall.contents(ofFile: directory + "/console", limit: 1 << 16) else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What `after` shows beyond `before`, two readings of ``tail(directory:)``.
    package static func news(before: String, after: String) -> String {
        let old = Array(before.utf8)
        let new = Array(after.utf8)
        // the ring moves on by whole lines or not, so look for the longest end of the old that begins the new
        for overlap in stride(from: min(old.count, new.count), to: 0, by: -1)
        where old.suffix(overlap).elementsEqual(new.prefix(overlap)) {
            return String(decoding: new.dropFirst(overlap), as: UTF8.self)
        }
        return after
    }
}

/// Reads the console as it comes, through the device; each reader has a position of its own.
package struct ConsoleReader: ~Copyable, Sendable {
    /// A suitable pause between two reads: the driver itself polls this often for a blocked reader.
    package static let pause = Duration.milliseconds(100)

    private let descriptor: OwnedDescriptor

    /// - Throws: ``HypervisorError`` with code `noDriver` or `noPermission`.
    package init(path: String = "/dev/jailhouse") throws(HypervisorError) {
        do {
            descriptor = try SystemCall.open(path, O_RDONLY | O_NONBLOCK)
        } catch {
            throw HypervisorError(opening: path, error)
        }
    }

    /// What came since the last call; empty when nothing did. When more than the ring's 2 KB came, it begins with
    /// the driver's `<missed N bytes of console log>`.
    ///
    /// - Throws: `disabled` (EAGAIN) while the hypervisor is not enabled, `noPermission` (EPERM) when the system
    ///   configuration does not have the virtual debug console.
    package func read() throws(HypervisorError) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        do {
            let count = try SystemCall.result(of: "read", on: "/dev/jailhouse") {
                bytes.withUnsafeMutableBytes { Glibc.read(descriptor.rawValue, $0.baseAddress, $0.count) }
            }
            return String(decoding: bytes.prefix(count), as: UTF8.self)
        } catch {
            switch error.errno {
            case .resourceTemporarilyUnavailable:
                throw HypervisorError(.disabled, nil, "the hypervisor is not enabled", cause: error)
            case .notPermitted:
                throw HypervisorError(
                    .noPermission, nil,
                    "the system configuration does not have the flag virtual-debug-console", cause: error)
            default:
                throw HypervisorError(.refused, nil, "the console cannot be read", cause: error)
            }
        }
    }
}
