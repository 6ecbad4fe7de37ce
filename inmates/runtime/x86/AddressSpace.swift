// SPDX-License-Identifier: Apache-2.0

/// The program's page tables: every address stands for itself. start.S has mapped the first 4 GiB, of which the upper
/// half is not cached; the first 2 MiB (4 MiB in a 32-bit program) are in small pages, and stay as they are.
enum AddressSpace {
    private static let present: UInt32 = 0x3  // and writable
    private static let large: UInt32 = 0x80
    private static let notCached: UInt32 = 0x18

    /// Makes a range usable, by the large pages that it touches.
    ///
    /// - Parameter isCached: false for registers of devices.
    /// - Returns: its address as a pointer; nil when it is out of reach: above 4 GiB for a 32-bit program, above
    ///   512 GiB for any, or when the tables for four more GiB are used up.
    static func map(_ address: UInt64, _ size: UInt64, isCached: Bool) -> UInt? {
        guard size > 0, !address.addingReportingOverflow(size - 1).overflow, let result = UInt(exactly: address) else {
            return nil
        }
        var page = address >> pageShift
        let last = (address + (size - 1)) >> pageShift
        while page <= last {
            guard page > 0 else {
                page += 1
                continue
            }
            guard let entry = entry(of: page) else { return nil }
            let start = page << pageShift
            entry.write(UInt32(truncatingIfNeeded: start) | large | present | (isCached ? 0 : notCached), at: 0)
            if entrySize == 8 { entry.write(UInt32(truncatingIfNeeded: start >> 32), at: 4) }
            page += 1
        }
        flush()
        return result
    }

    #if arch(x86_64)
        private static let pageShift: UInt64 = 21
        private static let entrySize: UInt = 8

        /// Where a large page's entry is; above 4 GiB there is a table for each GiB once it is needed.
        private static func entry(of page: UInt64) -> DeviceMemory? {
            let gibibyte = UInt(page >> 9)
            guard gibibyte < 512 else { return nil }
            if gibibyte < 4 { return DeviceMemory(at: pageDirectories() + UInt(page) * 8) }
            let pointer = DeviceMemory(at: pageDirectoryPointers() + gibibyte * 8)
            if pointer.read(0) & present == 0 {
                let used = SharedWord(2).value
                guard used < 4 else { return nil }
                SharedWord(2).store(used + 1)
                pointer.write(UInt32(truncatingIfNeeded: moreDirectories() + UInt(used) * 0x1000) | present, at: 0)
            }
            return DeviceMemory(at: UInt(pointer.read(0) & ~0xfff) + UInt(page & 511) * 8)
        }
    #else
        private static let pageShift: UInt64 = 22
        private static let entrySize: UInt = 4

        private static func entry(of page: UInt64) -> DeviceMemory? {
            page < 1024 ? DeviceMemory(at: pageDirectories() + UInt(page) * 4) : nil
        }
    #endif
}

@_extern(c, "address_of_page_directories") private func pageDirectories() -> UInt
@_extern(c, "address_cache_flush") private func flush()
#if arch(x86_64)
    @_extern(c, "address_of_page_directory_pointers") private func pageDirectoryPointers() -> UInt
    @_extern(c, "address_of_more_page_directories") private func moreDirectories() -> UInt
#endif
