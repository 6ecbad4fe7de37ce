// SPDX-License-Identifier: Apache-2.0

import ControlServer
import Glibc
import SystemCalls
import SystemPackage
import SystemdSupport

/// The two listening sockets: from systemd, or made here when the daemon is started by hand.
enum ControlSockets {
    static func open(in directory: String) throws(StartError) -> [ListeningSocket] {
        let activated = activationSockets()
        guard activated.isEmpty else {
            return activated.map { name, descriptor in
                ListeningSocket(
                    descriptor: descriptor, access: name == "control" ? .everything : .reading, path: nil)
            }
        }
        return [
            try make(directory + "/control", mode: 0o660, .everything),
            try make(directory + "/status", mode: 0o666, .reading),
        ]
    }

    private static func make(
        _ path: String, mode: mode_t, _ access: Access
    ) throws(StartError) -> ListeningSocket {
        if (try? SystemCall.connect(toSocket: path)) != nil {
            throw StartError("another daemon answers at \(path): stop it first")
        }
        do {
            let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
            if mkdir(directory, 0o755) != 0 && errno != EEXIST {
                throw SystemCallError(call: "mkdir", subject: directory, errno: Errno(rawValue: errno))
            }
            let descriptor = try SystemCall.listen(onSocket: path, mode: mode)
            if access == .everything, let group = getgrnam("jailhouse-admin") {
                // only root may; without it the socket is usable by this user only
                _ = chown(path, uid_t.max, group.pointee.gr_gid)
            }
            return ListeningSocket(descriptor: descriptor.release(), access: access, path: path)
        } catch let error as SystemCallError {
            throw StartError("cannot create the socket \(path): \(error)")
        } catch {
            throw StartError("cannot create the socket \(path)")
        }
    }
}
