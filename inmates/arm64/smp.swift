// SPDX-License-Identifier: Apache-2.0

/// The other processors of a cell: the first starts them by PSCI, they count together, and each takes an interrupt from
/// the first.

/// What the processors share.
enum Shared {
    static var arrived: SharedWord { SharedWord(8) }
    static var count: SharedWord { SharedWord(9) }
    static var counted: SharedWord { SharedWord(10) }
    static var interrupted: SharedWord { SharedWord(11) }
}

let rounds: UInt32 = 10_000
let interrupt = Interrupt(number: 5)
let (isOn, isOff, deniedAnswer, alreadyOn): (Int32, Int32, Int32, Int32) = (0, 1, -3, -4)

@c(inmate_main) func inmateMain() {
    var report = Report("smp")
    let controller = InterruptController()
    let own = Processor.affinity
    print("processor 0: affinity \(hex: own)")
    let version = UInt32(bitPattern: FirmwareCall.version.call())
    report.check("psci", version == 0x1_0001, "version \(hex: version)")
    var (others, answersRight) = (UInt32(0), true)
    // the cell's are found by asking: those of others are denied
    for number in UInt64(0)..<16 where number != own & 0xff && others < Processors.limit - 1 {
        let affinity = own & ~0xff | number
        let state = FirmwareCall.affinityInformation.call(affinity, 0)
        if state == deniedAnswer { continue }
        others += 1
        let started = Processors.start(others, affinity: affinity, otherMain)
        _ = eventually(within: 10_000) { Shared.arrived.value == others }
        answersRight =
            answersRight && state == isOff && started == isOn
            && FirmwareCall.affinityInformation.call(affinity, 0) == isOn
            && FirmwareCall.on.call(affinity, 0, 0) == alreadyOn
    }
    report.check(
        "started", answersRight && Shared.arrived.value == others, "\(Shared.arrived.value) of \(others) others")
    for _ in 0..<rounds { Shared.count.add(1) }
    _ = eventually(within: 20_000) { Shared.counted.value == others }
    report.check(
        "count", Shared.count.value == (others + 1) * rounds,
        "\(Shared.count.value), each of \(others + 1) counted to \(rounds)")
    for number in UInt64(0)..<16 where number != own & 0xff {
        let affinity = own & ~0xff | number
        if FirmwareCall.affinityInformation.call(affinity, 0) == isOn {
            controller.send(interrupt.number, to: affinity)
        }
    }
    _ = eventually(within: 10_000) { Shared.interrupted.value == others }
    report.check("interrupts", Shared.interrupted.value == others, "\(Shared.interrupted.value) of \(others) took one")
    report.finish()
}

/// What each of the others does.
@c func otherMain() {
    print("processor \(Shared.arrived.value + 1): affinity \(hex: Processor.affinity)")
    Shared.arrived.add(1)
    for _ in 0..<rounds { Shared.count.add(1) }
    Shared.counted.add(1)
    waitForInterrupt()
    Shared.interrupted.add(1)
}
