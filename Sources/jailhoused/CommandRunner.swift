import CellConfiguration
import CellDefinition
import Glibc
import Hypervisor
import InmateImage
import Logging
import Supervision

/// Carries out one command for one cell; blocks, and so runs on the command thread.
struct CommandRunner: Sendable {
    let hypervisor: HypervisorCommands
    let files: TrustedFiles
    let logger: Logger
    /// The cell's; afterwards with what was judged for a load.
    var images: JudgedImages
    /// The cell as it was when the command was decided on.
    let decidedOn: Sighting?
    /// Definitions of other cells that exist.
    var neighbours: [CellDefinition] = []
    var system: SystemDescriptor?

    /// Cells are addressed by name, never by number: a number may belong to another cell by now.
    ///
    /// - Parameter definition: nil for a cell whose definition was removed: it can be shut down.
    mutating func run(_ command: Command, _ name: String, _ definition: CellDefinition?) -> Outcome {
        let cell = CellReference(name: name)
        do {
            // a load looks when its images have been read
            guard command == .load || isAsItWas(name, for: command) else { return .overtaken }
            switch command {
            case .create:
                guard let definition else { return .refused(.noDefinition) }
                if let refusal = refusal(ofCreating: definition) { return .refused(refusal) }
                return .done(unanswered: try hypervisor.create(name, definition.configuration))
            case .load:
                guard let definition else { return .refused(.noDefinition) }
                // looked at before the hypervisor is asked: a refused load has stopped the cell already
                let pieces: [LoadPiece]
                do {
                    pieces = try images.plan(of: definition, files) { path in
                        logger.notice(
                            "\(definition.name): the image \(path) is another one than was checked; checking it again",
                            metadata: ["cell": "\(definition.name)", "path": "\(path)"])
                    }
                } catch {
                    return .refused(Refusal(kind: .definition, message: "\(error)"))
                }
                guard isAsItWas(definition.name, for: command) else { return .overtaken }
                let loaded = pieces.map { PreloadImage(address: $0.address, contents: $0.contents) }
                return .done(unanswered: try hypervisor.load(cell, loaded))
            case .start: return .done(unanswered: try hypervisor.start(cell))
            case .shutDown: return .done(unanswered: try hypervisor.load(cell, []))
            case .destroy: return .done(unanswered: try hypervisor.destroy(cell))
            }
        } catch {
            return .refused(Refusal(error))
        }
    }

    /// What a cell that exists and this one would do to each other, which the hypervisor does not look at.
    private func refusal(ofCreating definition: CellDefinition) -> Refusal? {
        for other in neighbours {
            let findings = DefinitionSet([definition, other]).mutualFindings(in: system)
            guard let finding = findings.first(where: { $0.severity == .error }) else { continue }
            return Refusal(kind: .definition, message: "the cell \(other.name) exists, and \(finding)")
        }
        return nil
    }

    /// Commands wait for one another, some for long, and others may change cells as well: looked at last of all.
    ///
    /// What was loaded has been used up by whoever has had its CPUs stopped or started since; and whether a start takes
    /// effect is told by how often that happened.
    private func isAsItWas(_ name: String, for command: Command) -> Bool {
        switch (decidedOn, hypervisor.sighting(of: name, command == .start ? .managementExits : [])) {
        case (.present(let old), .present(let new)):
            guard old.id == new.id, old.state == new.state else { return false }
            guard command == .start, let before = old.managementExits, let exits = new.managementExits else {
                return true
            }
            return before == exits
        case (let old, let new): return old == new
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
    func enable(_ source: SystemSource) throws(MachineRefusal) {
        let configuration: [UInt8]
        do {
            configuration = try source.configuration()
        } catch {
            throw MachineRefusal(kind: .configuration, message: error.sentence)
        }
        do { try enable(configuration) } catch { throw MachineRefusal(error) }
    }

    func disableAll() throws(MachineRefusal) {
        do { try disable() } catch { throw MachineRefusal(error) }
    }
}
