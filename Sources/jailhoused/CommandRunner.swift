import CellDefinition
import Hypervisor
import InmateImage
import Supervision
import SystemCalls

/// Carries out one command for one cell; blocks, and so runs on the command thread.
struct CommandRunner: Sendable {
    let hypervisor: HypervisorCommands

    /// Cells are addressed by name, never by number: a number may belong to another cell by now.
    func run(_ command: Command, _ definition: CellDefinition) -> Outcome {
        let cell = CellReference(name: definition.name)
        do {
            switch command {
            case .create:
                try hypervisor.create(definition.name, definition.configuration)
                return .done()
            case .load:
                // looked at before the hypervisor is asked: a refused load has stopped the cell already
                let pieces: [LoadPiece]
                do {
                    pieces = try definition.loadPlan(readFile: Self.read)
                } catch {
                    return .refused(Refusal(kind: .definition, message: "\(error)"))
                }
                let images = pieces.map { PreloadImage(address: $0.address, contents: $0.contents) }
                return .done(timedOut: try hypervisor.load(cell, images))
            case .start: return .done(timedOut: try hypervisor.start(cell))
            case .shutDown: return .done(timedOut: try hypervisor.load(cell, []))
            case .destroy: return .done(timedOut: try hypervisor.destroy(cell))
            }
        } catch {
            return .refused(Refusal(error))
        }
    }

    static let read: @Sendable (String) throws -> [UInt8] = { path in
        try SystemCall.contents(ofFile: path)
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
