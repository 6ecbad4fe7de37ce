// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

// The driver has one lock, so it is given one command at a time. Whether a command may be given is decided when its turn
// comes, not when it was requested: another command may take long, and a cell may become silent meanwhile.

extension Fleet {
    /// A cell has decided on a command.
    mutating func launch(_ command: Command, for name: String, _ effects: inout Effects) {
        guard cells[name]?.definition != nil || command == .shutDown else {
            return finish(command, of: name, .refused(.noDefinition), &effects)
        }
        if holds(command, for: name, &effects) { return }
        if command == .load && readsImages {
            let decidedOn = cells[name]?.lifecycle.sighting
            cells[name]?.reading = FleetCell.Reading(decidedOn: decidedOn)
            effects.actions.append(.readImages(of: name, decidedOn: decidedOn))
            return
        }
        queue.append(.command(command, of: name, decidedOn: cells[name]?.lifecycle.sighting))
    }

    /// The load waits for its turn now; without its images it is refused.
    mutating func imagesRead(of name: String, _ refusal: Refusal?, _ effects: inout Effects) {
        guard let reading = cells[name]?.reading else { return }
        cells[name]?.reading = nil
        if let refusal { return finish(.load, of: name, .refused(refusal), &effects) }
        queue.append(.command(.load, of: name, decidedOn: reading.decidedOn))
        // the driver is given work only after a look
        mustLook = true
    }

    /// Drops a load that is no longer wanted; it does not wait for its images.
    mutating func dropUnwantedReadings(_ effects: inout Effects) {
        for name in names where cells[name]?.reading != nil {
            if cells[name]?.lifecycle.memory.goal == .run && isEnabled && cells[name]?.definition != nil { continue }
            cells[name]?.reading = nil
            finish(.load, of: name, .overtaken, &effects)
        }
    }

    /// Gives the driver the first work that may be done now.
    mutating func serveQueue(_ effects: inout Effects) {
        var index = 0
        while inDriver == nil, index < queue.count {
            let work = queue[index]
            switch readiness(of: work, at: effects.now) {
            case .ready:
                queue.remove(at: index)
                inDriver = work
                effects.actions.append(.give(work))
            case .waits: index += 1
            case .rejected(let rejection):
                queue.remove(at: index)
                reject(work, rejection, &effects)
                // which may bring new work
                settleAnswers(&effects)
                index = 0
            }
        }
    }

    private enum Readiness {
        case ready, waits
        case rejected(Rejection)
    }

    enum Rejection: Hashable, Sendable {
        case noDefinition
        case danger(Danger)
        /// A disable is objected to by now.
        case objection(FleetFailure)
        /// It would wait for CPUs that are lost.
        case lostCPUs(LostCPUs)
        /// All cells are being shut down.
        case shuttingDown
        /// The hypervisor is no longer enabled, or no longer to be disabled.
        case disabled
        /// A cell that it waits for no longer runs.
        case mustWait
        /// The cell is no longer to be brought up.
        case unwanted
    }

    private func readiness(of work: DriverWork, at now: Moment) -> Readiness {
        switch work {
        case .command(let command, let name, _):
            guard cells[name]?.definition != nil || command == .shutDown else { return .rejected(.noDefinition) }
            guard look.hypervisor == .enabled else { return .rejected(.disabled) }
            if case .shuttingDown = machine, command.bringsUp {
                return .rejected(.shuttingDown)
            }
            if command.bringsUp, !isWanted(command, for: name) { return .rejected(.unwanted) }
            if lostCPUs.objection(to: command) != nil { return .rejected(.lostCPUs(lostCPUs)) }
            // what it waits for may have failed since
            if command.bringsUp, cells[name]?.lifecycle.memory.goal == .run, wait(of: name) != nil {
                return .rejected(.mustWait)
            }
            // load and start ask the cell itself only, which has been judged
            guard command.notifiesOthers else { return .ready }
            return readiness(judged: dangers(besides: name))
        case .enable:
            return .ready
        case .disable:
            guard let deadline = disableDeadline else { return .rejected(.disabled) }
            if now >= deadline { return .rejected(.objection(.notBegun)) }
            if !lostCPUs.isEmpty { return .rejected(.objection(.lostCPUs(lostCPUs))) }
            if case .disabling(let disabling) = machine, look.showsAll,
                let failure = objection(toDisabling: disabling.others)
            {
                return .rejected(.objection(failure))
            }
            return readiness(judged: dangersOfDisabling)
        }
    }

    private func isWanted(_ command: Command, for name: String) -> Bool {
        let goal = cells[name]?.lifecycle.memory.goal
        return goal == .run || command == .create && goal == .exist
    }

    private func readiness(judged dangers: [Danger]) -> Readiness {
        if let danger = dangers.lasting { return .rejected(.danger(danger)) }
        return dangers.isEmpty && look.showsAll ? .ready : .waits
    }

    private mutating func reject(_ work: DriverWork, _ reason: Rejection, _ effects: inout Effects) {
        switch work {
        case .command(let command, let name, _):
            switch reason {
            case .danger(let danger):
                if holdsBack(command, for: name, danger, &effects) { return }
                finish(command, of: name, .refused(Refusal(danger, command, name)), &effects)
            case .noDefinition: finish(command, of: name, .refused(.noDefinition), &effects)
            case .lostCPUs(let lost):
                finish(command, of: name, .refused(Refusal(lost, command, name)), &effects)
            case .shuttingDown, .disabled, .mustWait, .unwanted, .objection:
                finish(command, of: name, .overtaken, &effects)
            }
        case .enable: break
        case .disable:
            switch reason {
            case .danger(let danger): keepEnabled(danger.failure(of: .disable), &effects)
            case .objection(let failure): keepEnabled(failure, &effects)
            case .noDefinition, .lostCPUs, .shuttingDown, .disabled, .mustWait, .unwanted: break
            }
        }
    }
}

// MARK: - Who might stall Linux

/// A cell that a command would notify, or ask to shut down, and that might stall Linux by not answering.
package struct Danger: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// Another tool created it, so it is unknown whether it answers.
        case unknown
        /// It is known not to answer, and there is no timeout.
        case silent
        /// There is no timeout, and its definition does not accept that.
        case unaccepted
        /// It will be known shortly whether its inmate is running and can answer.
        case unverified
    }

    /// What it is called.
    let cell: String
    let kind: Kind

    func failure(of command: MachineCommand) -> FleetFailure {
        switch kind {
        case .unknown: .unknownAnswer(cell: cell, to: command)
        case .silent, .unaccepted, .unverified: .cell(cell, .wouldFreeze)
        }
    }
}

extension Danger: CustomStringConvertible {
    package var description: String {
        switch kind {
        case .unknown:
            """
            the cell \(cell) was not created by the daemon, so it may never answer; it would be notified, and Linux would \
            hang. Stop or destroy it with the tool that created it
            """
        case .silent, .unverified:
            """
            the cell \(cell) does not answer and has no message-timeout; it would be notified, and Linux would hang. \
            Schedule a clean reboot
            """
        case .unaccepted:
            """
            the cell \(cell) has no message-timeout; it would be notified, and Linux would hang if it did not answer. \
            Give it a message-timeout or passive-comm-region
            """
        }
    }
}

extension [Danger] {
    /// The first that will not pass shortly.
    var lasting: Danger? { first { $0.kind != .unverified } }
}

extension Fleet {
    /// The cells for which Linux might wait if a cell were created or destroyed now: the hypervisor notifies all other
    /// active cells, and waits for each.
    func dangers(besides name: String?) -> [Danger] {
        var found: [Danger] = []
        for other in names where other != name {
            guard let cell = cells[other], let kind = danger(of: cell, other) else { continue }
            found.append(Danger(cell: other, kind: kind))
        }
        for cell in nameless where cell.observation.state.isAskedToShutDown {
            found.append(Danger(cell: cell.label, kind: .unknown))
        }
        return found
    }

    var dangersOfDisabling: [Danger] { dangers(besides: nil) }

    private func danger(of cell: FleetCell, _ name: String) -> Danger.Kind? {
        guard cell.lifecycle.sighting?.observation?.state.isAskedToShutDown == true else { return nil }
        guard let handshake = cell.lifecycle.knownHandshake, !cell.lifecycle.isMadeByOthers else { return .unknown }
        guard case .unbounded(let isAccepted) = handshake else { return nil }
        if cell.definition == nil { return .unknown }
        let isDeclared = cell.lifecycle.memory.failure?.isDeclared == true
        if cell.lifecycle.isKnownSilent || isDeclared || remembered.silentCells.contains(name) { return .silent }
        if !isAccepted { return .unaccepted }
        return cell.lifecycle.mayBeSilent ? .unverified : nil
    }

    /// Cells without a definition that a disable would destroy.
    var othersThatExist: [String] {
        names.filter { cells[$0]?.definition == nil && cells[$0]?.lifecycle.sighting?.observation != nil }
            + nameless.map(\.label)
    }
}

extension Refusal {
    static let noDefinition = Refusal(kind: .definition, message: "its definition was removed")

    init(_ lost: LostCPUs, _ command: Command, _ name: String) {
        let reason = lost.objection(to: command) ?? ""
        self.init(kind: .other, message: "cannot \(command.rawValue) \(name): \(reason)")
    }

    /// A create or destroy is announced to all other cells, and their replies are waited for.
    init(_ danger: Danger, _ command: Command, _ name: String) {
        self.init(kind: .other, message: "cannot \(command.rawValue) \(name): \(danger)")
    }
}
