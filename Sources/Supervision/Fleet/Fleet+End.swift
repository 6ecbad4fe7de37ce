// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

// The end of the machine. The driver's own shutdown hook asks all cells, and Linux is stalled while it waits for one that
// does not answer. Therefore the cells that can be asked are stopped first, and the hypervisor is disabled.

/// All cells are being shut down within a limited time.
package struct ShutDown: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        /// The driver enabled or disabled the hypervisor when this was asked for.
        case waiting
        /// The next look shows which cells there are.
        case due
        case stopping
        case disabling
    }

    struct Stop: Hashable, Sendable {
        let cell: String
        let id: RequestID
        let until: Moment
    }

    let request: RequestID
    let deadline: Moment
    /// A part of the time is reserved for disabling the hypervisor.
    let lastStop: Moment
    var phase: Phase
    /// What was being done with the hypervisor.
    var interrupted: Interrupted?
    var stop: Stop?
    /// Cells that are to be stopped after that.
    var left: [String] = []
    var result = ShutDownResult()

    enum Interrupted: Hashable, Sendable {
        case enabling(Enabling)
        case disabling(Disabling)
    }

    var nextDeadline: Moment? {
        switch phase {
        case .waiting: lastStop
        case .due: nil
        case .stopping: stop?.until
        case .disabling: deadline
        }
    }
}

extension Fleet {
    mutating func shutDownAll(_ id: RequestID, _ effects: inout Effects) {
        guard hasDriver else { return answer(id, .failed(.noDriver), &effects) }
        var interrupted: ShutDown.Interrupted?
        switch machine {
        case .shuttingDown: return answer(id, .failed(.beingShutDown), &effects)
        case .enabling(let enabling) where enabling.phase == .due:
            if let id = enabling.request { answer(id, .failed(.shuttingDown(cell: nil)), &effects) }
        case .enabling(let enabling): interrupted = .enabling(enabling)
        case .disabling(let disabling): interrupted = .disabling(disabling)
        default: break
        }
        let deadline = open(id)?.deadline ?? effects.now
        let limit = deadline - effects.now
        set(id, .shutDownAll)
        machine = .shuttingDown(
            ShutDown(
                request: id, deadline: deadline, lastStop: effects.now + (limit - min(limit / 4, .seconds(5))),
                phase: interrupted == nil && !isDriverWithMachine ? .due : .waiting, interrupted: interrupted))
        releaseAll(&effects)
        mustLook = true
        // clients that waited for the hypervisor are answered
        beginDeferred(&effects)
    }

    /// Continues the end of the machine after a look.
    mutating func serveEnd(_ effects: inout Effects) {
        guard case .shuttingDown(var end) = machine else { return }
        let isFree = end.interrupted == nil && !isDriverWithMachine
        if end.phase == .waiting, isFree || effects.now >= end.lastStop {
            end.phase = .due
            machine = .shuttingDown(end)
        }
        if end.phase == .due {
            end.phase = .stopping
            end.left = stopOrder()
            machine = .shuttingDown(end)
        }
        stopNext(&effects)
    }

    /// Whether the driver is enabling or disabling the hypervisor, possibly for a client that was answered already.
    private var isDriverWithMachine: Bool {
        switch inDriver {
        case .enable, .disable: true
        case .command, nil: false
        }
    }

    /// Begins to stop the next cell, unless one is being stopped.
    private mutating func stopNext(_ effects: inout Effects) {
        while case .shuttingDown(var end) = machine, end.phase == .stopping, end.stop == nil {
            guard !end.left.isEmpty else { return disableAtEnd(&effects) }
            // a cell that refuses does not use up the time of the others
            let share = (end.lastStop - effects.now) / end.left.count
            let name = end.left.removeFirst()
            if let reason = reasonToLeave(name) {
                end.result.left.append(ShutDownResult.Left(cell: name, reason: reason))
                machine = .shuttingDown(end)
                continue
            }
            let id = nextID()
            end.stop = ShutDown.Stop(cell: name, id: id, until: effects.now + max(share, .zero))
            machine = .shuttingDown(end)
            cells[name]?.latestRequest = id
            mustLook = true
            feed(name, .ends(id), &effects)
            settleAnswers(&effects)
        }
    }

    /// Why a cell is not asked at all.
    private func reasonToLeave(_ name: String) -> FleetFailure? {
        guard let cell = cells[name], !cell.lifecycle.isMadeByOthers else {
            return .unknownAnswer(cell: name, to: .disable)
        }
        if cell.definition == nil {
            switch cell.lifecycle.knownHandshake {
            case .passive, .bounded: break
            case .unbounded, nil: return .unknownAnswer(cell: name, to: .disable)
            }
        }
        return remembered.silentCells.contains(name) ? .cell(name, .wouldFreeze) : nil
    }

    /// A cell answered.
    ///
    /// - Returns: whether it was one that is being stopped for the end.
    mutating func settleEnd(_ id: RequestID, _ failure: RequestFailure?, _ effects: inout Effects) -> Bool {
        guard case .shuttingDown(var end) = machine, let stop = end.stop, stop.id == id else { return false }
        end.stop = nil
        if let failure {
            end.result.left.append(ShutDownResult.Left(cell: stop.cell, reason: .cell(stop.cell, failure)))
        } else {
            end.result.stopped.append(stop.cell)
        }
        machine = .shuttingDown(end)
        mustLook = true
        if effects.isLook { stopNext(&effects) }
        return true
    }

    /// Gives up what has exceeded its time limit.
    mutating func expireEnd(_ effects: inout Effects) {
        guard case .shuttingDown(var end) = machine else { return }
        if let stop = end.stop, effects.now >= stop.until {
            let isDenied = cells[stop.cell]?.lifecycle.memory.lastAnswer == .denied
            let reason: FleetFailure = isDenied ? .deniesShutdown(stop.cell) : .timedOut(cell: stop.cell)
            end.stop = nil
            end.result.left.append(ShutDownResult.Left(cell: stop.cell, reason: reason))
            machine = .shuttingDown(end)
            feed(stop.cell, .withdrawn(stop.id), &effects)
            mustLook = true
        }
        if effects.now >= end.deadline, case .shuttingDown(let end) = machine {
            let isGiven = inDriver == .disable && end.interrupted == nil
            queue.removeAll { $0 == .disable }
            concludeEnd(end, notDisabled: isGiven ? .timedOut(cell: nil) : .notBegun, &effects)
        }
    }

    private mutating func disableAtEnd(_ effects: inout Effects) {
        guard case .shuttingDown(var end) = machine else { return }
        // one that was slow may have ended since
        for left in end.result.left where cells[left.cell] != nil && !isAsked(left.cell) {
            end.result.stopped.append(left.cell)
        }
        end.result.left.removeAll { cells[$0.cell] != nil && !isAsked($0.cell) }
        machine = .shuttingDown(end)
        // those that are left are not asked again
        releaseAll(&effects)
        guard isEnabled else { return concludeEnd(end, notDisabled: nil, &effects) }
        if !lostCPUs.isEmpty { return concludeEnd(end, notDisabled: .lostCPUs(lostCPUs), &effects) }
        if let danger = dangersOfDisabling.first(where: { $0.kind != .unverified }) {
            let failure: FleetFailure =
                danger.kind == .unknown ? danger.failure(of: .disable) : .unknownAnswer(cell: danger.cell, to: .disable)
            return concludeEnd(end, notDisabled: failure, &effects)
        }
        end.phase = .disabling
        machine = .shuttingDown(end)
        noteDestroyed()
        queue.append(.disable)
    }

    /// No client asked for the end of cells that have no definition, so they are named.
    mutating func noteDestroyed() {
        guard case .shuttingDown(var end) = machine, end.phase == .disabling else { return }
        end.result.destroyed = othersThatExist.filter { !end.result.stopped.contains($0) }
        machine = .shuttingDown(end)
    }

    mutating func concludeEnd(_ end: ShutDown, notDisabled: FleetFailure?, _ effects: inout Effects) {
        var result = end.result
        result.left += end.left.map { ShutDownResult.Left(cell: $0, reason: .notBegun) }
        result.notDisabled = notDisabled
        if notDisabled != nil { result.destroyed = [] }
        switch end.interrupted {
        case .enabling(let enabling): machine = .enabling(enabling)
        case .disabling(let disabling): machine = .disabling(disabling)
        case nil: machine = isEnabled ? .enabled : hasDriver ? .disabled(nil) : .noDriver(wanted: false)
        }
        answer(end.request, .shutDown(result), &effects)
    }

    private func stopOrder() -> [String] {
        // only the relative order counts
        let started = remembered.startOrder.enumerated().map { ($1, Moment(nanoseconds: Int64($0))) }
        return order.stopOrder(of: names.filter(isAsked), started: Dictionary(started) { $1 })
            + nameless.filter { $0.observation.state.isAskedToShutDown }.map(\.label)
    }

    /// Whether the hypervisor would ask it before it stops it.
    private func isAsked(_ name: String) -> Bool {
        cells[name]?.lifecycle.sighting?.observation?.state.isAskedToShutDown == true
    }

    /// Remembers in which order cells were started.
    mutating func noteStart(of name: String) {
        remembered.silentCells.remove(name)
        remembered.startOrder.removeAll { $0 == name || cells[$0] == nil }
        remembered.startOrder.append(name)
    }
}
