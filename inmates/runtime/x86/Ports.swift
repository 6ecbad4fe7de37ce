// SPDX-License-Identifier: Apache-2.0

/// x86 I/O ports. A port that the cell's configuration does not list ends the cell.
enum Port {
    static func write(_ value: UInt8, to port: UInt16) { portWrite8(UInt32(port), UInt32(value)) }
    static func write16(_ value: UInt16, to port: UInt16) { portWrite16(UInt32(port), UInt32(value)) }
    static func write32(_ value: UInt32, to port: UInt16) { portWrite32(UInt32(port), value) }
    static func read(_ port: UInt16) -> UInt8 { UInt8(truncatingIfNeeded: portRead8(UInt32(port))) }
    static func read16(_ port: UInt16) -> UInt16 { UInt16(truncatingIfNeeded: portRead16(UInt32(port))) }
    static func read32(_ port: UInt16) -> UInt32 { portRead32(UInt32(port)) }
}

@_extern(c, "port_write8") private func portWrite8(_ port: UInt32, _ value: UInt32)
@_extern(c, "port_write16") private func portWrite16(_ port: UInt32, _ value: UInt32)
@_extern(c, "port_write32") private func portWrite32(_ port: UInt32, _ value: UInt32)
@_extern(c, "port_read8") private func portRead8(_ port: UInt32) -> UInt32
@_extern(c, "port_read16") private func portRead16(_ port: UInt32) -> UInt32
@_extern(c, "port_read32") private func portRead32(_ port: UInt32) -> UInt32

/// Tells the processor that this is a loop that waits.
@_extern(c, "processor_pause") func pause()
