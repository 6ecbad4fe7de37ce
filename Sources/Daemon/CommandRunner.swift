// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ConfigurationRules
import Glibc
import Hypervisor
import InmateImage
import JailhouseInterface
import Supervision
import SystemCalls

/// Carries out one command for one cell; blocks, and so runs on the command thread.
struct CommandRunner: Sendable {
    let hypervisor: HypervisorCommands
    /// The cell as it was when the command was decided on.
    let decidedOn: Sighting?
    /// All cells as they were when the command was given.
    let before: Look
    /// What is loaded.
    var images: ReadImages?
    /// Rings when the evidence of the cell's last failure has been read: see ``EvidenceKeeper``.
    var evidence: Bell?
    /// Definitions of other cells that exist.
    var neighbours: [CellDefinition] = []
    var system: SystemDescriptor?
    /// Why the cell must not be created on the machine as it is now; nil when it may be.
    var objection: @Sendable (CellDefinition) -> String? = { _ in nil }

    /// Cells are addressed by name, never by number: a number may belong to another cell by now.
    ///
    /// - Parameter definition: nil for a cell whose definition was removed: it can be shut down.
    func run(_ command: Command, _ name: String, _ definition: CellDefinition?) -> Outcome {
        let cell = CellReference(name: name)
        evidence?.wait(atMost: EvidenceKeeper.patience)
        let premise = premise(of: command, name)
        do throws(HypervisorError) {
            switch command {
            case .create:
                // given up before what takes long; what counts is the look at the end
                guard premise.holds(hypervisor.lookNow(premise.curiosity)) else { return .overtaken }
                guard var definition else { return .refused(.noDefinition) }
                do { if let system { try definition.follow(system) } } catch {
                    return .refused(Refusal(kind: .definition, message: "\(Finding(error))"))
                }
                if let refusal = refusal(ofCreating: definition) { return .refused(refusal) }
                return .done(unanswered: try hypervisor.create(name, definition.configuration, given: premise))
            case .load:
                let pieces = (images?.pieces ?? []).map { PreloadImage(address: $0.address, contents: $0.contents) }
                return .done(unanswered: try hypervisor.load(cell, pieces, given: premise))
            case .start: return .done(unanswered: try hypervisor.start(cell, given: premise))
            case .shutDown: return .done(unanswered: try hypervisor.load(cell, [], given: premise))
            case .destroy: return .done(unanswered: try hypervisor.destroy(cell, given: premise))
            }
        } catch {
            return error.code == .overtaken ? .overtaken : .refused(Refusal(error))
        }
    }

    /// What a cell that exists and this one would do to each other, which the hypervisor does not look at.
    private func refusal(ofCreating definition: CellDefinition) -> Refusal? {
        if let objection = objection(definition) { return Refusal(kind: .definition, message: objection) }
        for other in neighbours {
            let findings = DefinitionSet([definition, other]).mutualFindings(in: system)
            guard let finding = findings.first(where: { $0.severity == .error }) else { continue }
            return Refusal(kind: .definition, message: "the cell \(other.name) exists, and \(finding)")
        }
        return nil
    }

    /// Commands wait for one another, some for long, and other tools may change cells as well: looked at last of all.
    ///
    /// If another tool has stopped or started the cell's CPUs since, what was loaded is used up; and whether a start
    /// takes effect is found out by how often that happened. If a cell has come since, it may be one that never answers
    /// when it is told of this command.
    private func premise(of command: Command, _ name: String) -> HypervisorCommands.Premise {
        HypervisorCommands.Premise(
            { command == .start && $0 == name ? .managementExits : [] },
            objection: { CPULosses.objection(to: command, console: $0, rootCell: $1) }
        ) { now in
            if command.notifiesOthers, !now.hasSameCells(as: before, besides: name) { return false }
            switch (decidedOn, now.sighting(of: name)) {
            case (.present(let old), .present(let new)):
                guard old.isSameCell(as: new), old.state == new.state else { return false }
                guard command == .start, let before = old.managementExits, let exits = new.managementExits else {
                    return true
                }
                return before == exits
            case (let old, let new): return old == new
            }
        }
    }
}

extension Refusal {
    static let noDefinition = Refusal(kind: .definition, message: "its definition was removed")
    static let daemonEnds = Refusal(kind: .other, message: "the daemon is shutting down")

    init(_ error: HypervisorError) {
        let kind: Kind =
            switch error.code {
            case .denied: .denied
            case .otherCellLocked: .otherCellLocked
            case .malformedConfiguration: .definition
            default: .other
            }
        self.init(kind: kind, message: error.message, errno: error.errno)
    }
}

extension MachineRefusal {
    init(_ error: HypervisorError) {
        let kind: Kind =
            switch error.code {
            case .noDriver: .noDriver
            case .disabled: .disabled
            case .enabled: .enabled
            case .malformedConfiguration: .configuration
            default: .other
            }
        // neither the configuration nor the hypervisor's file, which stay what they are
        let isPassing = ![0, EINVAL, ENOENT].contains(error.errno)
        self.init(kind: kind, message: error.message, errno: error.errno, isPassing: isPassing)
    }
}

extension HypervisorCommands {
    func enable(_ source: SystemSource, of files: DefinitionFiles) throws(MachineRefusal) {
        let configuration: [UInt8]
        do {
            configuration = try files.configuration(of: source)
        } catch {
            throw MachineRefusal(kind: .configuration, message: error.sentence)
        }
        do { try enable(configuration) } catch { throw MachineRefusal(error) }
    }

    /// - Returns: false when a cell has come, gone or changed since: it may be one that never answers.
    func disableAll(before: Look) throws(MachineRefusal) -> Bool {
        do {
            let premise = Premise(
                objection: { CPULosses.objection(to: nil, console: $0, rootCell: $1) }
            ) { $0.hasSameCells(as: before, besides: nil) }
            try disable(given: premise)
            return true
        } catch {
            guard error.code != .overtaken else { return false }
            throw MachineRefusal(error)
        }
    }
}
