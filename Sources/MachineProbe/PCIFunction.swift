// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// A PCI function as its files show it.
struct PCIFunction {
    /// A base address register that is used.
    struct Window: Hashable {
        var index: Int
        var first: UInt64
        /// Inclusive.
        var last: UInt64
        var isPorts: Bool
    }

    let address: PCIAddress
    let domain: UInt16
    /// `8086:2922`
    let identity: String
    /// Class and subclass: 0x0106.
    let deviceClass: UInt16
    let isBridge: Bool
    /// Of a bridge: the buses behind it.
    let buses: ClosedRange<Int>?
    let windows: [Window]
    let capabilities: [PCICapability]
    /// Whether the file had what only root may read.
    let isComplete: Bool
    private let config: [UInt8]

    /// Nil for what has not the form of such files.
    init?(_ files: MachineCapture.PCIFiles) {
        let parts = files.name.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let domain = UInt16(parts[0], radix: 16), let address = PCIAddress(String(parts[1])),
            let vendor = files.config.number(at: 0, 2), let device = files.config.number(at: 2, 2),
            let kind = files.config.number(at: 10, 2), let header = files.config.number(at: 14, 1)
        else { return nil }
        self.address = address
        self.domain = domain
        config = files.config
        identity = [vendor, device].map {
            String(repeating: "0", count: 4 - String($0, radix: 16).count) + String($0, radix: 16)
        }
        .joined(separator: ":")
        deviceClass = UInt16(kind)
        isBridge = header & 0x7f == 1
        // secondary and subordinate bus
        if header & 0x7f == 1, let first = files.config.number(at: 25, 1), let last = files.config.number(at: 26, 1),
            first <= last, first > 0
        {
            buses = Int(first)...Int(last)
        } else {
            buses = nil
        }
        isComplete = files.config.count >= 256
        windows = Self.windows(files.resource, count: isBridge ? 2 : PCIDevice.barCount)
        capabilities = PCICapability.list(in: files.config)
    }

    /// Lines that are all zero are registers that do not exist.
    private static func windows(_ text: String, count: Int) -> [Window] {
        text.split(separator: "\n").prefix(count).enumerated().compactMap { index, line in
            let numbers = line.split(separator: " ").map { UInt64($0.dropFirst(2), radix: 16) }
            guard numbers.count == 3, let first = numbers[0], let last = numbers[1], let flags = numbers[2],
                flags != 0, first < last
            else { return nil }
            return Window(index: index, first: first, last: last, isPorts: flags & 0x100 != 0)
        }
    }

    /// As the configuration has it.
    ///
    /// - Parameter firstCapability: the index of its first one in the cell's list.
    func device(iommu: Int, firstCapability: Int) -> PCIDevice {
        var device = PCIDevice(
            kind: isBridge ? .bridge : .device, iommu: UInt8(clamping: iommu), domain: domain, address: address,
            barMasks: barMasks, firstCapability: capabilities.isEmpty ? 0 : UInt16(clamping: firstCapability),
            capabilityCount: UInt16(capabilities.count))
        if let start = start(of: .messageSignalledInterrupts), let control = config.number(at: start + 2, 2) {
            device.msiVectors = 1 << UInt8(control >> 1 & 7)
            if control & 0x80 != 0 { device.msiFlags.insert(.address64) }
            if control & 0x100 != 0 { device.msiFlags.insert(.maskable) }
        }
        if let table = msixTable {
            device.msixVectors = table.vectors
            device.msixRegionSize = table.size
            device.msixAddress = table.address
        }
        return device
    }

    /// The pages of its MSI-X table, which the hypervisor keeps for itself.
    var msixTable: (address: UInt64, size: UInt16, vectors: UInt16)? {
        guard let start = start(of: .messageSignalledInterruptsX), let control = config.number(at: start + 2, 2),
            let place = config.number(at: start + 4, 4), let window = windows.first(where: { $0.index == place & 7 })
        else { return nil }
        let vectors = UInt16(control & 0x7ff) + 1
        return (window.first &+ (place & ~7), (vectors * 16 + 0xfff) & ~0xfff, vectors)
    }

    /// The bits of each register that can be written: all above the window's size.
    private var barMasks: [UInt32] {
        var masks = [UInt32](repeating: 0, count: PCIDevice.barCount)
        for window in windows {
            let mask = ~(window.last - window.first)
            masks[window.index] = UInt32(truncatingIfNeeded: mask)
            let is64 = (config.number(at: 16 + 4 * window.index, 1) ?? 0) & 7 == 4
            if is64, window.index + 1 < masks.count { masks[window.index + 1] = UInt32(truncatingIfNeeded: mask >> 32) }
        }
        return masks
    }

    private func start(of id: PCICapability.Known) -> Int? {
        capabilities.first { $0.id == id.rawValue }.map { Int($0.start) }
    }

    /// What the function is, as far as its class tells.
    var kindName: String {
        let classes: [(UInt16, String)] = [
            (0x0101, "IDE"), (0x0106, "SATA"), (0x0108, "NVMe"), (0x0200, "Ethernet"), (0x0280, "network"),
            (0x0300, "display"), (0x0403, "audio"), (0x0600, "host bridge"), (0x0601, "ISA bridge"),
            (0x0604, "PCI bridge"), (0x0700, "serial port"), (0x0806, "IOMMU"), (0x0c03, "USB"), (0x0c05, "SMBus"),
        ]
        let wider: [(UInt16, String)] = [
            (0x01, "storage"), (0x02, "network"), (0x03, "display"), (0x04, "multimedia"), (0x06, "bridge"),
            (0x07, "communication"), (0x08, "system device"), (0x0c, "serial bus"),
        ]
        return classes.first { $0.0 == deviceClass }?.1 ?? wider.first { $0.0 == deviceClass >> 8 }?.1 ?? "device"
    }
}
