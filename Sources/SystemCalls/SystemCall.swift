// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// The one way to the kernel: every call goes through ``result(of:on:_:)``, which repeats it when a signal
/// interrupted it and turns −1 into a ``SystemCallError`` that names it.
package enum SystemCall {
    /// Runs a call that answers −1 and sets `errno` on failure.
    ///
    /// - Parameters:
    ///   - call: the call's name, for the error.
    ///   - subject: what it is called on, for the error.
    ///   - retryingOnInterrupt: false for `close`, whose descriptor is gone even after EINTR, and for calls
    ///     whose effect must not be asked for twice.
    /// - Throws: ``SystemCallError`` with the `errno` of the failed call.
    @discardableResult
    package static func result<Value: FixedWidthInteger & SignedInteger>(
        of call: StaticString,
        on subject: @autoclosure () -> String = "",
        retryingOnInterrupt: Bool = true,
        _ body: () -> Value
    ) throws(SystemCallError) -> Value {
        while true {
            let value = body()
            if value != -1 { return value }
            let reason = errno
            if reason == EINTR && retryingOnInterrupt { continue }
            throw SystemCallError(call: "\(call)", subject: subject(), errno: Errno(rawValue: reason))
        }
    }
}
