// SPDX-License-Identifier: Apache-2.0

/// The program's page tables: start.S has mapped 512 GiB, every address to itself.
enum AddressSpace {
    private static let end: UInt64 = 512 << 30

    /// - Parameter isCached: has no effect: what is a device, the hypervisor's tables say.
    /// - Returns: its address as a pointer; nil when it is out of reach.
    static func map(_ address: UInt64, _ size: UInt64, isCached: Bool) -> UInt? {
        let (last, overflow) = address.addingReportingOverflow(size)
        return size > 0 && !overflow && last <= end ? UInt(address) : nil
    }
}
