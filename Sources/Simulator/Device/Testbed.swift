// SPDX-License-Identifier: Apache-2.0

import CUMockdev
import CellConfiguration
import Glibc
import SystemCalls

/// What a ``Testbed`` passes on. All of it comes on umockdev's own thread.
protocol TestbedHandler: AnyObject, Sendable {
    func received(_ request: Request, _ call: DeviceCall)
    func wantsToRead(_ call: DeviceCall, _ file: OpenedDevice, limit: Int, isNonBlocking: Bool)
}

/// umockdev's directory with the device in it, and its calls decoded.
///
/// Unchecked: umockdev's thread calls in, and everything that it touches is either constant or its own.
final class Testbed: @unchecked Sendable {
    /// The directory that represents `/`.
    let root: String
    private let testbed: UnsafeMutablePointer<UMockdevTestbed>
    private let base: UnsafeMutablePointer<UMockdevIoctlBase>
    private let device: String
    private let socket: String
    private weak let handler: (any TestbedHandler)?
    private let format: FormatVariant
    private var sockets = AcceptedSockets()

    /// A misc device whose minor is given out dynamically. Behind the node is a file with one byte in it, which
    /// ``isNonBlocking(_:_:)`` needs; without, it would be a terminal.
    private static let description = """
        P: /devices/virtual/misc/jailhouse
        N: jailhouse=00
        E: SUBSYSTEM=misc
        E: DEVNAME=/dev/jailhouse
        E: MAJOR=10
        E: MINOR=122
        A: dev=10:122\\n

        """

    /// - Parameters:
    ///   - mode: of the device node.
    ///   - format: of the configurations that the driver was built for.
    init(handler: any TestbedHandler, mode: mode_t, format: FormatVariant) throws(SimulatorError) {
        guard let testbed = umockdev_testbed_new(), let base = umockdev_ioctl_base_new() else {
            throw SimulatorError(.device, "umockdev gives no test bed")
        }
        self.testbed = testbed
        self.base = base
        self.handler = handler
        self.format = format
        root = String(cString: umockdev_testbed_get_root_dir(testbed))
        device = root + "/dev/jailhouse"
        socket = root + "/ioctl/dev/jailhouse"
        umockdev_expect_vanishing_clients()
        let owner = Unmanaged.passUnretained(self).toOpaque()
        umockdev_connect_client(base, { _, client, owner in Testbed.of(owner)?.connected(client) }, owner)
        umockdev_connect_ioctl(base, { _, client, owner in Testbed.of(owner)?.ioctl(client) ?? 0 }, owner)
        umockdev_connect_read(base, { _, client, owner in Testbed.of(owner)?.read(client) ?? 0 }, owner)
        var error: UnsafeMutablePointer<GError>?
        guard umockdev_testbed_add_from_string(testbed, Testbed.description, &error) != 0,
            umockdev_testbed_attach_ioctl(testbed, "/dev/jailhouse", base, &error) != 0
        else {
            throw SimulatorError(.device, error.map { String(cString: $0.pointee.message) } ?? "umockdev refuses")
        }
        do {
            try grantAccess(mode)
        } catch {
            throw SimulatorError(.device, "\(error)")
        }
    }

    /// Removes the device. Clients that are in a call are ended by umockdev.
    func close() {
        // umockdev ends the process when it cannot remove its directory
        try? MachineDirectory.makeParents(of: root + "/dev")
        umockdev_testbed_detach_ioctl(testbed, "/dev/jailhouse", nil)
        g_object_unref(base)
        g_object_unref(testbed)
    }

    /// umockdev makes its directory private; what the device lets in must get there.
    private func grantAccess(_ mode: mode_t) throws(SystemCallError) {
        for directory in ["", "/sys", "/sys/devices", "/dev", "/ioctl", "/ioctl/dev"] {
            try SystemCall.result(of: "chmod", on: directory) { chmod(root + directory, 0o755) }
        }
        try SystemCall.result(of: "chmod", on: device) { chmod(device, mode) }
        // the second is asked by every open of any other device
        for socket in [socket, root + "/ioctl/_default"] {
            try SystemCall.result(of: "chmod", on: socket) { chmod(socket, mode) }
        }
    }

    // MARK: on umockdev's thread

    private static func of(_ owner: gpointer?) -> Testbed? {
        owner.map { Unmanaged<Testbed>.fromOpaque($0).takeUnretainedValue() }
    }

    private func connected(_ client: UMockdevClient?) {
        guard let client else { return }
        let file = OpenedDevice(process: sockets.newPeer(of: socket))
        umockdev_client_set_owner(client, Unmanaged.passRetained(file).toOpaque()) { file in
            file.map { Unmanaged<OpenedDevice>.fromOpaque($0).release() }
        }
    }

    private func file(_ client: UMockdevClient) -> OpenedDevice {
        guard let file = umockdev_client_get_owner(client) else { return OpenedDevice(process: nil) }
        return Unmanaged<OpenedDevice>.fromOpaque(file).takeUnretainedValue()
    }

    private func ioctl(_ client: UMockdevClient?) -> gboolean {
        guard let client, let memory = ClientMemory(client, of: file(client)) else { return 0 }
        let number = UInt32(truncatingIfNeeded: umockdev_ioctl_client_get_request(client))
        var images: [[UInt8]] = []
        do {
            let request = try CommandReader(memory: memory, format: format).request(number, images: &images)
            handler?.received(request, DeviceCall(client, images: images))
        } catch {
            DeviceCall(client).complete(error)
        }
        return 1
    }

    private func read(_ client: UMockdevClient?) -> gboolean {
        guard let client, let argument = umockdev_ioctl_client_get_arg(client) else { return 0 }
        let file = file(client)
        let isNonBlocking = isNonBlocking(client, file)
        handler?.wantsToRead(
            DeviceCall(client), file, limit: Int(argument.pointee.data_len), isNonBlocking: isNonBlocking)
        return 1
    }

    /// umockdev does not report how the file was opened, and O_NONBLOCK can be changed later: so the kernel is asked.
    ///
    /// A process that has the device open twice, once blocking and once not, has two descriptors of which one is
    /// meant. To find out which, the client is made to read from the plain file behind the device: the one whose
    /// position moves is it.
    private func isNonBlocking(_ client: UMockdevClient, _ file: OpenedDevice) -> Bool {
        var information = stat()
        guard let process = file.process, stat(device, &information) == 0 else { return false }
        let candidates = process.openFiles(of: information)
        if Set(candidates.map(\.isNonBlocking)).count < 2 { return candidates.first?.isNonBlocking ?? false }
        if let known = candidates.first(where: { $0.number == file.descriptor }) { return known.isNonBlocking }
        var errno: CInt = 0
        guard umockdev_ioctl_client_execute(client, &errno, nil) > 0 else { return false }
        let moved = process.openFiles(of: information).first { after in
            candidates.contains { $0.number == after.number && $0.position != after.position }
        }
        file.descriptor = moved?.number
        return moved?.isNonBlocking ?? false
    }
}
