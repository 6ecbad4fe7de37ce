// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ControlInterface
import FailureReports
import Hypervisor
import Logging
import NIOCore
import Supervision
import SystemCalls
import SystemdSupport

/// The files that take the driver's lock, and what follows from them: evidence of failures, CPUs that Linux lost.
///
/// Reading the console waits for the driver's lock, as long as a command of any program lasts, so ``LockedFiles`` reads
/// it on a thread of its own. The reading begins in the moment in which a failure is noticed. What would overwrite or
/// announce the failure waits for it, but no longer than ``patience``:
/// - the cell's next command, on the driver's thread. If the reader hangs, somebody else has the driver's lock, and the
///   command would wait behind the reader for the same lock;
/// - the report of the failure, its answer to clients, and all reports that follow them.
/// Evidence that arrives later is added to the record, and logged then.
///
/// Belongs to the event loop.
final class EvidenceKeeper {
    /// How long the cell's next command waits for the console, and by default a failure's announcement.
    static let patience = Duration.milliseconds(100)

    /// What is on its way for one cell.
    private struct Pending {
        /// Readings that have not arrived, by number.
        var readings: Set<Int> = []
        /// Rings when all have arrived.
        let arrival = Bell()
        /// What follows, in order.
        var announcements: [() -> Void] = []
        /// Ends the patience; nil when it is over.
        var timer: Scheduled<Void>?
    }

    /// Adds what the console showed to a failure of a cell; returns the failure with it, or nil when it is not kept any
    /// more.
    var add: (_ console: String, FailureRecord, _ cell: String) -> FailureRecord? = { _, _, _ in nil }
    /// What is known of a cell, or of Linux, and of the machine.
    var surroundings: (_ cell: String?, LinuxFacts) -> Surroundings = { _, _ in Surroundings() }
    /// Called with each reading of the console.
    var heard: (LockedFiles.Reading) -> Void = { _ in }
    /// Called when the console says that a CPU was lost.
    var hasLost: () -> Void = {}
    /// Called when all evidence of a cell is there, before its next command can overwrite anything.
    var isComplete: () -> Void = {}

    private let eventLoop: any EventLoop
    private let logger: Logger
    private let patience: Duration
    private var files: LockedFiles?
    private var pending: [String: Pending] = [:]
    private var lastReading = 0
    private var lost = CPULosses()
    private var feed = ConsoleFeed()
    /// The root cell that the console was looked through for last; nil while the hypervisor is disabled.
    private var lookedThrough: String?
    private var faults = DeviceFaults()
    private let linux: LinuxFacts.Reader

    /// - Parameter machine: what Linux says of itself; nil: it is not asked.
    init(
        eventLoop: any EventLoop, logger: Logger, machine: MachineFiles? = nil,
        patience: Duration = EvidenceKeeper.patience
    ) {
        linux = LinuxFacts.Reader(machine)
        self.eventLoop = eventLoop
        self.logger = logger
        self.patience = patience
    }

    /// Starts the thread that reads.
    ///
    /// - Parameters:
    ///   - directory: of the driver in sysfs.
    ///   - device: the driver's.
    ///   - lostCPUs: those that an earlier daemon knew of.
    ///   - precedence: of that thread.
    /// - Throws: ``StartError`` when the system has no thread left.
    func begin(
        _ directory: String, device: String = "/dev/jailhouse", lostCPUs: LostCPUs = LostCPUs(),
        precedence: Precedence = .none
    ) throws(StartError) {
        lost = CPULosses(known: lostCPUs)
        let (eventLoop, bound, linux) = (eventLoop, NIOLoopBound(self, eventLoop: eventLoop), linux)
        do {
            files = try LockedFiles(directory: directory, device: device, precedence: precedence) { reading in
                let facts = linux.facts(for: reading)
                eventLoop.execute { bound.value.note(reading, facts) }
            }
        } catch {
            throw StartError("\(error)")
        }
    }

    /// Nothing more is waited for.
    func end() {
        files = nil
        feed.finish()
        for name in pending.keys { announce(name) }
        pending = [:]
        (add, isComplete, surroundings, heard, hasLost) = (
            { _, _, _ in nil }, {}, { _, _ in Surroundings() }, { _ in }, {}
        )
    }

    /// The last complete reading; nil before the first.
    var latest: LockedFiles.Reading? { files?.latest }
    /// CPUs that the hypervisor took.
    var lostCPUs: LostCPUs { lost.cpus }
    /// Those of them on which the hypervisor itself failed.
    var stoppedCPUs: [Int] { lost.stopped }
    /// The same as ``lostCPUs``, with what is known of each.
    var losses: [CPULosses.Loss] { lost.losses }
    /// What IOMMUs reported of devices.
    var deviceFaults: DeviceFaults { faults }

    /// The hypervisor is not enabled: no CPU is in its hands.
    func forgetLostCPUs() { lost.forget() }

    /// Has everything read again: a command may have changed the pools.
    func readAgain() {
        files?.read()
    }

    /// Has the console read for a failure of a cell that was noticed now.
    func keep(_ failure: FailureRecord, of name: String) {
        guard let files else { return }
        lastReading += 1
        let number = lastReading
        let (eventLoop, bound) = (eventLoop, NIOLoopBound(self, eventLoop: eventLoop))
        var cell = pending[name] ?? Pending()
        cell.readings.insert(number)
        if cell.timer == nil {
            cell.timer = eventLoop.scheduleTask(in: .nanoseconds(patience.wholeNanoseconds)) {
                bound.value.announce(name)
            }
        }
        pending[name] = cell
        files.read { reading in
            eventLoop.execute { bound.value.take(reading.console, number, for: failure, of: name) }
        }
    }

    /// Rings when the evidence of a cell is there; nil when none is on its way.
    func arrival(of name: String) -> Bell? { pending[name]?.arrival }

    /// Does something that follows from a failure of a cell once its evidence is complete, or after ``patience``.
    func after(_ name: String, _ body: @escaping () -> Void) {
        if pending[name]?.timer == nil { body() } else { pending[name]?.announcements.append(body) }
    }

    private func take(_ console: String, _ number: Int, for failure: FailureRecord, of name: String) {
        guard files != nil else { return }
        if let late = add(console, failure, name), pending[name]?.timer == nil { logLate(late, of: name) }
        guard pending[name]?.readings.remove(number) != nil, pending[name]?.readings.isEmpty == true else { return }
        isComplete()
        pending[name]?.arrival.ring()
        announce(name)
        pending[name] = nil
    }

    private func announce(_ name: String) {
        pending[name]?.timer?.cancel()
        pending[name]?.timer = nil
        let announcements = pending[name]?.announcements ?? []
        pending[name]?.announcements = []
        for body in announcements { body() }
    }

    /// Calls back when the console has been read, or after ``patience``.
    ///
    /// - Parameter always: also when it was read just now.
    func refresh(always: Bool = false, _ done: @escaping () -> Void) {
        guard let files, always || latest.map({ $0.at.duration(to: .now) > ConsoleReader.pause }) ?? true else {
            return done()
        }
        let (eventLoop, waits) = (eventLoop, NIOLoopBoundBox(done as (() -> Void)?, eventLoop: eventLoop))
        let end: @Sendable () -> Void = {
            let done = waits.value
            waits.value = nil
            done?()
        }
        files.read { _ in eventLoop.execute(end) }
        eventLoop.scheduleTask(in: .nanoseconds(patience.wholeNanoseconds), end)
    }

    /// What the console has printed, then what it prints.
    ///
    /// - Parameter follows: whether to go on after what is there.
    func console(follows: Bool) -> (id: Int?, replies: AsyncStream<Manager.Console.Reply>) {
        let age = latest.map { $0.at.duration(to: .now).microseconds }
        let replies = feed.replies(now: Clock.realTime(), age: age)
        guard follows, files != nil else {
            return (
                nil,
                AsyncStream { continuation in
                    for reply in replies { continuation.yield(reply) }
                    continuation.finish()
                }
            )
        }
        let (id, stream) = feed.add(first: replies)
        files?.follow(true)
        return (id, stream)
    }

    func unfollow(_ id: Int) {
        feed.remove(id)
        files?.follow(feed.isFollowed)
    }

    private func note(_ reading: LockedFiles.Reading, _ facts: LinuxFacts) {
        guard files != nil else { return }
        feed.take(reading.news, at: Clock.realTime())
        heard(reading)
        guard let rootCell = reading.rootCellName else {
            lookedThrough = nil
            _ = lost.note(reading)
            return faults.forget()
        }
        // looking through it takes time, and most readings show nothing new
        guard !reading.added.isEmpty || lookedThrough != rootCell else { return }
        lookedThrough = rootCell
        let losses = lost.note(reading) { surroundings($0, facts) }
        for message in losses { logger.record(.linuxLostCPU, "\(message)") }
        if !losses.isEmpty { hasLost() }
        for message in faults.note(reading.added, at: Clock.realTime(), in: surroundings(nil, facts)) {
            logger.record(.deviceFault, "\(message)")
        }
    }

    private func logLate(_ failure: FailureRecord, of name: String) {
        logger.record(
            .cellEvidenceLate, "\(name): the console could be read only now: \(failure.reason)",
            metadata: ["cell": "\(name)"])
        for line in failure.console {
            logger.record(.cellConsole, "\(name): console: \(line)", metadata: ["cell": "\(name)"])
        }
    }
}
