// SPDX-License-Identifier: Apache-2.0

/// The record of a CPU, which the host and the cell's other CPUs read.
extension VirtualCPU {
    var number: UInt32 { word(MonitorMemory.Record.number) }

    /// Waits for the host, which lets a debugger look.
    func awaitRelease() {
        while word(MonitorMemory.Record.held) != 0 { cpuPause() }
    }

    func word(_ offset: Int) -> UInt32 { Parameters.word(record(offset)) }
    func setWord(record offset: Int, _ value: UInt32) { Parameters.setWord(record(offset), value) }
    func pointer(record offset: Int) -> UnsafeMutableRawPointer { Parameters.pointer(record(offset)) }

    func count(_ counter: Counter) {
        let place = record(MonitorMemory.Record.counters + counter.rawValue * 8)
        Parameters.setLong(place, Parameters.long(place) &+ 1)
    }

    func counter(_ number: Int) -> UInt64 { Parameters.long(record(MonitorMemory.Record.counters + number * 8)) }

    /// An offset of the monitor's memory.
    func record(_ offset: Int) -> Int { area + MonitorMemory.CPU.record + offset }

    /// The last CPU of a cell that fails takes the cell with it.
    func fail() {
        setWord(record: MonitorMemory.Record.failed, 1)
        let failed = Int(fetchAdd(Parameters.pointer(MonitorMemory.Parameter.failedCount), 1)) + 1
        if failed == Parameters.cpuCount {
            Parameters.setWord(
                MonitorMemory.communicationRegion + CommunicationRegion.state, CommunicationRegion.failed)
        }
    }
}

/// Offsets and values in the page that the cell and the hypervisor share.
enum CommunicationRegion {
    static let state = 8
    static let failed: UInt32 = 3
}
