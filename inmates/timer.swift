// SPDX-License-Identifier: Apache-2.0

/// Time and interrupts: what the communication region says of them is measured, the timer of the local APIC ticks by
/// both ways of access, and an interrupt comes through the IOAPIC.
///
/// It runs with its region and the PM timer wherever they are: `region=0x900000` on the command line for the one, the
/// region itself tells the other. The IOAPIC's interrupt is COM1's, pin 4 (`pin=` for another); `xapic` uses the
/// APIC's window in x2APIC mode too.

@c(inmate_main) func inmateMain() {
    let region = CommunicationRegion()
    var report = Report("timer")
    report.check("region", region.isPresent, "revision \(region.revision), \(region.processors) processors")
    report.check("pm-timer", pmTimerRuns(), "port \(hex: region.pmTimerPort)")

    let tsc = measured(near: region.tscKHz, measuredTSC)
    if region.tscKHz == 0 {
        report.skip("tsc", "measured \(tsc) kHz, the region tells none")
    } else {
        report.check("tsc", isNear(tsc, region.tscKHz), "measured \(tsc) kHz, the region tells \(region.tscKHz)")
    }
    let apic = measured(near: region.apicTimerKHz) { APICTimer(apic: LocalAPIC(.x2APIC)).measuredKHz() }
    if region.apicTimerKHz == 0 {
        report.skip("apic-timer", "measured \(apic) kHz, the region tells none")
    } else {
        report.check(
            "apic-timer", isNear(apic, region.apicTimerKHz),
            "measured \(apic) kHz, the region tells \(region.apicTimerKHz)"
        )
    }

    tick("x2apic-ticks", .x2APIC, kHz: apic, &report)
    if LocalAPIC.isInX2APICMode && !CommandLine.has("xapic") {
        report.skip("xapic-ticks", "the APIC is in x2APIC mode, its window would end the cell")
    } else {
        tick("xapic-ticks", .xAPIC, kHz: apic, &report)
    }
    serialInterrupt(&report)
    report.finish()
}

/// 20 ticks of 10 ms, and how long they took by the PM timer. An emulator on a busy machine is late, so only ticks
/// that come too early, or not at all, are an error.
func tick(_ name: StaticString, _ access: LocalAPIC.Access, kHz: UInt32, _ report: inout Report) {
    let (ticks, period) = (UInt32(20), UInt32(10))
    let interrupt = Interrupt(vector: access == .x2APIC ? 0x40 : 0x41)
    let timer = APICTimer(apic: LocalAPIC(access))
    timer.apic.enable()
    let first = interrupt.arrivals
    var clock = PMTimer()
    timer.start(interrupt, everyMilliseconds: period, kHz: kHz)
    while interrupt.arrivals &- first < ticks, clock.milliseconds() < 50 * ticks * period {
        enableInterrupts()
        pause()
        disableInterrupts()
    }
    let taken = clock.milliseconds()
    timer.stop()
    LocalAPIC(.x2APIC).enable()
    let came = interrupt.arrivals &- first
    report.check(
        name, came >= ticks && taken >= ticks * period * 8 / 10,
        "\(came) in \(taken) ms"
    )
}

/// COM1 says that its transmitter is empty as soon as it may.
func serialInterrupt(_ report: inout Report) {
    let console = CommunicationRegion().console
    guard console.type == 2, !console.isInMemory, let base = UInt16(exactly: console.address) else {
        return report.skip("ioapic", "the cell has no 8250 at a port")
    }
    let pin = UInt8(truncatingIfNeeded: CommandLine.number("pin") ?? 4)
    let interrupt = Interrupt(vector: 0x50)
    let ioapic = IOAPIC()
    let count = interrupt.arrivals
    ioapic.route(pin: pin, to: interrupt, processor: LocalAPIC().identifier)
    Port.write(0x0b, to: base + 4)  // modem control: OUT2 lets the interrupt out
    Port.write(0x02, to: base + 1)  // interrupt enable: transmitter empty
    let came = interrupt.arrives(within: 10_000, after: count)
    Port.write(0, to: base + 1)
    _ = Port.read(base + 2)  // its reason, which clears it
    ioapic.mask(pin: pin)
    report.check("ioapic", came, "pin \(pin), version \(hex: ioapic.version)")
}

func pmTimerRuns() -> Bool {
    var timer = PMTimer()
    // it must move; a port without timer reads as all ones
    for _ in 0..<100_000 where timer.microseconds() > 0 { return true }
    return false
}

/// In kHz.
func measuredTSC() -> UInt32 {
    var timer = PMTimer()
    let start = Processor.timeStamp
    var passed: UInt32 = 0
    while passed < 50_000 { passed = timer.microseconds() }
    return (Processor.timeStamp &- start) / (passed / 1_000)
}

/// Measured again when it is far from what it should be: an emulator may have been held up in between.
func measured(near told: UInt32, _ measure: () -> UInt32) -> UInt32 {
    var result: UInt32 = 0
    for _ in 0..<5 {
        result = measure()
        if isNear(result, told) { break }
    }
    return result
}

/// Within 5 %.
func isNear(_ measured: UInt32, _ told: UInt32) -> Bool {
    let difference = measured > told ? measured - told : told - measured
    return difference < told / 20
}
