// SPDX-License-Identifier: Apache-2.0

/// What the daemon and its commands say about themselves.
package enum Product {
    package static let version = "0.1.0"
}
