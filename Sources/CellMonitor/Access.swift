// SPDX-License-Identifier: Apache-2.0

/// How an access to a device ended.
enum Access {
    /// What was read, or nothing in particular after a write.
    case value(UInt64)
    case refused(Violation)
    /// There is no such device here.
    case unknown
}
