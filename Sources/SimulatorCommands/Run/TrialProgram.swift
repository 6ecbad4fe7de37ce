// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import CellMachine
import Glibc
import InmateImage
import SystemCalls

/// A program to be run: the definition of its cell.
struct TrialProgram {
    var name: String
    var definition: CellDefinition
    /// Nil: the simulated machine's own.
    var system: SystemDescriptor?

    /// What a word of the command line means.
    ///
    /// - Throws: what is wrong with it, as text.
    static func list(_ path: String, commandLine: String?, system: String? = nil) throws -> [TrialProgram] {
        if let names = try? SystemCall.names(inDirectory: path) {
            return try names.sorted().map { "\(path)/\($0)" }.filter(isExecutable).map {
                try TrialProgram(image: $0, commandLine: commandLine)
            }
        }
        if path.hasSuffix(".toml") { return [try TrialProgram(definition: path, system: system)] }
        return [try TrialProgram(image: path, commandLine: commandLine)]
    }

    private init(definition path: String, system: String?) throws {
        let text = try SystemCall.contents(ofFile: path, limit: 1 << 20)
        definition = try CellDefinition(
            toml: String(decoding: text, as: UTF8.self), path: path, readFile: TrialProgram.read)
        name = definition.name
        guard let file = system else { return }
        guard case .system(let system) = try ConfigurationFile(contents: try TrialProgram.read(file), path: file) else {
            throw DefinitionError(.invalidValue, "it is no system configuration", path: file, remedy: "")
        }
        self.system = system
        definition = definition.placed(in: system)
    }

    /// In the cell that `new-cell` proposes.
    private init(image path: String, commandLine: String?) throws {
        let place = SystemCall.realPath(path) ?? path
        let image = try TrialProgram.read(place)
        guard
            case .system(let system) = try ConfigurationFile(
                contents: Array(TrialMachine.system(for: image).utf8), path: "machine.toml")
        else { throw DefinitionError(.invalidValue, "the machine is none", path: path, remedy: "") }
        self.system = system
        let proposal = try CellProposal(
            CellProposal.Request(imagePath: place), image: image, system: system, others: [])
        definition = try CellDefinition(toml: proposal.toml(), path: path, readFile: TrialProgram.read)
        if let commandLine {
            for index in definition.images.indices where definition.images[index].start.mode == .multiboot {
                definition.images[index].start.commandLine = commandLine
            }
        }
        name = path.split(separator: "/").last.map(String.init) ?? path
    }

    /// Writes all that the cell has before it starts.
    func load(into memory: MachineMemory) throws {
        for piece in try definition.loadPlan(readFile: TrialProgram.read) {
            let region = definition.descriptor.memoryRegions.first {
                piece.address >= $0.virtualStart && piece.address - $0.virtualStart < $0.size
            }
            guard let region else { continue }
            try memory.write(piece.contents, at: region.physicalStart + piece.address - region.virtualStart)
        }
    }

    static func read(_ path: String) throws -> [UInt8] {
        try SystemCall.contents(ofFile: path, limit: Int(LoadPlan.sizeLimit))
    }

    private static func isExecutable(_ path: String) -> Bool {
        guard let file = try? SystemCall.open(path, O_RDONLY) else { return false }
        var magic = [UInt8](repeating: 0, count: 4)
        let count = magic.withUnsafeMutableBytes { (try? SystemCall.read(file.rawValue, into: $0)) ?? 0 }
        return count == 4 && magic == [0x7f, 0x45, 0x4c, 0x46]
    }
}
