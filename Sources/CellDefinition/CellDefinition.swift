// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration
package import ConfigurationRules
package import Supervision

/// A cell definition file: which hardware the cell has, what runs in it and how it is looked after.
package struct CellDefinition: Hashable, Sendable {
    /// The definition's own file.
    package var path: String
    package var descriptor: CellDescriptor
    /// ``descriptor`` as the driver is given it: exactly as long as its counts need.
    package var configuration: [UInt8]
    /// In the order in which they are loaded.
    package var images: [ImageReference]
    package var policy: SupervisionPolicy
    /// How signs of life are looked for; nil: they are not.
    package var liveness: LivenessCheck?
    /// How its operating system is asked to shut down; nil: it is not.
    package var guest: GuestService?
    /// Whether a configuration with which a hung inmate freezes Linux is accepted.
    package var acceptsUnboundedHandshake: Bool
    /// Errors that it accepts, by their rule's id, with the reason.
    package var accepted: [String: String]
    /// Which cells it needs or comes after.
    package var dependencies: Dependencies
    /// What it has in the simulated machine only.
    package var simulation: SimulationTable
    /// What Linux in it is told of the machine; nil without Linux, or while the system is not known.
    package var machine: LinuxMachine?
    private var lines: KeyLines

    package var name: String { descriptor.name }

    /// Of a key such as `memory[1]`; nil when the hardware is described in another file.
    func line(of keyPath: String) -> Int? { lines.numbers[keyPath] }

    /// - Parameters:
    ///   - toml: the definition's text.
    ///   - path: its file, to which the paths in it are relative.
    ///   - readFile: reads the compiled configuration (or its source) that the key `configuration` names.
    package init(
        toml: String, path: String, readFile: (String) throws -> [UInt8]
    ) throws(DefinitionError) {
        self.path = path
        do throws(ConfigurationError) {
            let document = try SourceDocument(toml: toml, path: path)
            let hardware = try CellDefinition.hardware(document)
            images = try ImageReference.list(document, path)
            let supervision = try SupervisionTable(document)
            policy = supervision.policy
            liveness = supervision.liveness
            guest = supervision.guest
            accepted = try AcceptTable(document).reasons
            acceptsUnboundedHandshake =
                supervision.acceptsUnboundedHandshake || accepted[DefinitionRule.unboundedHandshake.id] != nil
            dependencies = supervision.dependencies
            simulation = try SimulationTable(document)
            // mistakes in this file are reported before those in another
            try document.finish()
            descriptor =
                switch hardware {
                case .inline(let cell): cell
                case .file(let file, let architecture):
                    try CellDefinition.descriptor(file, architecture, besides: path, readFile)
                }
            for index in images.indices {
                images[index].linux = try images[index].linux?.fitted(to: descriptor, at: "image[\(index)]") {
                    document.lines[$0]
                }
            }
            if liveness?.kind == .console, liveness?.file == nil,
                descriptor.flags.isDisjoint(with: [.virtualConsolePermitted, .virtualConsoleActive])
            {
                throw ConfigurationError(
                    .conflict,
                    "the cell may not print on the hypervisor's console: set virtual-console in [cell], or say with \"file\" at "
                        + "which serial line of this machine its lines arrive",
                    line: document.lines["supervision.liveness.kind"], keyPath: "supervision.liveness.kind")
            }
            try guest?.judge(in: descriptor) { document.lines[$0] }
            configuration = try descriptor.withoutSurplus.binary()
            lines = KeyLines(numbers: document.lines)
        } catch {
            throw DefinitionError(error, path: path)
        }
    }

    /// Of a cell that was created earlier. Only its hardware is known, and what was accepted.
    ///
    /// - Parameters:
    ///   - configuration: as of ``configurationWithArchitecture``.
    ///   - path: of the definition that it was created from.
    package init(
        created configuration: [UInt8], path: String, accepted: [String: String]
    ) throws(ConfigurationError) {
        self.path = path
        self.configuration = configuration
        self.accepted = accepted
        descriptor = try CellDescriptor(binary: configuration)
        images = []
        policy = SupervisionPolicy()
        acceptsUnboundedHandshake = false
        dependencies = Dependencies()
        simulation = SimulationTable()
        lines = KeyLines(numbers: [:])
    }

    /// ``configuration`` in the layout that names the architecture, if the cell can be said in it.
    package var configurationWithArchitecture: [UInt8] {
        (try? descriptor.withoutSurplus.binary(revision: .current)) ?? configuration
    }

    /// Compiles the configuration in the layout of the system that the cell is to run on, unless the cell's own source
    /// gives a revision.
    ///
    /// - Parameter running: the machine itself, if that is known.
    /// - Throws: ``DefinitionError`` for what that revision cannot have.
    package mutating func follow(
        _ system: SystemDescriptor, on running: RunningMachine? = nil
    ) throws(DefinitionError) {
        self = placed(in: system, on: running)
        guard descriptor.isRevisionAssumed, descriptor.format != system.format else { return }
        do throws(ConfigurationError) {
            configuration = try descriptor.withoutSurplus.binary(as: system.format)
        } catch {
            throw DefinitionError(
                ConfigurationError(
                    error.code, "the system is of revision \(system.revision.rawValue): \(error.message)",
                    keyPath: "cell"),
                path: path)
        }
        descriptor.format = system.format
    }
}

extension CellDefinition {
    private enum Hardware {
        case inline(CellDescriptor)
        /// - Parameter architecture: what the key beside it says, for a file that does not say it.
        case file(SourceValue, architecture: SourceValue?)
    }

    private static func hardware(_ document: SourceDocument) throws(ConfigurationError) -> Hardware {
        guard let file = document.root.value("configuration") else {
            return .inline(try CellDescriptor(source: document))
        }
        let architecture = document.root.value("architecture")
        for key in CellDescriptor.sourceTables {
            if let table = document.root.value(key) {
                throw table.error(
                    .conflict, "the cell's hardware is in the file that \"configuration\" names, not here")
            }
        }
        return .file(file, architecture: architecture)
    }

    private static func descriptor(
        _ file: SourceValue, _ architecture: SourceValue?, besides path: String,
        _ readFile: (String) throws -> [UInt8]
    ) throws(ConfigurationError) -> CellDescriptor {
        let word = try architecture?.word(of: Architecture.allCases.map(\.name))
        let name = FilePath.resolve(try file.string(), besides: path)
        let contents: [UInt8]
        do {
            contents = try readFile(name)
        } catch {
            throw file.error(.unreadable, "the configuration cannot be read: \(error)")
        }
        switch try ConfigurationFile(contents: contents, path: name) {
        case .cell(var cell):
            guard let word, let architecture, let wanted = Architecture(name: word) else { return cell }
            guard cell.isArchitectureGuessed || cell.architecture == wanted else {
                throw architecture.error(.conflict, "\(name) is a cell for \(cell.architecture.name)")
            }
            (cell.architecture, cell.isArchitectureGuessed) = (wanted, false)
            return cell
        case .system: throw file.error(.invalidValue, "\(name) is a system configuration, not a cell's")
        }
    }
}

/// Where the keys stand in a definition's text. It does not count when definitions are compared: one whose
/// comments were edited is the same definition.
private struct KeyLines: Hashable {
    var numbers: [String: Int]

    static func == (first: KeyLines, second: KeyLines) -> Bool { true }

    func hash(into hasher: inout Hasher) {}
}
