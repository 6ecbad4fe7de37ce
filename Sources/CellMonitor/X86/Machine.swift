// SPDX-License-Identifier: Apache-2.0

import _Volatile

/// All memory and devices of the machine, by machine address.
enum Machine {
    /// Where the monitor sees its own memory.
    static var monitorBase: UInt { UInt(MonitorMemory.virtualBase) }

    /// QEMU's debug console; the host reads a byte from it only as a sign that the ring of events has something.
    static func ringBell() { Port.write(1, to: 0xe9, size: 1) }

    static func pointer(_ address: UInt64) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(bitPattern: MonitorMemory.window + UInt(address)).unsafelyUnwrapped
    }

    /// One access of exactly this width. - Parameter size: 1, 2, 4 or 8 bytes.
    static func read(_ address: UInt64, size: Int) -> UInt64 {
        let place = MonitorMemory.window + UInt(address)
        return switch size {
        case 1: UInt64(VolatileMappedRegister<UInt8>(unsafeBitPattern: place).load())
        case 2: UInt64(VolatileMappedRegister<UInt16>(unsafeBitPattern: place).load())
        case 4: UInt64(VolatileMappedRegister<UInt32>(unsafeBitPattern: place).load())
        default: VolatileMappedRegister<UInt64>(unsafeBitPattern: place).load()
        }
    }

    static func write(_ value: UInt64, to address: UInt64, size: Int) {
        let place = MonitorMemory.window + UInt(address)
        switch size {
        case 1: VolatileMappedRegister<UInt8>(unsafeBitPattern: place).store(UInt8(truncatingIfNeeded: value))
        case 2: VolatileMappedRegister<UInt16>(unsafeBitPattern: place).store(UInt16(truncatingIfNeeded: value))
        case 4: VolatileMappedRegister<UInt32>(unsafeBitPattern: place).store(UInt32(truncatingIfNeeded: value))
        default: VolatileMappedRegister<UInt64>(unsafeBitPattern: place).store(value)
        }
    }

    static func read32(_ address: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: read(address, size: 4)) }
    static func write32(_ value: UInt32, to address: UInt64) { write(UInt64(value), to: address, size: 4) }
}

/// I/O ports of the machine.
enum Port {
    static func read(_ port: UInt32, size: Int) -> UInt32 {
        switch size {
        case 1: portRead8(port)
        case 2: portRead16(port)
        default: portRead32(port)
        }
    }

    static func write(_ value: UInt32, to port: UInt32, size: Int) {
        switch size {
        case 1: portWrite8(port, value)
        case 2: portWrite16(port, value)
        default: portWrite32(port, value)
        }
    }
}

/// What `cpuid` leaves in the registers.
struct Identification {
    var eax: UInt32 = 0
    var ebx: UInt32 = 0
    var ecx: UInt32 = 0
    var edx: UInt32 = 0

    init() {}

    init(leaf: UInt32, subleaf: UInt32) {
        withUnsafeMutableBytes(of: &self) { cpuIdentify(leaf, subleaf, $0.baseAddress.unsafelyUnwrapped) }
    }
}

// entry.S
@_extern(c, "vm_run") func vmRun(_ controlBlock: UInt64, _ registers: UnsafeMutableRawPointer)
@_extern(c, "vm_load") func vmLoad(_ controlBlock: UInt64)
@_extern(c, "interrupts_off") func interruptsOff()
@_extern(c, "take_nmi") func takeNMI()
@_extern(c, "drain_interrupts") func drainInterrupts()
@_extern(c, "make_interrupt_table") func makeInterruptTable()
@_extern(c, "cpu_halt") func cpuHalt()
@_extern(c, "cpu_pause") func cpuPause()
@_extern(c, "cpu_cycles") func cpuCycles() -> UInt64
@_extern(c, "register_write") func registerWrite(_ number: UInt32, _ value: UInt64)
@_extern(c, "exchange") func exchange(_ place: UnsafeMutableRawPointer, _ value: UInt32) -> UInt32
@_extern(c, "fetch_add") func fetchAdd(_ place: UnsafeMutableRawPointer, _ value: UInt32) -> UInt32
@_extern(c, "fetch_or") func fetchOr(_ place: UnsafeMutableRawPointer, _ value: UInt32) -> UInt32
@_extern(c, "await_interrupt") func awaitInterrupt()
@_extern(c, "cpu_identify") private func cpuIdentify(
    _ leaf: UInt32, _ subleaf: UInt32, _ registers: UnsafeMutableRawPointer)
@_extern(c, "port_read8") private func portRead8(_ port: UInt32) -> UInt32
@_extern(c, "port_read16") private func portRead16(_ port: UInt32) -> UInt32
@_extern(c, "port_read32") private func portRead32(_ port: UInt32) -> UInt32
@_extern(c, "port_write8") private func portWrite8(_ port: UInt32, _ value: UInt32)
@_extern(c, "port_write16") private func portWrite16(_ port: UInt32, _ value: UInt32)
@_extern(c, "port_write32") private func portWrite32(_ port: UInt32, _ value: UInt32)
