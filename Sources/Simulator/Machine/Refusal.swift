/// The errors that the driver answers with; the raw value is the `errno`.
public enum Refusal: CInt, Error, Hashable, Sendable, CaseIterable {
    case notPermitted = 1
    case notFound = 2
    case interrupted = 4
    case tryAgain = 11
    case outOfMemory = 12
    case badAddress = 14
    case busy = 16
    case exists = 17
    case invalid = 22

    /// As in errno(3).
    public var name: String {
        switch self {
        case .notPermitted: "EPERM"
        case .notFound: "ENOENT"
        case .interrupted: "EINTR"
        case .tryAgain: "EAGAIN"
        case .outOfMemory: "ENOMEM"
        case .badAddress: "EFAULT"
        case .busy: "EBUSY"
        case .exists: "EEXIST"
        case .invalid: "EINVAL"
        }
    }
}
