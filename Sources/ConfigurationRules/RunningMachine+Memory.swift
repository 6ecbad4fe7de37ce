// SPDX-License-Identifier: Apache-2.0

// Which addresses are RAM, whether or not Linux uses it.

extension RunningMachine {
    /// What is known of RAM that Linux's list of it leaves out.
    package struct KeptMemory: Hashable, Sendable {
        /// What the command line keeps from Linux; nil when it is not known.
        package var reservations: [ClosedRange<UInt64>]?
        /// RAM by the firmware's word (`/sys/firmware/memmap`); empty when it is not known.
        package var firmware: [ClosedRange<UInt64>] = []
        /// Whether the command line makes Linux forget RAM without a trace in its list.
        package var isCut = false

        package init() {}

        /// - Parameter commandLine: the text of `/proc/cmdline`; empty when it is not known.
        package init(commandLine: String) {
            guard !commandLine.isEmpty else { return }
            reservations = RunningMachine.reservations(commandLine: commandLine)
            let words = commandLine.split { $0 == " " || $0 == "\n" }
            isCut = words.contains { $0.hasPrefix("mem=") || $0.hasPrefix("memmap=exactmap") }
        }
    }

    /// The ranges that `memmap=SIZE$ADDRESS` on Linux's command line reserves, as written.
    package static func reservations(commandLine: String) -> [ClosedRange<UInt64>] {
        commandLine.split { $0 == " " || $0 == "\n" }.filter { $0.hasPrefix("memmap=") }
            .flatMap { $0.dropFirst(7).split(separator: ",") }
            .compactMap { word in
                let parts = word.split(separator: "$", omittingEmptySubsequences: false)
                guard parts.count == 2, let size = number(parts[0]), let start = number(parts[1]) else { return nil }
                return AddressRange(start: start, size: size).flatMap {
                    $0.last - $0.first == size - 1 ? $0.first...$0.last : nil
                }
            }
    }

    /// `0x3a000000`, `80M`, `1G`
    private static func number(_ text: Substring) -> UInt64? {
        let shifts: [Character: UInt64] = ["K": 10, "M": 20, "G": 30]
        let shift = text.last.flatMap { shifts[Character($0.uppercased())] } ?? 0
        let digits = shift == 0 ? text : text.dropLast()
        let number = digits.lowercased().hasPrefix("0x") ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits)
        return number.flatMap { $0 > .max >> shift ? nil : $0 << shift }
    }

    /// All RAM; nil when it cannot be told from what is not.
    ///
    /// Windows of devices and buses are in Linux's list, too, and so is what the firmware has reserved: none of it is RAM.
    ///
    /// - Parameter isPC: whether the list is made of the firmware's, as on x86, and not of a device tree.
    func presentMemory(isPC: Bool) -> [AddressRange]? {
        let outer = memory.filter(\.parents.isEmpty)
        let linux = outer.filter(\.isLinuxMemory).compactMap(\.range)
        // the driver names what it keeps while the hypervisor is enabled
        let hypervisor = outer.filter { $0.name == "Jailhouse hypervisor" }.compactMap(\.range)
        let known = linux + hypervisor + (treeMemory + keptMemory.firmware).map(AddressRange.init)
        let reserved = outer.filter { $0.name.lowercased() == "reserved" }.compactMap(\.range)
        // there, so is memory called that the device tree keeps from Linux
        guard isPC else { return known + reserved }
        guard keptMemory.firmware.isEmpty else { return known }
        guard !keptMemory.isCut else { return nil }
        // a reservation was RAM until Linux's command line was read; what lies apart from RAM was none
        let cut = reserved.filter { line in linux.contains { $0.adjoins(line) } }
        guard let reservations = keptMemory.reservations?.map(AddressRange.init) else { return known + cut }
        return known + cut.flatMap { line in reservations.compactMap { line.common(with: $0) } }
    }
}

extension AddressRange {
    fileprivate func adjoins(_ other: AddressRange) -> Bool {
        last != .max && last + 1 == other.first || other.last != .max && other.last + 1 == first
    }

    /// What is in both.
    fileprivate func common(with other: AddressRange) -> AddressRange? {
        overlaps(other) ? AddressRange(max(first, other.first)...min(last, other.last)) : nil
    }
}
