// SPDX-License-Identifier: Apache-2.0

import _Volatile

/// What the host says about the cell, and the words that its CPUs share: MonitorMemory.Parameter.
enum Parameters {
    private typealias Offset = MonitorMemory.Parameter

    static var resetAddress: UInt64 { long(Offset.resetAddress) }
    static var nestedRoot: UInt64 { long(Offset.nestedRoot) }
    static var cpuCount: Int { Int(word(Offset.cpuCount)) }
    static var communicationAddress: UInt64 { long(Offset.communicationAddress) }
    static var configurationSpace: UInt64 { long(Offset.configurationSpace) }
    static var lastBus: UInt64 { UInt64(word(Offset.lastBus)) }
    static var linkCount: Int { Int(word(Offset.links)) }

    static func has(_ flag: UInt32) -> Bool { word(Offset.flags) & flag != 0 }

    /// The machine's number of a CPU of the cell.
    static func cpuNumber(_ index: Int) -> UInt32 { word(Offset.cpuNumbers + 4 * index) }

    /// The index of a CPU among the cell's; nil when it is not the cell's.
    static func cpuIndex(_ number: UInt32) -> Int? {
        for index in 0..<cpuCount where cpuNumber(index) == number { return index }
        return nil
    }

    /// The machine address of a place in the monitor's memory.
    static func machineAddress(_ offset: Int) -> UInt64 { long(Offset.base) + UInt64(offset) }

    static func pointer(_ offset: Int) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(bitPattern: place(offset)).unsafelyUnwrapped
    }

    private static func place(_ offset: Int) -> UInt { Machine.monitorBase + UInt(offset) }

    // Read and written each time: the host and other CPUs do so, too.

    static func word(_ offset: Int) -> UInt32 {
        VolatileMappedRegister<UInt32>(unsafeBitPattern: place(offset)).load()
    }

    static func setWord(_ offset: Int, _ value: UInt32) {
        VolatileMappedRegister<UInt32>(unsafeBitPattern: place(offset)).store(value)
    }

    static func long(_ offset: Int) -> UInt64 {
        VolatileMappedRegister<UInt64>(unsafeBitPattern: place(offset)).load()
    }

    static func setLong(_ offset: Int, _ value: UInt64) {
        VolatileMappedRegister<UInt64>(unsafeBitPattern: place(offset)).store(value)
    }

    static func half(_ offset: Int) -> UInt16 {
        VolatileMappedRegister<UInt16>(unsafeBitPattern: place(offset)).load()
    }

    static func byte(_ offset: Int) -> UInt8 {
        VolatileMappedRegister<UInt8>(unsafeBitPattern: place(offset)).load()
    }

    /// Runs `body` while no other CPU of the cell is within the same lock.
    static func locked<Result>(_ lock: Int, _ body: () -> Result) -> Result {
        while exchange(pointer(lock), 1) != 0 { cpuPause() }
        let result = body()
        _ = exchange(pointer(lock), 0)
        return result
    }
}
