/// x86 I/O ports. A port that the cell's configuration does not list ends the cell.
enum Port {
    static func write(_ value: UInt8, to port: UInt16) { port_write8(UInt32(port), UInt32(value)) }
    static func read(_ port: UInt16) -> UInt8 { UInt8(truncatingIfNeeded: port_read8(UInt32(port))) }
    static func read32(_ port: UInt16) -> UInt32 { port_read32(UInt32(port)) }
}

@_extern(c) private func port_write8(_ port: UInt32, _ value: UInt32)
@_extern(c) private func port_read8(_ port: UInt32) -> UInt32
@_extern(c) private func port_read32(_ port: UInt32) -> UInt32

/// Tells the processor that this is a loop that waits.
@_extern(c, "processor_pause") func pause()
