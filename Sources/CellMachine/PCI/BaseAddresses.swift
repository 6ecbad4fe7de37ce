// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Where the base addresses of a cell's devices go. On a real machine its firmware has decided, and the cell's
/// memory regions were written down from that; here the regions decide.
struct BaseAddresses {
    /// Machine addresses above RAM that the cell has, each begins where a region does.
    private var free: [Range<UInt64>]
    private var freePorts: [Range<UInt64>]
    /// For what the cell has no region for: it is there, and the cell does not reach it.
    private var elsewhere: UInt64 = 0xe000_0000
    private var portsElsewhere: UInt64 = 0xd000

    private static let deviceMemory: UInt64 = 0x8000_0000
    private static let commandRegister: UInt16 = 4
    /// As the hypervisor leaves a device that it has taken from Linux: no interrupt by wire, nothing enabled.
    private static let command: UInt32 = 0x400

    init(_ cell: CellDescriptor) {
        free = cell.memoryRegions.filter {
            $0.physicalStart >= BaseAddresses.deviceMemory && $0.physicalStart < 1 << 32
        }
        .map { $0.physicalStart..<$0.physicalStart + $0.size }
        for device in cell.pciDevices where device.msixAddress != 0 {
            free.append(device.msixAddress..<device.msixAddress + UInt64(device.msixRegionSize))
        }
        free = BaseAddresses.joined(free)
        freePorts = cell.ioPortRegions.map { UInt64($0.base)..<UInt64($0.base) + UInt64($0.count) }
    }

    /// The writes that place a device, for all that it has.
    mutating func place(_ device: PCIDevice, _ addresses: [DeviceInventory.BaseAddress]) -> [ConfigurationWrite] {
        let function = device.address.rawValue
        let memory = addresses.filter(\.isMemory)
        // the vectors are in a small part of their own, or there is but one
        let vectors = memory.filter { $0.size >= UInt64(device.msixRegionSize) }.min { $0.size < $1.size }?.number
        var writes: [ConfigurationWrite] = []
        // first what has no choice; vectors that the cell says nothing of get what is left
        let rank = device.msixAddress != 0 ? 0 : 2
        let ordered = addresses.sorted { ($0.number == vectors ? rank : 1) < ($1.number == vectors ? rank : 1) }
        for address in ordered {
            let isFixed = device.msixAddress != 0 && address.number == vectors
            let begin: UInt64
            if isFixed, device.msixAddress & (address.size - 1) == 0 {
                begin = device.msixAddress
                free = BaseAddresses.without(begin..<begin + address.size, free)
            } else {
                begin = take(address)
            }
            let register = UInt16(0x10 + address.number * 4)
            writes.append(
                ConfigurationWrite(
                    function: function, register: register, size: 4, value: UInt32(truncatingIfNeeded: begin)))
            if address.is64Bit {
                writes.append(
                    ConfigurationWrite(
                        function: function, register: register + 4, size: 4, value: UInt32(begin >> 32)))
            }
        }
        writes.append(
            ConfigurationWrite(
                function: function, register: BaseAddresses.commandRegister, size: 2, value: BaseAddresses.command))
        return writes
    }

    /// A place that begins on a multiple of its size: a region of just this size, else one in which there is room.
    private mutating func take(_ address: DeviceInventory.BaseAddress) -> UInt64 {
        let size = address.size
        func begin(in range: Range<UInt64>) -> UInt64? {
            let begin = (range.lowerBound + size - 1) & ~(size - 1)
            return begin + size <= range.upperBound ? begin : nil
        }
        guard address.isMemory else {
            if let begin = freePorts.lazy.compactMap(begin).first {
                freePorts = BaseAddresses.without(begin..<begin + size, freePorts)
                return begin
            }
            portsElsewhere = (portsElsewhere + size - 1) & ~(size - 1)
            defer { portsElsewhere += size }
            return portsElsewhere
        }
        let exact = free.first { UInt64($0.count) == size && $0.lowerBound & (size - 1) == 0 }?.lowerBound
        if let begin = exact ?? free.lazy.compactMap(begin).first {
            free = BaseAddresses.without(begin..<begin + size, free)
            return begin
        }
        elsewhere = (elsewhere + size - 1) & ~(size - 1)
        defer { elsewhere += size }
        return elsewhere
    }

    /// Regions that follow each other without a gap are one.
    private static func joined(_ ranges: [Range<UInt64>]) -> [Range<UInt64>] {
        var result: [Range<UInt64>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, last.upperBound == range.lowerBound {
                result[result.count - 1] = last.lowerBound..<range.upperBound
            } else {
                result.append(range)
            }
        }
        return result
    }

    private static func without(_ taken: Range<UInt64>, _ ranges: [Range<UInt64>]) -> [Range<UInt64>] {
        ranges.flatMap { range -> [Range<UInt64>] in
            guard range.overlaps(taken) else { return [range] }
            return [
                range.lowerBound..<max(range.lowerBound, taken.lowerBound),
                min(range.upperBound, taken.upperBound)..<range.upperBound,
            ].filter { !$0.isEmpty }
        }
    }
}
