// SPDX-License-Identifier: Apache-2.0

/// Where a processor arrives from the firmware.
///
/// - Parameter index: among the cell's CPUs, or MonitorMemory.bootCPU: the machine's CPU 0, which no cell has. It
///   prepares the machine, wakes the cell's CPUs, and sleeps.
@c(monitor_main) func monitorMain(_ index: Int) {
    interruptsOff()
    if index == MonitorMemory.bootCPU {
        makeInterruptTable()
        prepareMachine()
        if Parameters.linkCount > 0 { Doorbell.serve() }
        cpuHalt()
    }
    let cpu = VirtualCPU(index: index)
    registerWrite(0xc001_0117, cpu.hostStateAddress)
    LocalAPIC.prepare(acceptsPIC: index == 0 && Parameters.has(MonitorMemory.Flag.interruptsByPIC))
    cpu.prepareControlBlock()
    // all of them, as on the hypervisor: the inmate sorts out which is the first
    cpu.reset(vector: MonitorMemory.resetVector)
    cpu.count(.management)
    awaitOthers()
    cpu.awaitRelease()
    while true {
        cpu.run()
        cpu.setByte(VirtualCPU.Field.flush, 0)
        // an event whose delivery the exit cut short is delivered again
        let interrupted = cpu.long(VirtualCPU.Field.interruptedEvent)
        cpu.setLong(VirtualCPU.Field.injectedEvent, interrupted & 1 << 31 != 0 ? interrupted : 0)
        if let violation = handleExit(of: cpu) { park(cpu, violation) }
    }
}

/// From here on each CPU can be reached by the others.
private func awaitOthers() {
    let place = MonitorMemory.Parameter.arrivedCount
    _ = fetchAdd(Parameters.pointer(place), 1)
    while Int(Parameters.word(place)) < Parameters.cpuCount { cpuPause() }
}

/// The CPU has failed: it is the last thing that it does, until the cell is started again.
private func park(_ cpu: VirtualCPU, _ violation: Violation) {
    cpu.report(violation.reason, violation.details)
    if Parameters.has(MonitorMemory.Flag.holdsOnViolation) {
        cpu.setWord(record: MonitorMemory.Record.held, 1)
        Events.tell(.held, cpu: cpu.index)
        cpu.awaitRelease()
    }
    cpu.fail()
    LocalAPIC.stopTimer()
    Events.tell(.parked, cpu: cpu.index)
    cpu.setWord(record: MonitorMemory.Record.waitsForSIPI, 1)
    cpu.setLong(VirtualCPU.Field.injectedEvent, 0)
    cpu.enterParking()
}

extension CommunicationRegion {
    static let tscKHz = 68
}

/// A mistake of the monitor's own.
@c(monitor_exception) func monitorException(_ vector: UInt32, _ errorCode: UInt64, _ address: UInt64) {
    let number = Identification(leaf: 1, subleaf: 0).ebx >> 24
    let cpu = VirtualCPU(index: Parameters.cpuIndex(number) ?? MonitorMemory.bootCPU)
    cpu.report(.exit, (UInt64(vector), address, errorCode))
    Events.tell(.crashed, cpu: cpu.index, vector)
}
