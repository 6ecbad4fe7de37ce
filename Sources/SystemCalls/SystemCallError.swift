// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// A system call that failed: which one, on what, and the `errno` that it left.
package struct SystemCallError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call's name as in its manual page, for example `ioctl` or `openat`.
    package let call: String
    /// What it was called on: a path, an address; empty where there is nothing to tell.
    package let subject: String
    /// The kernel's reason.
    package let errno: Errno

    package init(call: String, subject: String = "", errno: Errno) {
        self.call = call
        self.subject = subject
        self.errno = errno
    }

    package var description: String {
        subject.isEmpty ? "\(call): \(errno)" : "\(call) \(subject): \(errno)"
    }
}
