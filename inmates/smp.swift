// SPDX-License-Identifier: Apache-2.0

/// All processors of a cell: the first starts the others by INIT and SIPI, they count together, and each takes an
/// interrupt from the first.
///
/// `xapic`: the commands go through the APIC's window in memory instead of the x2APIC's registers.

/// What the processors share.
enum Shared {
    static var arrived: SharedWord { SharedWord(8) }
    static var go: SharedWord { SharedWord(9) }
    static var count: SharedWord { SharedWord(10) }
    static var counted: SharedWord { SharedWord(11) }
    static var interrupted: SharedWord { SharedWord(12) }
}

let rounds: UInt32 = 10_000
let interrupt = Interrupt(vector: 0x70)

@c(inmate_main) func inmateMain() {
    var report = Report("smp")
    let apic = LocalAPIC(CommandLine.has("xapic") ? .xAPIC : .x2APIC)
    let expected = min(CommunicationRegion().processors, Processors.limit)
    let others = expected - 1
    let allCame = eventually(within: 10_000) { Processors.ready >= expected }
    report.check("present", allCame, "\(Processors.ready) of \(expected) processors")
    print("processor 0: APIC \(LocalAPIC().identifier)")

    var started: UInt32 = 0
    for number in 1..<max(expected, 1) where Processors.start(number, by: apic, otherMain) {
        // one after the other, so that their lines are in order
        if eventually(within: 10_000, { Shared.arrived.value > started }) { started += 1 }
    }
    report.check("started", started == others, "\(started) of \(others) others")

    Shared.go.store(1)
    for _ in 0..<rounds { Shared.count.add(1) }
    _ = eventually(within: 20_000) { Shared.counted.value == started }
    report.check(
        "count", Shared.count.value == (started + 1) * rounds,
        "\(Shared.count.value), each of \(started + 1) counted to \(rounds)"
    )

    for number in 1..<max(expected, 1) {
        apic.send(.fixed, vector: interrupt.vector, to: Processors.identifier(number))
    }
    _ = eventually(within: 10_000) { Shared.interrupted.value == started }
    report.check(
        "interrupts", Shared.interrupted.value == started, "\(Shared.interrupted.value) of \(started) took one")
    // as Linux does it: to all but itself, by one command
    apic.send(.fixedToAllOthers, vector: interrupt.vector, to: 0)
    _ = eventually(within: 10_000) { Shared.interrupted.value == 2 * started }
    report.check(
        "broadcast", Shared.interrupted.value == 2 * started,
        "\(Shared.interrupted.value - started) of \(started) took one that was for all others")
    report.finish()
}

/// What each of the others does.
@c func otherMain() {
    let identifier = LocalAPIC().identifier
    print("processor \(Shared.arrived.value + 1): APIC \(identifier)")
    Shared.arrived.add(1)
    while Shared.go.value == 0 { pause() }
    for _ in 0..<rounds { Shared.count.add(1) }
    Shared.counted.add(1)
    for _ in 0..<2 {
        waitForInterrupt()
        Shared.interrupted.add(1)
    }
}
