// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

extension PCICapability {
    /// The ids that matter here (PCI Local Bus and PCI Express specifications).
    enum Known: UInt16 {
        case powerManagement = 0x1
        case messageSignalledInterrupts = 0x5
        case messageSignalledInterruptsX = 0x11
    }

    /// Those of a configuration space, both lists, in the order in which they are linked.
    static func list(in config: [UInt8]) -> [PCICapability] {
        basic(config) + extended(config)
    }

    private static func basic(_ config: [UInt8]) -> [PCICapability] {
        guard let status = config.number(at: 6, 2), status & 0x10 != 0 else { return [] }
        var capabilities: [PCICapability] = []
        var next = config.number(at: 0x34, 1).map { Int($0 & 0xfc) } ?? 0
        // a damaged list may be a ring: there is room for 48 in it
        while next >= 0x40, capabilities.count < 48, let id = config.number(at: next, 1),
            let following = config.number(at: next + 1, 1)
        {
            let isWritten = [0x1, 0x5, 0x11].contains(id)
            capabilities.append(
                PCICapability(
                    id: UInt16(id), start: UInt16(next), length: length(of: id, at: next, config),
                    flags: isWritten ? .write : []))
            next = Int(following & 0xfc)
        }
        return capabilities
    }

    private static func length(of id: UInt64, at start: Int, _ config: [UInt8]) -> UInt16 {
        let control = config.number(at: start + 2, 2) ?? 0
        switch id {
        case 0x1, 0x3, 0x0d, 0x12: return 8
        case 0x5: return (control & 0x80 != 0 ? 14 : 10) + (control & 0x100 != 0 ? 10 : 0)
        case 0x9: return max(UInt16(control & 0xff), 3)
        // version 1 has no registers beyond the root's
        case 0x10: return control & 0xf < 2 ? 0x14 : 0x3c
        case 0x11: return 12
        case 0x13: return 6
        default: return 2
        }
    }

    private static func extended(_ config: [UInt8]) -> [PCICapability] {
        var capabilities: [PCICapability] = []
        var next = 0x100
        while next >= 0x100, capabilities.count < 960, let header = config.number(at: next, 4), header != 0,
            header != 0xffff_ffff
        {
            let id = UInt16(header & 0xffff)
            let length: UInt16 =
                switch id {
                case 0x1: 0x48
                case 0x3: 12
                case 0xb: UInt16((config.number(at: next + 4, 4) ?? 0) >> 20)
                case 0xd: 8
                default: 4
                }
            capabilities.append(
                PCICapability(id: id | extendedBit, start: UInt16(next), length: max(length, 4)))
            next = Int(header >> 20 & 0xffc)
        }
        return capabilities
    }
}
