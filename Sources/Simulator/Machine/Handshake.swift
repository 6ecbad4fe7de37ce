import CellConfiguration

/// How a message to a cell ended.
enum Exchange {
    /// Agreed, or there was nobody to ask.
    case settled
    case refused
    /// The hypervisor waits for ever, and Linux with it.
    case endless(reason: String)
}

extension Machine {
    /// Says something to a cell and waits for the answer, with the whole root cell suspended.
    ///
    /// A cell that does not answer within its timeout is stopped and failed; Linux has stood still for that long.
    mutating func exchange(_ message: Message, with index: Int) -> Exchange {
        let descriptor = cells[index].descriptor
        guard !descriptor.isPassive, cells[index].commState != .shutDown, cells[index].commState != .failed else {
            return .settled
        }
        if let reply = cells[index].program.reply(to: message) {
            switch (message, reply) {
            case (.shutdownRequest, .approved), (.reconfigurationCompleted, .received): return .settled
            default: return .refused
            }
        }
        guard descriptor.messageReplyTimeout > 0 else {
            let what = message == .shutdownRequest ? "shutdown request" : "news of a reconfiguration"
            return .endless(reason: "cell \"\(cells[index].name)\" does not answer the \(what) and has no timeout")
        }
        let loops = Double(descriptor.messageReplyTimeout)
        standsStillUntil = max(now, standsStillUntil) + settings.timing.replyLoop * loops
        cells[index].program.stopped()
        cells[index].commState = .failed
        console.print("Timeout expired while waiting for reply from target cell")
        report("cell \"\(cells[index].name)\" did not answer in time: failed, after Linux stood still")
        return .settled
    }

    /// Tells every cell but `id` that cells have come or gone; they are asked one after the other.
    ///
    /// - Returns: nil when all know; else the cell that is waited for without end, and why.
    mutating func announceReconfiguration(except id: Int) -> (cell: Int, reason: String)? {
        for index in cells.indices where cells[index].id != id && !cells[index].isRoot {
            guard cells[index].phase == .present else { continue }
            if case .endless(let reason) = exchange(.reconfigurationCompleted, with: index) {
                return (cells[index].id, reason)
            }
        }
        return nil
    }

    /// Whether cells may come and go: not while one says `running/locked`, unless it is the one that goes.
    func mayReconfigure(except id: Int) -> Bool {
        !cells.contains { !$0.isRoot && $0.id != id && $0.phase == .present && $0.commState == .runningLocked }
    }
}
