// SPDX-License-Identifier: Apache-2.0

/// What the host is told: entries in a ring, and one byte through a device of QEMU's when it waits for them.
enum Events {
    private typealias Offset = MonitorMemory.Parameter

    /// Entries that stay free for what must not be lost.
    private static let reserve: UInt32 = 64

    /// A character of the inmate that finds the ring full is counted, not waited for.
    static func tell(_ event: MonitorMemory.Event, cpu: Int, _ value: UInt32 = 0) {
        Parameters.locked(Offset.ringLock) {
            let head = Parameters.word(Offset.ringHead)
            let used = head &- Parameters.word(Offset.ringTail)
            let mustArrive = event == .parked || event == .held || event == .rung
            let room = UInt32(MonitorMemory.ringEntries) - (mustArrive ? 0 : reserve)
            guard used < room else {
                Parameters.setWord(Offset.ringMissed, Parameters.word(Offset.ringMissed) &+ 1)
                return
            }
            let entry = MonitorMemory.ring + Int(head % UInt32(MonitorMemory.ringEntries)) * 8
            Parameters.setWord(entry, UInt32(event.rawValue) | UInt32(cpu) << 8)
            Parameters.setWord(entry + 4, value)
            Parameters.setWord(Offset.ringHead, head &+ 1)
        }
        if exchange(Parameters.pointer(Offset.notify), 0) != 0 { Machine.ringBell() }
    }
}
