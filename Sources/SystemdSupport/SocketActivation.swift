// SPDX-License-Identifier: Apache-2.0

import CSystemd
import Glibc

/// The sockets that the service manager opened for this process, in its order, with the names that the socket
/// unit gives them (`FileDescriptorName=`); empty without socket activation. (sd_listen_fds_with_names(3).)
///
/// The caller owns the descriptors, which are close-on-exec. To be called once, before other threads run: it takes
/// the variables out of the environment, so that no child believes they are its own, and a second call gives
/// nothing.
package func activationSockets() -> [(name: String, descriptor: CInt)] {
    var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    let count = sd_listen_fds_with_names(1, &names)
    guard count > 0, let names else { return [] }
    defer { free(names) }
    return (0..<Int(count)).map { index in
        let descriptor = SD_LISTEN_FDS_START + CInt(index)
        guard let name = names[index] else { return ("", descriptor) }
        defer { free(name) }
        return (String(cString: name), descriptor)
    }
}
