// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import CellConfiguration
import CellMachine

/// The commands `load` (without images: shut down) and `start`.
extension Machine {
    /// The index in ``cells`` of what a load, start or destroy is for.
    func find(_ reference: CellReference) -> Result<Int, Refusal> {
        guard isEnabled else { return .failure(.invalid) }
        let found = cells.firstIndex {
            switch reference {
            case .id(let id): $0.id == id
            case .name(let name): $0.name == name
            }
        }
        guard let found else { return .failure(.notFound) }
        return cells[found].isRoot ? .failure(.invalid) : .success(found)
    }

    mutating func refuse(_ command: String, _ index: Int) -> Step {
        report("denied: cell \"\(cells[index].name)\" denied the shutdown request of \(command)")
        return .answer(.notPermitted)
    }

    /// Asks the cell and parks its CPUs: whatever comes of the images, it has stopped.
    mutating func beginLoad(_ reference: CellReference, isShutdown: Bool) -> Step {
        let index: Int
        switch find(reference) {
        case .success(let found): index = found
        case .failure(let refusal): return .answer(refusal)
        }
        let command = isShutdown ? "shutdown" : "load"
        if let hang = hang(command, index) { return .freeze(hang) }
        switch exchange(.shutdownRequest, with: index) {
        case .refused: return refuse(command, index)
        case .endless(let reason):
            return .freeze(
                Freeze(command: command, target: cells[index].name, cell: cells[index].id, reason: reason))
        case .pending: return .wait
        case .settled: break
        }
        let wasRunning = cells[index].commState != .shutDown
        stop(index)
        cells[index].failedCPUs = []
        cells[index].commState = .shutDown
        if wasRunning || isShutdown { report("shut down: cell \"\(cells[index].name)\"") }
        console.print("Cell \"\(cells[index].name)\" can be loaded")
        let cost = isShutdown ? settings.timing.shutdown : settings.timing.load
        return .goOn(.copy(cells[index].id), after: cost)
    }

    /// Copies the images, up to the first that does not fit; the first region that has its address decides.
    mutating func copyImages(_ id: Int, _ images: [Request.Image], for request: RequestID) -> Step {
        guard let index = index(ofCell: id) else { return .answer(.notFound) }
        for (number, image) in images.enumerated() {
            guard let region = cells[index].descriptor.memoryRegions.first(where: { $0.contains(image.target) }),
                region.flags.isSuperset(of: [.loadable, .write]),
                image.size <= region.size - (image.target - region.virtualStart)
            else { return .goOn(.copied(id, .invalid), after: .zero) }
            guard image.isReadable else { return .goOn(.copied(id, .badAddress), after: .zero) }
            store(request, image: number, at: region.physicalStart &+ (image.target - region.virtualStart), for: index)
            cells[index].isFresh = true
        }
        return .goOn(.copied(id, nil), after: .zero)
    }

    /// The images are where they belong, as far as they fitted.
    mutating func finishLoad(_ id: Int, _ images: [Request.Image], _ refusal: Refusal?) -> Step {
        guard let index = index(ofCell: id) else { return .answer(.notFound) }
        park(index)
        if !images.isEmpty, refusal == nil {
            let bytes = images.reduce(0) { $0 &+ $1.size }
            report("loaded: cell \"\(cells[index].name)\", \(bytes) bytes")
        }
        return .answer(refusal)
    }

    /// The cell's CPUs notice one by one that they are parked; until the last one has, a start can be lost.
    private mutating func park(_ index: Int) {
        cells[index].settledAt = countSoon(.management, index) + settings.timing.settling
    }

    /// Lets the management exits of the cell's CPUs grow in a moment.
    ///
    /// - Returns: when the last of them will have grown.
    @discardableResult
    private mutating func countSoon(_ reason: ExitReason, _ index: Int) -> Duration {
        let begin = max(now, standsStillUntil)
        var last = begin
        for cpu in cells[index].cpus.sorted() {
            let at = begin + random.duration(in: settings.timing.noticing)
            cells[index].unnoticed.append(Cell.Notice(at: at, cpu: cpu))
            last = max(last, at)
        }
        return last
    }

    mutating func start(_ reference: CellReference) -> Step {
        let index: Int
        switch find(reference) {
        case .success(let found): index = found
        case .failure(let refusal): return .answer(refusal)
        }
        if let hang = hang("start", index) { return .freeze(hang) }
        switch exchange(.shutdownRequest, with: index) {
        case .refused: return refuse("start", index)
        case .endless(let reason):
            return .freeze(
                Freeze(command: "start", target: cells[index].name, cell: cells[index].id, reason: reason))
        case .pending: return .wait
        case .settled: break
        }
        let isEarly = max(now, standsStillUntil) < cells[index].settledAt
        let isUnlucky = isEarly && Double.random(in: 0..<1, using: &random) < settings.lostStarts
        let isLost = isUnlucky || cells[index].losesNextStart
        let isDirty = !cells[index].isFresh
        cells[index].startedWithoutLoad = isDirty && !isLost
        stop(index)
        cells[index].failedCPUs = []
        cells[index].commState = .running
        cells[index].losesNextStart = false
        cells[index].starts += 1
        if current != nil { cells[index].isOtherTools = false }
        cells[index].quietSince = now
        let name = cells[index].name
        console.print("Started cell \"\(name)\"")
        if isLost {
            // the CPUs never get to see it: what was loaded is as fresh as before
            cells[index].lostStarts += 1
            report("LOST: the start of cell \"\(name)\"; it says running, and nothing executes")
            return .goOn(.done, after: settings.timing.start)
        }
        countSoon(.management, index)
        // all of them begin at the reset address; on Arm the first one, without a word
        for cpu in cells[index].cpus.sorted() where settings.architecture == .x86 {
            console.print("CPU \(cpu) received SIPI, vector 100")
        }
        cells[index].isFresh = false
        if isDirty && !cells[index].program.runsWhatIsThere {
            report("started: cell \"\(name)\", without a load: its memory is dirty and nothing comes up")
        } else {
            report("started: cell \"\(name)\"" + (isDirty ? ", without a load: it runs what is in its memory" : ""))
            apply(cells[index].program.started(as: cells[index].descriptor), to: index)
        }
        return .goOn(.done, after: settings.timing.start)
    }
}

extension MemoryRegion {
    /// Whether the cell's address lies in it.
    fileprivate func contains(_ address: UInt64) -> Bool {
        address >= virtualStart && address - virtualStart < size
    }
}
