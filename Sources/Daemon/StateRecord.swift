// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Logging
import Supervision
import SystemdSupport

/// What is in the state file, and what should be.
struct StateRecord {
    let file: StateFile
    let logger: Logger
    /// Of cells with a definition, by name; the records of those whose definition cannot be used are kept.
    var failures: [String: [FailureRecord]] = [:]
    var failuresChanged = false
    /// What the cells that exist were created with, as an earlier daemon knew it.
    private(set) var created = CreatedCells()
    /// What an earlier daemon enabled the hypervisor with.
    private(set) var inForce = SystemInForce()
    /// ``CreatedCells/changes`` and ``SystemInForce/changes`` in the file.
    private var writtenChanges = 0
    /// All was shut down for the end of the machine: see ``StateFile/Contents/isEndedWithMachine``.
    var isEndedWithMachine = false {
        didSet { if isEndedWithMachine != oldValue { hasWritten = false } }
    }
    private var bootID = ""
    private var written = FleetMemory()
    private var hasWritten = false
    /// The file could not be written; said once.
    private var problem: String?

    /// Whether the last attempt to write, if any was needed, succeeded.
    var isSaved: Bool { problem == nil }

    init(file: StateFile, logger: Logger) {
        self.file = file
        self.logger = logger
    }

    /// - Returns: what an earlier daemon knew; nil when this is the first of this boot.
    mutating func read() throws(StartError) -> FleetMemory? {
        bootID = try StateFile.bootID()
        switch file.read(bootID: bootID) {
        case .shortage(let reason): throw StartError(reason)
        case .none: return nil
        case .contents(let contents):
            failures = contents.failures
            created = CreatedCells(contents.created ?? [:])
            inForce = SystemInForce(contents.system)
            if contents.isEndedWithMachine == true {
                // as in a new boot, except that cells may be left that are known not to answer
                var memory = FleetMemory()
                memory.silentCells = contents.silentCells ?? []
                memory.lostCPUs = contents.losses
                memory.beginsAnew = true
                return memory
            }
            written = contents.fleet
            hasWritten = true
            return written
        case .unusable(let reason):
            logger.record(
                .stateIgnored,
                "the state file \(file.path) is ignored: \(reason); running cells are adopted as they are")
            var memory = FleetMemory()
            memory.isLost = true
            return memory
        }
    }

    /// Writes what has changed.
    mutating func save(
        _ fleet: Fleet, failures current: @autoclosure () -> [String: [FailureRecord]],
        created: CreatedCells = CreatedCells(), inForce: SystemInForce = SystemInForce()
    ) {
        let changes = created.changes + inForce.changes
        let isWritten = hasWritten && changes == writtenChanges
        guard failuresChanged || !isWritten || fleet.differs(from: written) else { return }
        failures.merge(current()) { $1 }
        let memory = fleet.memory
        do {
            var contents = StateFile.Contents(
                bootID: bootID, memory, failures: failures, isEndedWithMachine: isEndedWithMachine)
            contents.created = created.records
            contents.system = inForce.record
            try file.write(contents)
            (written, hasWritten, failuresChanged, writtenChanges) = (memory, true, false, changes)
            if problem != nil { logger.record(.stateWritable, "state file \(file.path) is writable again") }
            problem = nil
        } catch {
            guard problem == nil else { return }
            problem = "\(error)"
            logger.record(
                .stateUnwritable,
                """
                cannot write the state file (\(error)): free space there; supervision continues, but restart counts and \
                stopped cells are forgotten if the daemon is restarted
                """)
        }
    }
}

extension StateFile.Contents {
    init(
        bootID: String, _ memory: FleetMemory, failures: [String: [FailureRecord]], isEndedWithMachine: Bool = false
    ) {
        self.init(bootID: bootID)
        self.isEndedWithMachine = isEndedWithMachine ? true : nil
        isDisabledByRequest = memory.isDisabledByRequest
        cells = memory.cells
        self.failures = failures.filter { !$0.value.isEmpty }
        startOrder = memory.startOrder
        silentCells = memory.silentCells
        lostCPUs = memory.lostCPUs.parked.isEmpty ? nil : memory.lostCPUs.parked
        stoppedCPUs = memory.lostCPUs.stopped.isEmpty ? nil : memory.lostCPUs.stopped
    }

    var losses: LostCPUs { LostCPUs(parked: lostCPUs ?? [], stopped: stoppedCPUs ?? []) }

    var fleet: FleetMemory {
        var memory = FleetMemory()
        memory.isDisabledByRequest = isDisabledByRequest
        memory.cells = cells
        memory.startOrder = startOrder ?? []
        memory.silentCells = silentCells ?? []
        memory.lostCPUs = losses
        return memory
    }
}
