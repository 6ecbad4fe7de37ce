// SPDX-License-Identifier: Apache-2.0

/// Interrupts of links are messages to local APICs.
extension Link {
    private typealias Offset = MonitorMemory.Link

    static let configurationSize: UInt32 = 0x6c
    static let beyondConfiguration: UInt32 = 0
    /// What the word of the capability for messages reads as when there are no vectors.
    static let emptyCapability: UInt32 = 0
    static let takesAnyWidth = false
    /// Never happens: each message is looked at when it is to be sent.
    var hasValidMessages: Bool { true }
    static var refusedMessage: Violation { Violation(.vectorTable) }

    /// What was rung becomes interrupts of this cell's CPUs, as far as it has enabled them; the rest is forgotten.
    func deliver() {
        let pending = exchange(Machine.pointer(place + UInt64(Offset.pending)), 0)
        guard pending != 0 else { return }
        let control = word(Offset.vectorControl)
        let isEnabled = control & 0x8000 != 0 && control & 0x4000 == 0 && word(Offset.command) & Link.masterBit != 0
        for vector in 0..<vectors where pending & 1 << vector != 0 && isEnabled {
            guard word(Offset.interruptControl) & 1 != 0 else { return }
            let entry = Offset.vectorTable + Int(vector) * 16
            guard word(entry + 12) & 1 == 0 else { continue }
            let number = word(entry) >> 12 & 0xff
            guard Parameters.cpuIndex(number) != nil else { continue }
            if word(Offset.privilegedControl) & 1 != 0 { setWord(Offset.interruptControl, 0) }
            LocalAPIC.send(to: number, word(entry + 8) & 0xff)
        }
    }
}
