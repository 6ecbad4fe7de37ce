// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import SystemCalls

/// The cables between network devices of this process's cells: a frame that one sends, all others on the same one
/// hear. What a device cannot take at once is lost, as on a cable.
enum Network {
    /// One device's plug: our end of its QEMU's socket, where one datagram is one frame.
    final class Port: Sendable {
        let descriptor: OwnedDescriptor
        private let cable: String

        /// - Parameter cable: its name among all of this process.
        fileprivate init(_ descriptor: consuming OwnedDescriptor, cable: String) {
            self.descriptor = descriptor
            self.cable = cable
        }

        /// A frame of this device's to all others.
        func forward(_ frame: UnsafeRawBufferPointer) {
            for port in Network.ports(on: cable) where port !== self {
                _ = Glibc.send(
                    port.descriptor.rawValue, frame.baseAddress, frame.count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL))
            }
        }

        func unplug() {
            Network.all.withLock { $0[cable]?.removeAll { $0 === self } }
        }
    }

    private static let all = Mutex<[String: [Port]]>([:])

    private static func ports(on cable: String) -> [Port] { all.withLock { $0[cable] ?? [] } }

    /// - Returns: our end, and QEMU's, which is the caller's.
    static func plug(into cable: String) throws(CellMachineError) -> (port: Port, theirs: CInt) {
        let pair = try calling(.emulator, "no network can be made") { () throws(SystemCallError) -> SocketPair in
            try SystemCall.socketPair(datagrams: true)
        }
        let port = Port(OwnedDescriptor(adopting: pair.first), cable: cable)
        all.withLock { $0[cable, default: []].append(port) }
        return (port, pair.second)
    }
}
