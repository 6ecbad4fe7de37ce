/// x86 I/O ports. A port that the cell's configuration does not list ends the cell.
enum Port {
    static func write(_ value: UInt8, to port: UInt16) { portWrite8(UInt32(port), UInt32(value)) }
    static func read(_ port: UInt16) -> UInt8 { UInt8(truncatingIfNeeded: portRead8(UInt32(port))) }
    static func read32(_ port: UInt16) -> UInt32 { portRead32(UInt32(port)) }
}

@_extern(c, "port_write8") private func portWrite8(_ port: UInt32, _ value: UInt32)
@_extern(c, "port_read8") private func portRead8(_ port: UInt32) -> UInt32
@_extern(c, "port_read32") private func portRead32(_ port: UInt32) -> UInt32

/// Tells the processor that this is a loop that waits.
@_extern(c, "processor_pause") func pause()
