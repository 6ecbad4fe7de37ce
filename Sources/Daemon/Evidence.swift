// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import JailhouseInterface
import Logging
import NIOCore
import Supervision
import SystemCalls

/// Evidence that is on its way: the console of a cell that failed.
///
/// Reading the console waits for the driver's lock, as long as a command of any program lasts, so ``LockedFiles`` reads
/// it on a thread of its own. The reading begins in the moment in which the failure is noticed. What would overwrite or
/// announce the failure waits for it, but no longer than ``patience``:
/// - the cell's next command, on the driver's thread. If the reader hangs, somebody else has the driver's lock, and the
///   command would wait behind the reader for the same lock;
/// - the report of the failure, its answer to clients, and all reports that follow them.
/// Evidence that arrives later is added to the record, and logged then.
struct PendingEvidence {
    /// How long a failure's announcement and the cell's next command wait for the console.
    static let patience = Duration.milliseconds(100)

    /// Readings that have not arrived, by number.
    var readings: Set<Int> = []
    /// Rings when all have arrived.
    let arrival = Bell()
    /// What follows, in order.
    var announcements: [() -> Void] = []
    /// Ends the patience; nil when it is over.
    var timer: Scheduled<Void>?
}

extension Supervisor {
    /// Keeps what can be read at once, and has the console read.
    func keepEvidence(_ cause: FailureCause, of name: String) {
        let observation = fleet.cells[name]?.lifecycle.sighting?.observation
        let exits = observation.map { view.exits(ofCell: $0.id) } ?? (nil, nil)
        let failure = FailureRecord(cause, of: observation, exits: exits)
        book.keep(failure, of: name)
        record.failuresChanged = true
        guard let lockedFiles else { return }

        lastReading += 1
        let number = lastReading
        var pending = evidence[name] ?? PendingEvidence()
        pending.readings.insert(number)
        if pending.timer == nil {
            pending.timer = eventLoop.scheduleTask(in: .nanoseconds(PendingEvidence.patience.wholeNanoseconds)) {
                self.assumeIsolated { $0.announce(name) }
            }
        }
        evidence[name] = pending
        lockedFiles.read { [eventLoop] reading in
            eventLoop.execute {
                self.assumeIsolated { $0.take(reading.console, number, for: failure, of: name) }
            }
        }
    }

    /// Reports what happened to a cell as it is now, with the evidence that is on its way.
    func announce(_ report: Report, of name: String) {
        guard let cell = shown(name) else { return }
        afterEvidence(of: name) { self.journal.tell(report, of: cell.with(self.book[name])) }
    }

    /// Does something that follows from a failure once its evidence is complete, or after ``PendingEvidence/patience``.
    func afterEvidence(of name: String, _ body: @escaping () -> Void) {
        if evidence[name]?.timer == nil { body() } else { evidence[name]?.announcements.append(body) }
    }

    /// Nothing more is waited for.
    func endEvidence() {
        for name in evidence.keys { announce(name) }
        evidence = [:]
    }

    private func take(_ console: String, _ number: Int, for failure: FailureRecord, of name: String) {
        guard !fleet.isEnding else { return }
        if let late = book.add(console, to: failure, of: name) {
            record.failuresChanged = true
            if evidence[name]?.timer == nil { logLate(late, of: name) }
        }
        guard evidence[name]?.readings.remove(number) != nil, evidence[name]?.readings.isEmpty == true else { return }
        // what the cell's next command may overwrite must be known to a successor
        saveState()
        evidence[name]?.arrival.ring()
        announce(name)
        evidence[name] = nil
    }

    private func announce(_ name: String) {
        evidence[name]?.timer?.cancel()
        evidence[name]?.timer = nil
        let announcements = evidence[name]?.announcements ?? []
        evidence[name]?.announcements = []
        for body in announcements { body() }
    }

    private func logLate(_ failure: FailureRecord, of name: String) {
        logger.notice(
            "\(name): the console could be read only now: \(failure.reason)", metadata: ["cell": "\(name)"])
        for line in failure.console {
            logger.info("\(name): console: \(line)", metadata: ["cell": "\(name)"])
        }
    }
}
