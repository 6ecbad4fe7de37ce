import CellDefinition
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

    /// Cells are addressed by name, never by number: a number may belong to another cell by now.
    mutating func run(_ command: Command, _ definition: CellDefinition) -> Outcome {
        let cell = CellReference(name: definition.name)
        do {
            // a load looks when its images have been read
            guard command == .load || isAsItWas(definition.name, for: command) else { return .overtaken }
            switch command {
            case .create:
                try hypervisor.create(definition.name, definition.configuration)
                return .done()
            case .load:
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
                return .done(timedOut: try hypervisor.load(cell, loaded))
            case .start: return .done(timedOut: try hypervisor.start(cell))
            case .shutDown: return .done(timedOut: try hypervisor.load(cell, []))
            case .destroy: return .done(timedOut: try hypervisor.destroy(cell))
            }
        } catch {
            return .refused(Refusal(error))
        }
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
