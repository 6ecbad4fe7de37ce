// SPDX-License-Identifier: Apache-2.0

/// An error that the driver answers with; the raw value is the `errno`.
package struct Refusal: RawRepresentable, Error, Hashable, Sendable {
    package var rawValue: CInt

    package init(rawValue: CInt) {
        self.rawValue = rawValue
    }

    package static let notPermitted = Refusal(rawValue: 1)
    package static let notFound = Refusal(rawValue: 2)
    package static let interrupted = Refusal(rawValue: 4)
    package static let tooBig = Refusal(rawValue: 7)
    package static let tryAgain = Refusal(rawValue: 11)
    package static let outOfMemory = Refusal(rawValue: 12)
    package static let badAddress = Refusal(rawValue: 14)
    package static let busy = Refusal(rawValue: 16)
    package static let exists = Refusal(rawValue: 17)
    package static let noDevice = Refusal(rawValue: 19)
    package static let invalid = Refusal(rawValue: 22)
    package static let outOfRange = Refusal(rawValue: 34)

    /// As in errno(3), for example `EBUSY`; a number that has no name is said as one.
    package var name: String {
        Refusal.names[rawValue] ?? "errno \(rawValue)"
    }

    /// By its name.
    package init?(name: String) {
        guard let found = Refusal.names.first(where: { $0.value == name }) else { return nil }
        self.init(rawValue: found.key)
    }

    /// All that have a name, by their numbers.
    package static var allNamed: [Refusal] { names.keys.sorted().map(Refusal.init) }

    /// Linux's numbers on the architectures that Jailhouse runs on (asm-generic/errno-base.h, asm-generic/errno.h).
    private static let names: [CInt: String] = {
        let first = """
            EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY \
            EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK \
            EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP
            """
        let others: [(CInt, String)] = [
            (61, "ENODATA"), (62, "ETIME"), (71, "EPROTO"), (74, "EBADMSG"), (75, "EOVERFLOW"), (84, "EILSEQ"),
            (85, "ERESTART"), (87, "EUSERS"), (88, "ENOTSOCK"), (90, "EMSGSIZE"), (95, "EOPNOTSUPP"),
            (98, "EADDRINUSE"), (99, "EADDRNOTAVAIL"), (103, "ECONNABORTED"), (104, "ECONNRESET"), (105, "ENOBUFS"),
            (110, "ETIMEDOUT"), (111, "ECONNREFUSED"), (112, "EHOSTDOWN"), (114, "EALREADY"), (115, "EINPROGRESS"),
            (116, "ESTALE"), (117, "EUCLEAN"), (121, "EREMOTEIO"), (122, "EDQUOT"), (125, "ECANCELED"),
            (133, "EHWPOISON"),
        ]
        var names = Dictionary(uniqueKeysWithValues: others)
        for (index, name) in first.split(separator: " ").enumerated() { names[CInt(index + 1)] = String(name) }
        return names
    }()
}
