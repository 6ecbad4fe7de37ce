// SPDX-License-Identifier: Apache-2.0

/// Why the daemon does not start: a sentence that includes the remedy.
package struct StartError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
