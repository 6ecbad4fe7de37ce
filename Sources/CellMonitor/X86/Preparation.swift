// SPDX-License-Identifier: Apache-2.0

/// What firmware does on a real machine: chipset, base addresses, the IOMMU; then the cell's CPUs are woken.
func prepareMachine() {
    LocalAPIC.prepare(acceptsPIC: false)
    Port.write(0xff, to: 0x21, size: 1)
    Port.write(0xff, to: 0xa1, size: 1)
    writeConfigurationSpace()
    PCIDevice.keepBaseAddresses()
    if Parameters.has(MonitorMemory.Flag.remapsDMA) { enableRemapping() }
    if Parameters.has(MonitorMemory.Flag.measuresCycles) { measureCycles() }
    if Parameters.linkCount > 0 { Doorbell.prepare() }
    for index in 0..<Parameters.cpuCount {
        LocalAPIC.send(to: Parameters.cpuNumber(index), 0x4600 | 0xf0)  // startup, in the firmware
    }
}

private func writeConfigurationSpace() {
    for index in 0..<Int(Parameters.word(MonitorMemory.Parameter.configurationWrites)) {
        let entry = MonitorMemory.Parameter.writeList + index * MonitorMemory.Write.size
        let place = Parameters.word(entry)
        PCI.write(
            Parameters.word(entry + 8), function: place >> 16, register: place & 0xffff,
            size: Int(Parameters.word(entry + 4)))
    }
}

/// VT-d (its specification, 10.4): root table, then translation.
private func enableRemapping() {
    let unit: UInt64 = 0xfed9_0000
    Machine.write(Parameters.machineAddress(MonitorMemory.remappingTables), to: unit + 0x20, size: 8)
    for bit in UInt32(30)...31 {
        let command: UInt32 = 1 << bit
        Machine.write32(command, to: unit + 0x18)
        while Machine.read32(unit + 0x1c) & command == 0 { cpuPause() }
    }
}

/// The time stamp counter's frequency in kHz, by 6 ms of the PM timer (3579.545 kHz, 24 bits), for the host and the
/// cell's communication region.
private func measureCycles() {
    let begin = Instant()
    var end = begin
    while (end.ticks &- begin.ticks) & 0xff_ffff < 21477 { end = Instant() }
    let ticks = UInt64((end.ticks &- begin.ticks) & 0xff_ffff)
    let frequency = UInt32(truncatingIfNeeded: (end.cycles &- begin.cycles) * 3_579_545 / (ticks * 1000))
    Parameters.setWord(MonitorMemory.Parameter.cyclesPerMillisecond, frequency)
    let place = MonitorMemory.communicationRegion + CommunicationRegion.tscKHz
    if Parameters.half(MonitorMemory.communicationRegion) == 0x484a { Parameters.setWord(place, frequency) }
}

/// Both clocks, read together: on a busy host this thread may stand still between one and the other.
private struct Instant {
    let ticks: UInt32
    let cycles: UInt64

    /// About 10 µs.
    private static let together: UInt64 = 30_000

    init() {
        var best = UInt64.max
        var ticks: UInt32 = 0
        var cycles: UInt64 = 0
        for _ in 0..<20 where best > Instant.together {
            let before = cpuCycles()
            let now = Port.read(Parameters.pmTimerPort, size: 4) & 0xff_ffff
            let passed = cpuCycles() &- before
            if passed < best {
                best = passed
                ticks = now
                cycles = before &+ passed / 2
            }
        }
        self.ticks = ticks
        self.cycles = cycles
    }
}
