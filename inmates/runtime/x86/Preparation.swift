// SPDX-License-Identifier: Apache-2.0

/// What other files call a clock.
typealias Stopwatch = PMTimer

/// Called by each processor when it has a stack and its pages.
@c(runtime_prepare) func runtimePrepare() {
    let isPrepared = SharedWord(1)
    if isPrepared.value == 0 {
        isPrepared.store(1)
        prepareRegion()
        Console().prepare()
        Interrupt.makeTable()
    }
    Interrupt.useTable()
    LocalAPIC().enable()
}
