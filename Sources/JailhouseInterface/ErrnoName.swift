// SPDX-License-Identifier: Apache-2.0

/// The names of the error numbers that the driver, the hypervisor and Linux's CPU hotplug answer with
/// (include/uapi/asm-generic/errno-base.h, errno.h; the same on x86, Arm and Arm64).
package enum ErrnoName {
    /// - Returns: `"EBUSY"`; `"errno 200"` for a number without a name here; empty for 0.
    package static func of(_ errno: Int32) -> String {
        if errno == 0 { return "" }
        return names[errno] ?? "errno \(errno)"
    }

    package static let names: [Int32: String] = [
        1: "EPERM", 2: "ENOENT", 3: "ESRCH", 4: "EINTR", 5: "EIO", 6: "ENXIO", 7: "E2BIG", 8: "ENOEXEC", 9: "EBADF",
        10: "ECHILD", 11: "EAGAIN", 12: "ENOMEM", 13: "EACCES", 14: "EFAULT", 15: "ENOTBLK", 16: "EBUSY", 17: "EEXIST",
        18: "EXDEV", 19: "ENODEV", 20: "ENOTDIR", 21: "EISDIR", 22: "EINVAL", 23: "ENFILE", 24: "EMFILE", 25: "ENOTTY",
        26: "ETXTBSY", 27: "EFBIG", 28: "ENOSPC", 29: "ESPIPE", 30: "EROFS", 31: "EMLINK", 32: "EPIPE", 33: "EDOM",
        34: "ERANGE", 35: "EDEADLK", 36: "ENAMETOOLONG", 37: "ENOLCK", 38: "ENOSYS", 39: "ENOTEMPTY", 40: "ELOOP",
        61: "ENODATA", 62: "ETIME", 71: "EPROTO", 75: "EOVERFLOW", 95: "EOPNOTSUPP", 103: "ECONNABORTED",
        104: "ECONNRESET", 105: "ENOBUFS", 110: "ETIMEDOUT", 111: "ECONNREFUSED", 116: "ESTALE", 122: "EDQUOT",
    ]
}
