// SPDX-License-Identifier: Apache-2.0

/// Interrupts of links are shared interrupts of the interrupt controller: LinkSignal says which.
extension Link {
    private typealias Offset = MonitorMemory.Link

    static let configurationSize: UInt32 = 0x80
    static let beyondConfiguration: UInt32 = 0xffff_ffff
    /// What the word of the capability for messages reads as when there are no vectors.
    static let emptyCapability: UInt32 = 0x11
    static let takesAnyWidth = true
    static var refusedMessage: Violation { Violation(.message) }

    private enum Entry {
        static let size = 16
        static let data = 8
        static let control = 12
        static let masked: UInt32 = 1
    }

    private var signal: LinkSignal {
        LinkSignal(
            vectors: vectors, command: word(Offset.command), vectorControl: word(Offset.vectorControl),
            pin: Parameters.firstPinInterrupt &+ (word(Offset.function) >> 3 & 3))
    }

    private func interrupt(of vector: UInt32) -> UInt32? {
        let entry = Offset.vectorTable + Int(vector) * Entry.size
        return signal.interrupt(
            message: word(entry + Entry.data), isMasked: word(entry + Entry.control) & Entry.masked != 0)
    }

    /// A message that can be sent is the number of an interrupt that is the cell's own.
    var hasValidMessages: Bool {
        for vector in 0..<vectors {
            if let interrupt = interrupt(of: vector), !LinkSignal.isMessage(interrupt, Parameters.ownInterrupts) {
                return false
            }
        }
        return true
    }

    /// What was rung becomes interrupts, as far as the cell lets it; the rest is forgotten.
    func deliver() {
        let pending = exchange(Machine.pointer(place + UInt64(Offset.pending)), 0)
        guard pending != 0 else { return }
        for vector in 0..<max(vectors, 1) where pending & 1 << vector != 0 {
            guard word(Offset.interruptControl) & 1 != 0 else { return }
            guard let interrupt = interrupt(of: vector) else { continue }
            if word(Offset.privilegedControl) & 1 != 0 { setWord(Offset.interruptControl, 0) }
            InterruptController.raise(interrupt)
        }
    }
}
