import CellDefinition
import ControlInterface
import Hypervisor
import JailhouseInterface
import Logging
import NIOCore
import Supervision

/// The end of the machine. The driver's own shutdown hook asks all cells, and waits for one that does not answer with
/// Linux standing still: so those that can be asked are stopped before, and the hypervisor with them.
extension Supervisor {
    /// Stops all cells as far as that cannot freeze Linux, and disables the hypervisor.
    ///
    /// - Parameter limit: for all of it; at most ten minutes.
    func shutDownAll(within limit: Duration) async throws -> Manager.ShutDownAll.Reply {
        guard view.hasDriver else { throw ManagerError.noDriver }
        guard !isShuttingDown else { throw ManagerError.beingShutDown }
        isShuttingDown = true
        defer { isShuttingDown = false }
        let limit = min(max(limit, .zero), .seconds(600))
        let deadline = Clock.now() + limit
        // some of the time is the hypervisor's
        let lastStop = Clock.now() + (limit - min(limit / 4, .seconds(5)))
        // whoever enables it now goes on from there before cells are looked for
        await machineCommandEnds(by: lastStop)
        wantsEnable = false
        releaseAll()
        poll()

        var reply = Manager.ShutDownAll.Reply()
        let order = stopOrder()
        for (index, name) in order.enumerated() {
            // nobody who refuses takes the others' time
            let share = (lastStop - Clock.now()) / (order.count - index)
            if let problem = await stop(name, by: Clock.now() + max(share, .zero)) {
                reply.left.append(Manager.LeftCell(cell: name, message: problem))
            } else {
                reply.stopped.append(name)
            }
        }
        poll()
        // who was slow may have ended since
        for cell in reply.left where !isAsked(cell.cell) { reply.stopped.append(cell.cell) }
        reply.left.removeAll { !isAsked($0.cell) }
        // who is left is not asked again
        releaseAll()
        reply.message = await disable(by: deadline)
        reply.disabled = reply.message == nil
        for line in reply.lines { logger.notice("\(line)") }
        return reply
    }

    /// Wants nothing of any cell any more: none is started or restarted. Remembers who does not answer.
    func releaseAll() {
        let now = Clock.now()
        for (name, cell) in cells {
            if cell.isSilent { state.silentCells = (state.silentCells ?? []).union([name]) }
            feed(name, .released, at: now)
        }
    }

    /// Remembers in which order cells were started.
    func noteStart(of name: String) {
        state.silentCells?.remove(name)
        state.startOrder = (state.startOrder ?? []).filter { $0 != name && cells[$0] != nil } + [name]
    }

    private func stopOrder() -> [String] {
        // what counts is which came before which
        let started = (state.startOrder ?? []).enumerated().map { ($1, Moment(nanoseconds: Int64($0))) }
        return order.stopOrder(
            of: cells.keys.filter(isAsked), started: Dictionary(started) { $1 })
    }

    /// Whether the hypervisor would ask it before it stops it.
    private func isAsked(_ name: String) -> Bool {
        cells[name]?.lifecycle.sighting?.observation?.state.isAskedToShutDown == true
    }

    private func isSilent(_ name: String) -> Bool {
        state.silentCells?.contains(name) == true
    }

    /// - Returns: why it is not stopped, or nil.
    private func stop(_ name: String, by deadline: Moment) async -> String? {
        if cells[name]?.definition == nil {
            return "it has no definition, so it is not known whether it answers; it is left alone"
        }
        if isSilent(name) { return ManagerError(RequestFailure.wouldFreeze, cell: name).message }
        do {
            try await wait(until: deadline) { id in
                feed(name, .requested(.stop, id), at: Clock.now())
                poll()
            }
            return nil
        } catch is OutOfTime where cells[name]?.lifecycle.memory.lastAnswer == .denied {
            return "it denies the shutdown request and runs on"
        } catch {
            return error.sentence
        }
    }

    /// - Returns: why the hypervisor is not disabled, or nil.
    private func disable(by deadline: Moment) async -> String? {
        guard view.isEnabled else { return nil }
        if let danger = dangerOfDisabling?.cell {
            return "to disable it would ask \(danger), and Linux may stand still for ever"
        }
        do {
            try await wait(until: deadline) { id in
                Task {
                    do {
                        try await disableMachine(by: deadline)
                        conclude(id, nil)
                    } catch {
                        conclude(id, error)
                    }
                }
            }
            return nil
        } catch {
            return error.sentence
        }
    }

    /// Waits until nobody enables or disables the hypervisor any more, or until it is too late.
    private func machineCommandEnds(by deadline: Moment) async {
        wantsEnable = false
        if let enabling {
            try? await wait(until: deadline) { id in
                Task {
                    await enabling.value
                    conclude(id, nil)
                }
            }
        }
        while isMachineCommandInFlight, Clock.now() < deadline {
            // not a sleep, which is none once who asked has gone: this goes on all the same
            await withCheckedContinuation { continuation in
                eventLoop.scheduleTask(in: .milliseconds(10)) { continuation.resume() }
            }
        }
    }

    /// Begins something and waits until it is concluded, or until it is too late.
    private func wait(until deadline: Moment, for begin: (RequestID) -> Void) async throws {
        lastRequest += 1
        let id = lastRequest
        let pause = max(deadline - Clock.now(), .zero)
        let timer = eventLoop.scheduleTask(in: .nanoseconds(pause.wholeNanoseconds)) {
            self.assumeIsolated { $0.conclude(id, OutOfTime()) }
        }
        defer { timer.cancel() }
        try await withCheckedThrowingContinuation { continuation in
            answers[id] = continuation
            begin(id)
        }
    }

    private func conclude(_ id: RequestID, _ error: (any Error)?) {
        guard let continuation = answers.removeValue(forKey: id) else { return }
        if let error { continuation.resume(throwing: error) } else { continuation.resume() }
    }
}

private struct OutOfTime: Error, CustomStringConvertible {
    let description = "not done when its time was over"
}

extension ManagedCell {
    /// Whether its inmate is taken to be dead although the hypervisor says that it runs, and would be waited for
    /// without end.
    var isSilent: Bool {
        guard case .unbounded = lifecycle.handshake else { return false }
        return lifecycle.isKnownSilent || lifecycle.memory.failure?.isDeclared == true
    }
}
