// SPDX-License-Identifier: Apache-2.0

import CUMockdev
import Glibc
import SystemCalls

typealias UMockdevClient = UnsafeMutablePointer<UMockdevIoctlClient>
typealias UMockdevData = UnsafeMutablePointer<UMockdevIoctlData>

/// A call of a client that has not been answered yet. The client waits in its `ioctl` or `read`.
///
/// Unchecked: umockdev lets a call be completed from any thread, and only its holder touches it.
struct DeviceCall: @unchecked Sendable {
    private let client: UMockdevClient
    /// The images of a load.
    let images: [[UInt8]]

    /// Keeps the client alive until ``complete(_:)``.
    init(_ client: UMockdevClient, images: [[UInt8]] = []) {
        self.client = client
        self.images = images
        g_object_ref(client)
    }

    /// Answers the call.
    func complete(_ refusal: Refusal?) {
        finish(result: refusal == nil ? 0 : -1, errno: refusal?.rawValue ?? 0)
    }

    /// Answers a `read`.
    func complete(bytes: [UInt8]) {
        if !bytes.isEmpty {
            var copy = bytes
            umockdev_ioctl_data_update(umockdev_ioctl_client_get_arg(client), 0, &copy, gint(copy.count))
        }
        finish(result: bytes.count, errno: 0)
    }

    private func finish(result: Int, errno: CInt) {
        umockdev_ioctl_client_complete(client, result, errno)
        g_object_unref(client)
    }
}

/// One open of the device.
final class OpenedDevice: Sendable {
    /// The process that opened it; nil if unknown.
    let process: ClientProcess?
    /// Its memory, where the kernel lets us.
    let memory: CInt?
    /// Only touched with the machine's lock held.
    nonisolated(unsafe) var position = HypervisorConsole.Position()
    /// The descriptor's number in the client, once it had to be found out. Only umockdev's thread touches it.
    nonisolated(unsafe) var descriptor: Int?

    init(process: ClientProcess?) {
        self.process = process
        memory = process.flatMap { try? SystemCall.open("/proc/\($0.pid)/mem", O_RDONLY).release() }
    }

    deinit {
        if let memory { _ = close(memory) }
    }
}

/// A `read` of the console that has not been answered yet.
struct WaitingReader: Sendable {
    let call: DeviceCall
    let file: OpenedDevice
    /// Bytes that the client has room for.
    let limit: Int
    let isNonBlocking: Bool
    /// When the driver looks again.
    var nextLook: Duration

    /// How often the driver looks for news and signals.
    private static let lookEvery = Duration.milliseconds(100)

    /// Looks whether there is something to read.
    ///
    /// - Returns: true when the call has been answered.
    mutating func look(at console: HypervisorConsole, now: Duration) -> Bool {
        switch console.read(&file.position, limit: limit) {
        case .bytes(let bytes): call.complete(bytes: bytes)
        case .nothing where isNonBlocking: call.complete(bytes: [])
        case .neverEnabled where isNonBlocking: call.complete(.tryAgain)
        case .notPermitted: call.complete(.notPermitted)
        case .nothing, .neverEnabled:
            guard nextLook <= now else { return false }
            nextLook = now + WaitingReader.lookEvery
            guard let process = file.process, process.isInterrupted else { return false }
            call.complete(.interrupted)
        }
        return true
    }
}
