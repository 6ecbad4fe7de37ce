// SPDX-License-Identifier: Apache-2.0

import ConfigurationRules

/// `0x900000–0x900fff`; the last address is included.
func rangeText(_ start: UInt64, _ last: UInt64) -> String {
    "\(hexadecimal(start))–\(hexadecimal(last))"
}
