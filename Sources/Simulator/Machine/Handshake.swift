// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import CellConfiguration

/// How a message to a cell ended.
enum Exchange {
    /// Agreed, or no cell had to be asked.
    case settled
    case refused
    /// The cell has been notified and has not replied yet: the same again when it has.
    case pending
    /// The hypervisor waits indefinitely, and Linux with it.
    case endless(reason: String)
}

/// A message that a cell has not answered yet, or whose answer has not been looked at.
struct Conversation: Hashable, Sendable {
    enum End: Hashable, Sendable {
        case reply(CommunicationRegion.Reply)
        /// It wrote that it has ended instead of answering.
        case ended
        /// The hypervisor lost its patience.
        case timeout
    }

    let incarnation: UInt64
    let message: CommunicationRegion.Message
    /// When the hypervisor loses its patience; where it has none to lose, when a person would lose theirs.
    var deadline: Duration
    var end: End?
}

extension Machine {
    /// A cell that has a second to answer in this machine has one on any clock.
    private static let shortestLoop = Duration.microseconds(1)
    /// A machine whose hypervisor has waited so long for a cell without a timeout is called frozen.
    private static let patience = Duration.seconds(3)

    /// Says something to a cell and waits for the answer, with the whole root cell suspended.
    ///
    /// A cell that does not answer within its timeout is stopped and failed; Linux has stood still for that long.
    mutating func exchange(_ message: CommunicationRegion.Message, with index: Int) -> Exchange {
        let descriptor = cells[index].descriptor
        let incarnation = cells[index].incarnation
        if let conversation, conversation.incarnation == incarnation, conversation.message == message {
            guard let end = conversation.end else { return .pending }
            self.conversation = nil
            return conclude(message, with: index, end)
        }
        guard !descriptor.isPassive, cells[index].commState != .shutDown, cells[index].commState != .failed else {
            return .settled
        }
        let loops = Double(descriptor.messageReplyTimeout)
        switch cells[index].program.answer(to: message) {
        case .reply(let reply): return conclude(message, with: index, .reply(reply))
        case .pending:
            let limit = loops > 0 ? max(settings.timing.replyLoop, Machine.shortestLoop) * loops : Machine.patience
            conversation = Conversation(incarnation: incarnation, message: message, deadline: now + limit)
            give([.send(message)], to: index)
            return .pending
        case .silence:
            guard loops > 0 else { return .endless(reason: silence(of: message, with: index)) }
            standsStillUntil = max(now, standsStillUntil) + settings.timing.replyLoop * loops
            return conclude(message, with: index, .timeout)
        }
    }

    private func silence(of message: CommunicationRegion.Message, with index: Int) -> String {
        let what = message == .shutdownRequest ? "shutdown request" : "news of a reconfiguration"
        return "cell \"\(cells[index].name)\" does not answer the \(what) and has no timeout"
    }

    private mutating func conclude(_ message: CommunicationRegion.Message, with index: Int, _ end: Conversation.End)
        -> Exchange
    {
        switch (message, end) {
        case (_, .ended), (.shutdownRequest, .reply(.requestApproved)),
            (.reconfigurationCompleted, .reply(.messageReceived)):
            return .settled
        case (_, .reply): return .refused
        case (_, .timeout):
            stop(index)
            cells[index].commState = .failed
            console.print("Timeout expired while waiting for reply from target cell")
            report("cell \"\(cells[index].name)\" did not answer in time: failed, after Linux stood still")
            return .settled
        }
    }

    // MARK: answers that take their time

    mutating func endConversation(with incarnation: UInt64, by reply: CommunicationRegion.Reply) {
        endConversation(with: incarnation, .reply(reply))
    }

    mutating func endConversation(with incarnation: UInt64, by state: CellState.Word) {
        if state == .shutDown || state == .failed { endConversation(with: incarnation, .ended) }
    }

    private mutating func endConversation(with incarnation: UInt64, _ end: Conversation.End) {
        guard conversation?.incarnation == incarnation, conversation?.end == nil else { return }
        conversation?.end = end
        guard freeze != nil else { return }
        freeze = nil
        report("the cell answered late: the machine continues")
    }

    /// When the hypervisor, or the person who watches it, loses patience; nil: it does not wait for a cell.
    var patienceEnds: Duration? { conversation.flatMap { $0.end == nil ? $0.deadline : nil } }

    mutating func losePatience() {
        guard let waiting = conversation, waiting.end == nil, waiting.deadline <= now else { return }
        guard let index = cells.firstIndex(where: { $0.incarnation == waiting.incarnation }) else {
            conversation = nil
            return
        }
        if cells[index].descriptor.messageReplyTimeout > 0 {
            conversation?.end = .timeout
        } else {
            freeze(waitingFor: index, reason: silence(of: waiting.message, with: index))
        }
    }

    // MARK: others

    /// Notifies every cell but `id` that a cell was created or destroyed; they are asked one after the other.
    mutating func announceReconfiguration(except id: Int) -> (exchange: Exchange, cell: Int) {
        for index in cells.indices where cells[index].id != id && !cells[index].isRoot {
            guard cells[index].phase == .present, !informed.contains(cells[index].incarnation) else { continue }
            switch exchange(.reconfigurationCompleted, with: index) {
            case .settled, .refused: informed.insert(cells[index].incarnation)
            case .pending: return (.pending, cells[index].id)
            case .endless(let reason): return (.endless(reason: reason), cells[index].id)
            }
        }
        informed = []
        return (.settled, id)
    }

    /// Whether cells may come and go: not while one says `running/locked`, unless it is the one that goes.
    func mayReconfigure(except id: Int) -> Bool {
        !cells.contains { !$0.isRoot && $0.id != id && $0.phase == .present && $0.commState == .runningLocked }
    }
}
