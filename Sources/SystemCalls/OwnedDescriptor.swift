// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file descriptor that is closed when its owner goes.
package struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number, valid as long as this value lives.
    package let rawValue: CInt

    /// Takes ownership of an open descriptor: no other code may close it.
    package init(adopting rawValue: CInt) {
        self.rawValue = rawValue
    }

    deinit {
        _ = Glibc.close(rawValue)
    }

    /// Gives the descriptor away without closing it.
    package consuming func release() -> CInt {
        let number = rawValue
        discard self
        return number
    }
}
