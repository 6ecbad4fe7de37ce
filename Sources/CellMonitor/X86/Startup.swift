// SPDX-License-Identifier: Apache-2.0

/// INIT and startup interrupts between the cell's CPUs: a note in the target's record, and an NMI that makes it look.
enum Startup {
    private typealias Record = MonitorMemory.Record

    private static let nmi: UInt32 = 0x4400

    static func initialize(_ target: VirtualCPU, _ number: UInt32) {
        let kicks = locked(target) {
            guard target.word(Record.waitsForSIPI) == 0 else { return false }
            target.setWord(record: Record.initRequested, 1)
            return true
        }
        if kicks { LocalAPIC.send(to: number, nmi) }
    }

    /// Heeded only by a CPU that waits for it.
    static func start(_ target: VirtualCPU, _ number: UInt32, vector: UInt32) {
        let kicks = locked(target) {
            guard target.word(Record.waitsForSIPI) != 0 || target.word(Record.initRequested) != 0 else { return false }
            target.setWord(record: Record.sipi, MonitorMemory.sipiPending | vector)
            return true
        }
        if kicks { LocalAPIC.send(to: number, nmi) }
    }

    /// What this CPU was told by an NMI.
    static func heed(_ cpu: VirtualCPU) {
        var parks = false
        var vector: UInt32?
        locked(cpu) {
            if cpu.word(Record.initRequested) != 0 {
                cpu.setWord(record: Record.initRequested, 0)
                cpu.setWord(record: Record.waitsForSIPI, 1)
                parks = true
            }
            let sipi = cpu.word(Record.sipi)
            guard sipi & MonitorMemory.sipiPending != 0 else { return }
            cpu.setWord(record: Record.sipi, 0)
            guard cpu.word(Record.failed) == 0 else { return }
            cpu.setWord(record: Record.waitsForSIPI, 0)
            vector = sipi & 0xff
        }
        if let vector {
            Events.tell(.sipi, cpu: cpu.index, vector)
            LocalAPIC.clear()
            cpu.reset(vector: vector)
        } else if parks {
            cpu.enterParking()
        }
    }

    private static func locked<Result>(_ cpu: VirtualCPU, _ body: () -> Result) -> Result {
        while exchange(cpu.pointer(record: Record.lock), 1) != 0 { cpuPause() }
        let result = body()
        _ = exchange(cpu.pointer(record: Record.lock), 0)
        return result
    }
}
