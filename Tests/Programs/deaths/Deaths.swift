// SPDX-License-Identifier: Apache-2.0

import DeathTable
// the mathematics that ConfigurationRules needs
import Glibc

/// Writes the page of deaths to standard output.
@main
struct Deaths {
    static func main() {
        print(DeathTable.page, terminator: "")
    }
}
