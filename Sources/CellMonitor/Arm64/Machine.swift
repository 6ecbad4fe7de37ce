// SPDX-License-Identifier: Apache-2.0

import _Volatile

/// All memory and devices of the machine, by machine address: QEMU's virt machine (its hw/arm/virt.c).
enum Machine {
    enum Place {
        static let distributor: UInt64 = 0x0800_0000
        /// Version 2: the CPUs' interface, how the cell's interface is filled, and the cell's interface.
        static let interface: UInt64 = 0x0801_0000
        static let virtualControl: UInt64 = 0x0803_0000
        /// Version 3: a frame for each CPU.
        static let redistributor: UInt64 = 0x080a_0000
        static let redistributorSize: UInt64 = 0x2_0000
        /// I/O ports of PCI's devices, and their configuration space.
        static let ports: UInt64 = 0x3eff_0000
        static let configurationSpace: UInt64 = 0x40_1000_0000
    }

    /// Where the monitor's own memory is.
    static var monitorBase: UInt { base() }

    /// One access of exactly this width. - Parameter size: 1, 2, 4 or 8 bytes.
    static func read(_ address: UInt64, size: Int) -> UInt64 {
        let place = UInt(address)
        return switch size {
        case 1: UInt64(VolatileMappedRegister<UInt8>(unsafeBitPattern: place).load())
        case 2: UInt64(VolatileMappedRegister<UInt16>(unsafeBitPattern: place).load())
        case 4: UInt64(VolatileMappedRegister<UInt32>(unsafeBitPattern: place).load())
        default: VolatileMappedRegister<UInt64>(unsafeBitPattern: place).load()
        }
    }

    static func write(_ value: UInt64, to address: UInt64, size: Int) {
        let place = UInt(address)
        switch size {
        case 1: VolatileMappedRegister<UInt8>(unsafeBitPattern: place).store(UInt8(truncatingIfNeeded: value))
        case 2: VolatileMappedRegister<UInt16>(unsafeBitPattern: place).store(UInt16(truncatingIfNeeded: value))
        case 4: VolatileMappedRegister<UInt32>(unsafeBitPattern: place).store(UInt32(truncatingIfNeeded: value))
        default: VolatileMappedRegister<UInt64>(unsafeBitPattern: place).store(value)
        }
    }

    static func read32(_ address: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: read(address, size: 4)) }
    static func write32(_ value: UInt32, to address: UInt64) { write(UInt64(value), to: address, size: 4) }

    static func pointer(_ address: UInt64) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(bitPattern: UInt(address)).unsafelyUnwrapped
    }

    // MARK: the bell

    /// A serial port on the PCI bus. The host reads a byte from it only as a sign that the ring of events has something, and
    /// writes one as a sign that another cell's monitor has left interrupts for a link.
    private enum Bell {
        static let port: UInt64 = 0x1000
        static let command: UInt64 = 0x04
        static let answersPorts: UInt64 = 1
        static let baseAddress: UInt64 = 0x10
        /// Of the serial port, an 8250.
        static let interruptEnable: UInt64 = 1
        static let received: UInt64 = 1
        static let lineStatus: UInt64 = 5
        static let hasData: UInt64 = 1
    }

    static func prepareBell() {
        let function = UInt64(Parameters.bellSlot) << 3
        let registers = Place.configurationSpace + function << 12
        write(Bell.port, to: registers + Bell.baseAddress, size: 4)
        write(Bell.answersPorts, to: registers + Bell.command, size: 2)
    }

    static func ringBell() { write(1, to: Place.ports + Bell.port, size: 1) }

    /// Lets it interrupt.
    static func listenToBell() {
        write(Bell.received, to: Place.ports + Bell.port + Bell.interruptEnable, size: 1)
    }

    /// Takes what the host wrote, so that its interrupt goes.
    static func silenceBell() {
        let port = Place.ports + Bell.port
        while read(port + Bell.lineStatus, size: 1) & Bell.hasData != 0 { _ = read(port, size: 1) }
    }
}

@_extern(c, "monitor_base") private func base() -> UInt
@_extern(c, "monitor_entry") func monitorEntry() -> UInt64
@_extern(c, "firmware_call") func firmwareCall(
    _ function: UInt64, _ first: UInt64, _ second: UInt64, _ third: UInt64
) -> UInt64
@_extern(c, "cpu_pause") func cpuPause()
@_extern(c, "memory_barrier") func memoryBarrier()
@_extern(c, "exchange") func exchange(_ place: UnsafeMutableRawPointer, _ value: UInt32) -> UInt32
@_extern(c, "fetch_or") func fetchOr(_ place: UnsafeMutableRawPointer, _ value: UInt32) -> UInt32
@_extern(c, "fetch_add") func fetchAdd(_ place: UnsafeMutableRawPointer, _ value: UInt32) -> UInt32
@_extern(c, "await_interrupt") func awaitInterrupt()
@_extern(c, "flush_translations") func flushTranslations()
