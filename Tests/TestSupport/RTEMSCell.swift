// SPDX-License-Identifier: Apache-2.0

/// The source of an RTEMS cell: 8 MiB of RAM at 0, the communication region at 0x900000.
package enum RTEMSCell {
    /// - Parameters:
    ///   - keys: further lines of `[cell]`.
    ///   - physical: of the RAM.
    package static func toml(
        name: String = "rtems", cpu: Int = 3, keys: [String] = ["message-timeout = 1000000"],
        physical: UInt64 = 0x3a00_0000
    ) -> String {
        """
        [cell]
        name = "\(name)"
        architecture = "x86"
        cpus = [\(cpu)]
        \(keys.joined(separator: "\n"))

        [[memory]]
        name = "ram"
        physical = 0x\(String(physical, radix: 16))
        virtual = 0x0
        size = "8 MiB"
        access = ["read", "write", "execute", "loadable"]

        [[memory]]
        name = "communication region"
        virtual = 0x900000
        size = "4 KiB"
        access = ["read", "write", "communication-region"]

        """
    }
}
