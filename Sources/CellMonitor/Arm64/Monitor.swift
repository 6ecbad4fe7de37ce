// SPDX-License-Identifier: Apache-2.0

/// Where a processor arrives; when this returns, it enters the cell.
///
/// - Parameter index: among the cell's CPUs. The first comes by QEMU's reset and wakes the others.
@c(monitor_main) func monitorMain(_ index: Int) {
    let cpu = VirtualCPU(index: index)
    if index == 0 {
        cpu.setWord(record: MonitorMemory.Arm64.Record.isOn, 1)
        Machine.prepareBell()
        InterruptController.prepareDistributor()
        if Parameters.linkCount > 0 {
            InterruptController.enableBell()
            Machine.listenToBell()
            Doorbell.prepare()
        }
        for other in 1..<max(Parameters.cpuCount, 1) {
            _ = firmwareCall(FirmwareNumber.on, UInt64(other), monitorEntry(), UInt64(other))
        }
    }
    InterruptController.prepareCPU(index)
    cpu.prepareHypervisor()
    cpu.count(.management)
    awaitOthers()
    guard index == 0 else {
        cpu.awaitRelease()
        return awaitStart(cpu)
    }
    cpu.reset(entry: Parameters.resetAddress, context: 0)
    // a debugger steps over what is left of the monitor
    cpu.awaitRelease()
}

/// QEMU's own firmware, which knows its CPUs by their number as long as there are no more than eight.
private enum FirmwareNumber {
    static let on: UInt64 = 0xc400_0003
}

/// From here on each CPU can be reached by the others.
private func awaitOthers() {
    let place = MonitorMemory.Parameter.arrivedCount
    _ = fetchAdd(Parameters.pointer(place), 1)
    while Int(Parameters.word(place)) < Parameters.cpuCount { cpuPause() }
}

/// The CPU is off, until another one of the cell has it begin.
func awaitStart(_ cpu: VirtualCPU) {
    typealias Record = MonitorMemory.Arm64.Record
    cpu.reset(entry: 0, context: 0)
    while exchange(cpu.pointer(record: Record.startRequested), 0) == 0 {
        awaitInterrupt()
        InterruptController.drain()
    }
    cpu.count(.management)
    cpu.reset(
        entry: Parameters.long(cpu.record(Record.entry)), context: Parameters.long(cpu.record(Record.context)))
}

/// The CPU has failed: it is the last thing that it does, until the cell is started again.
func park(_ cpu: VirtualCPU, _ violation: Violation) {
    cpu.report(violation)
    if Parameters.has(MonitorMemory.Flag.holdsOnViolation) {
        cpu.setWord(record: MonitorMemory.Record.held, 1)
        Events.tell(.held, cpu: cpu.index)
        cpu.awaitRelease()
    }
    cpu.fail()
    Events.tell(.parked, cpu: cpu.index)
    awaitStart(cpu)
}

/// A mistake of the monitor's own.
@c(monitor_exception) func monitorException(_ syndrome: UInt64, _ instruction: UInt64, _ address: UInt64) {
    let cpu = VirtualCPU.current
    cpu.report(Violation(.trap, syndrome, instruction, address))
    Events.tell(.crashed, cpu: cpu.index, UInt32(truncatingIfNeeded: syndrome >> 26))
}
