public import SystemPackage

/// A system call that failed: which one, on what, and the `errno` that it left.
public struct SystemCallError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call's name as in its manual page, for example `ioctl` or `openat`.
    public let call: String
    /// What it was called on: a path, an address; empty where there is nothing to tell.
    public let subject: String
    /// The kernel's reason.
    public let errno: Errno

    public init(call: String, subject: String = "", errno: Errno) {
        self.call = call
        self.subject = subject
        self.errno = errno
    }

    public var description: String {
        subject.isEmpty ? "\(call): \(errno)" : "\(call) \(subject): \(errno)"
    }
}
