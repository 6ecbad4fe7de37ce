// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// The serial port that a proposed cell prints to: the one that the hypervisor prints to, which the root cell shares.
struct ProposedConsole {
    let console: Console

    private static let page: UInt64 = 0x1000

    /// The key of `[cell]`; nil when there is no port.
    var line: String? {
        guard console.kind != .none else { return nil }
        guard isMapped else {
            return "console = { type = \"\(console.kind.word)\", access = \"pio\", address = "
                + "\(hexadecimal(console.address)) }"
        }
        let distance = console.flags.contains(.registerDistance4) && console.kind == .uart8250
        return "console = { type = \"\(console.kind.word)\", access = \"mmio\", address = "
            + "\(hexadecimal(console.address)), size = \(hexadecimal(max(size, 1)))"
            + (distance ? ", register-distance = \"4 bytes\"" : "") + " }"
    }

    /// The table of its registers; nil when it is reached by ports.
    var registers: MemoryRegion? {
        guard isMapped else { return nil }
        var region = MemoryRegion(
            name: "serial port", physicalStart: console.address, virtualStart: console.address, size: size,
            flags: [.read, .write, .io, .rootShared])
        // of part of a page each access is checked, by its width
        if (console.address | size) % Self.page != 0 { region.flags.formUnion([.io8, .io32]) }
        return region
    }

    private var isMapped: Bool { console.kind != .none && console.flags.contains(.mmio) && console.address != 0 }

    /// Whole pages, unless the registers begin within one.
    private var size: UInt64 {
        let own = UInt64(console.size)
        guard console.address % Self.page == 0 else { return max(own, 0x20) }
        return max((own + Self.page - 1) / Self.page, 1) * Self.page
    }
}

extension MemoryRegion {
    /// As the key `access` has them.
    var accessWords: [String] {
        let words: [(Flags, String)] = [
            (.read, "read"), (.write, "write"), (.execute, "execute"), (.dma, "dma"), (.io, "io"), (.io8, "io-8"),
            (.io32, "io-32"), (.loadable, "loadable"), (.rootShared, "root-shared"),
        ]
        return words.filter { flags.contains($0.0) }.map(\.1)
    }
}

/// Addresses where a cell sees something of the hypervisor's, or the port that it prints to.
struct SeenDevices {
    struct Device {
        var name: String
        var start: UInt64
        /// Inclusive.
        var last: UInt64
    }

    /// In the order of their addresses.
    let devices: [Device]

    init(_ system: SystemDescriptor, _ console: ProposedConsole) {
        var devices = EmulatedDevice.all(of: system, for: CellDescriptor(name: "")).filter(\.isSeenByCells).map {
            Device(name: $0.name, start: $0.bounds.lowerBound, last: $0.bounds.upperBound)
        }
        if let port = console.registers {
            let (last, overflow) = port.virtualStart.addingReportingOverflow(port.size - 1)
            devices.append(Device(name: port.name, start: port.virtualStart, last: overflow ? .max : last))
        }
        self.devices = devices.sorted { $0.start < $1.start }
    }

    /// The first that is over so many bytes.
    func first(over start: UInt64, _ size: UInt64) -> Device? {
        guard size > 0 else { return nil }
        let (last, overflow) = start.addingReportingOverflow(size - 1)
        return devices.first { $0.start <= (overflow ? .max : last) && start <= $0.last }
    }

    /// A page that is free of them and of the RAM: at `usual` if that is, else behind the RAM.
    func freePage(at usual: UInt64, besides ram: (start: UInt64, size: UInt64)) -> UInt64 {
        let page: UInt64 = 0x1000
        let step: UInt64 = 0x10_0000
        let end = ram.start.addingReportingOverflow(ram.size).partialValue
        func isFree(_ place: UInt64) -> Bool {
            (place >= end || place + page <= ram.start) && first(over: place, page) == nil
        }
        let behind = (end + step - 1) / step * step
        // devices are few, and none is larger than some hundred MiB
        return isFree(usual) ? usual : (0..<4096).lazy.map { behind + $0 * step }.first(where: isFree) ?? behind
    }
}
