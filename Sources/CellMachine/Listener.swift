// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Synchronization

/// Turns what QEMU and the monitor say into events.
final class Listener: Sendable {
    private let cpus: [Int]
    private let area: SharedArea
    private let ends: LinkEnds
    private let missed = Mutex<UInt32>(0)
    private let onEvent: @Sendable (CellMachineEvent) -> Void
    /// Events are reported in their order, whichever thread reads them.
    private let turn = Mutex(())

    init(
        cell: CellDescriptor, area: SharedArea, ends: LinkEnds, onEvent: @escaping @Sendable (CellMachineEvent) -> Void
    ) {
        self.ends = ends
        cpus = cell.cpus.members
        self.area = area
        self.onEvent = onEvent
    }

    func hear(_ news: EmulatorProcess.News) {
        switch news {
        case .serial(let bytes): onEvent(.serial(bytes))
        case .bell: hearEvents()
        case .ended(let reason):
            hearEvents()
            ends.disconnect()
            onEvent(.ended(reason))
        }
    }

    /// Reports all that the monitor has recorded until now.
    func hearEvents() {
        turn.withLock { _ in tellEvents() }
    }

    private func tellEvents() {
        var characters: [UInt8] = []
        func flush() {
            if !characters.isEmpty { onEvent(.printed(String(decoding: characters, as: UTF8.self))) }
            characters = []
        }
        for event in area.takeEvents() {
            if event.kind == .character {
                characters.append(UInt8(truncatingIfNeeded: event.value))
            } else {
                flush()
                tell(event)
            }
        }
        flush()
        let missed = area.missedCharacters
        let more = self.missed.withLock { known in
            defer { known = missed }
            return missed > known ? missed - known : 0
        }
        // as the driver says it of its console
        if more > 0 { onEvent(.noted("<missed \(more) bytes of console log>")) }
    }

    private func tell(_ event: SharedArea.Event) {
        let cpu = cpus.indices.contains(event.cpu) ? cpus[event.cpu] : 0
        let hexadecimal = String(event.value, radix: 16)
        switch event.kind {
        case .character: break
        case .parked:
            guard let report = area.report(cpu: event.cpu) else { return }
            onEvent(.violation(cpu: cpu, report))
        case .held:
            guard let report = area.report(cpu: event.cpu) else { return }
            onEvent(.held(cpu: cpu, report))
        case .sipi: onEvent(.noted("CPU \(cpu) received SIPI, vector \(hexadecimal)"))
        case .ignoredNMI: onEvent(.noted("Ignoring NMI IPI"))
        case .outsideDestination:
            onEvent(
                .noted("WARNING: CPU \(cpu) specified IPI destination outside cell boundaries, ICR.hi=\(hexadecimal)"))
        case .unknownHypercall: onEvent(.noted("CPU \(cpu): Unknown hypercall \(event.value)"))
        case .testDevice: onEvent(.noted("testdev: invalid access, register \(hexadecimal)"))
        case .rung: ends.ring(slot: Int(event.value))
        case .crashed:
            let report = area.report(cpu: event.cpu)
            onEvent(.noted("the cell monitor failed: exception \(event.value), \(report?.details ?? [])"))
        }
    }
}
