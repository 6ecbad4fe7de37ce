// SPDX-License-Identifier: Apache-2.0

/// The error numbers of which ``CommandError`` knows causes, as tools print them.
package enum ErrorNumber {
    /// The name of a number and its text, as the C library has it (include/uapi/asm-generic/errno-base.h, errno.h).
    private static let all: [(number: Int, name: String, text: String)] = [
        (1, "EPERM", "Operation not permitted"), (2, "ENOENT", "No such file or directory"),
        (4, "EINTR", "Interrupted system call"), (5, "EIO", "Input/output error"),
        (7, "E2BIG", "Argument list too long"), (11, "EAGAIN", "Resource temporarily unavailable"),
        (12, "ENOMEM", "Cannot allocate memory"), (13, "EACCES", "Permission denied"), (14, "EFAULT", "Bad address"),
        (16, "EBUSY", "Device or resource busy"), (17, "EEXIST", "File exists"), (19, "ENODEV", "No such device"),
        (22, "EINVAL", "Invalid argument"), (34, "ERANGE", "Numerical result out of range"),
    ]

    /// - Parameter words: `ebusy`, `16`, `-16` or `Device or resource busy`.
    /// - Returns: `EBUSY`; nil for what is none of these.
    package static func name(_ words: String) -> String? {
        let plain = words.lowercased()
        let number = Int(plain).map { abs($0) }
        return all.first { $0.name.lowercased() == plain || $0.text.lowercased() == plain || $0.number == number }?.name
    }
}
