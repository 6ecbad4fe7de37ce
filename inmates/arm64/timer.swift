// SPDX-License-Identifier: Apache-2.0

/// Time and interrupts: the virtual timer ticks through the interrupt controller, an interrupt that is the cell's can be
/// enabled, and one that is not cannot.
///
/// `interrupt=N`: a shared interrupt of the cell, 33 if it is not said; `foreign=N`: one of another, 34. With `forever`
/// it ticks once a second instead of ending.

@c(inmate_main) func inmateMain() {
    let region = CommunicationRegion()
    let controller = InterruptController()
    var report = Report("timer")
    report.check(
        "region", region.gicVersion == 2 || region.gicVersion == 3,
        "GICv\(region.gicVersion), distributor \(hex: region.gicDistributor)")
    report.check("counter", Stopwatch.perSecond >= 1_000_000, "\(Stopwatch.perSecond / 1000) kHz")
    controller.enable(VirtualTimer.interrupt)
    report.check(
        "enabled", controller.isEnabled(VirtualTimer.interrupt), "interrupt \(VirtualTimer.interrupt.number)")
    if CommandLine.has("forever") { tickForever() }
    tick(&report)
    ownership(&report)
    report.finish()
}

/// 20 ticks of 10 ms. An emulator on a busy machine is late, so only ticks that come too early, or not at all, are an
/// error.
func tick(_ report: inout Report) {
    let (ticks, period) = (UInt32(20), UInt32(10))
    let first = VirtualTimer.interrupt.arrivals
    var watch = Stopwatch()
    for number in 0..<ticks {
        VirtualTimer.start(microseconds: UInt64(period) * 1000)
        guard VirtualTimer.interrupt.arrives(within: 50 * period, after: first + number) else { break }
    }
    let taken = watch.milliseconds()
    VirtualTimer.stop()
    let came = VirtualTimer.interrupt.arrivals - first
    report.check("ticks", came == ticks && taken >= ticks * period, "\(came) in \(taken) ms")
}

func ownership(_ report: inout Report) {
    let controller = InterruptController()
    let own = Interrupt(number: CommandLine.number("interrupt") ?? 33)
    let foreign = Interrupt(number: CommandLine.number("foreign") ?? 34)
    controller.enable(own)
    report.check("own", controller.isEnabled(own), "interrupt \(own.number) can be enabled")
    controller.disable(own)
    controller.enable(foreign)
    report.check("foreign", !controller.isEnabled(foreign), "interrupt \(foreign.number) cannot")
}

func tickForever() {
    while true {
        let count = VirtualTimer.interrupt.arrivals
        VirtualTimer.start(microseconds: 1_000_000)
        while VirtualTimer.interrupt.arrivals == count {
            attend()
            waitForInterrupt()
        }
        print("timer: tick \(count + 1)")
    }
}
