// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import CellConfiguration
import ConfigurationRules
import ControlInterface
import FailureReports
import InmateImage
import SystemCalls

/// The files that belong to a dump: they say what its addresses are.
struct DumpFiles {
    private(set) var cells: [CellDefinition] = []
    private(set) var system: SystemDescriptor?
    private var machine: RunningMachine?
    private var drivers: [String: String] = [:]
    /// Those that `--image` names; without them, those of the cell's definition.
    private var programs: [Program] = []
    /// What does not fit together; a sentence each.
    private(set) var warnings: [String] = []
    private(set) var systemPath = ""
    /// Cells that do not exist now: they have nothing of the machine.
    private var absent: Set<String> = []
    private let checked = CheckedRules()

    init() {}

    /// - Throws: ``CommandFailure`` for a file that cannot be understood.
    init(cells: [String], system: String?, images: [String], root: String?) throws {
        for path in cells {
            switch try DaemonFile(explaining: InputFile(path)) {
            case .cell(let definition), .definition(let definition): self.cells.append(definition)
            case .system, .settings:
                throw CommandFailure(.wrongUsage, "\(path) is no cell; --cell is a cell or its definition")
            }
        }
        if let system {
            guard case .system(let descriptor) = try DaemonFile(explaining: InputFile(system)) else {
                throw CommandFailure(.wrongUsage, "\(system) is no system configuration")
            }
            self.system = descriptor
            systemPath = system
        }
        machine = try RunningMachine(root: root)
        if machine != nil { drivers = MachineFiles(root: root ?? "").pciDrivers() }
        for path in images { programs.append(Program(path, address: nil, contents: try InputFile(path).contents)) }
    }

    /// What the daemon has of its cells and the system, as far as this user may read the files: what a cell touched may be
    /// another one's, Linux's or the hypervisor's.
    ///
    /// - Parameters:
    ///   - daemon: one of this machine.
    ///   - path: of the system configuration that counts; nil: the one in force, else the configured one.
    init(of daemon: Daemon, system path: String? = nil) {
        machine = try? RunningMachine(root: nil)
        if machine != nil { drivers = MachineFiles().pciDrivers() }
        guard let list = try? daemon.call(Manager.List.self) else { return }
        cells = list.cells.compactMap { cell in
            guard let path = try? daemon.call(Manager.Describe.self, .init(cell: cell.name)).details.definition,
                let input = try? InputFile(path), case .definition(let definition)? = try? DaemonFile(input)
            else { return nil }
            return definition
        }
        absent = Set(list.cells.filter { $0.id == nil }.map(\.name))
        guard let path = path ?? list.machine.inForce ?? list.machine.system, let input = try? InputFile(path),
            case .system(let descriptor)? = try? DaemonFile(input)
        else { return }
        (system, systemPath) = (descriptor, path)
    }

    /// What is known of a cell's surroundings; a single cell that was given is the one, whatever its name.
    ///
    /// - Parameter isRootCell: it is Linux.
    func surroundings(of name: String?, isRootCell: Bool = false) -> Surroundings {
        let own = isRootCell ? nil : own(name)
        var known = Surroundings(
            cell: own?.descriptor, system: system,
            others: cells.filter { $0.name != own?.name && !absent.contains($0.name) }.map(\.descriptor),
            machine: machine,
            isRTEMS: own?.images.contains { $0.kind == .rtems || Self.isRTEMS($0) } ?? false
                || programs.contains(where: \.isRTEMS),
            drivers: drivers)
        known.isLinux = own?.images.contains { $0.linux != nil } ?? false
        known.take(checked(own))
        return known
    }

    /// What `check` finds in a cell's files, or in all of them; nil without files.
    private func checked(_ own: CellDefinition?) -> [Finding]? {
        let key = own?.name ?? ""
        if let known = checked.byCell[key] { return known }
        let findings = DefinitionSet(cells).findings(
            about: own, system: system.map { (systemPath, $0) }, on: machine, readFile: InputFile.read)
        checked.byCell[key] = findings
        return findings
    }

    /// The same, without a repetition.
    ///
    /// - Parameter name: nil: of the machine.
    func findings(about name: String?) -> [Finding] {
        var seen: Set<String> = []
        return (checked(name.flatMap(own)) ?? []).filter { seen.insert("\($0)").inserted }
    }

    /// Where a key is, in the cell's file or else in the system's: `rtems.toml:4 (cell.cpus)`; nil: neither has it in a
    /// line.
    func line(of key: String, in cell: String?) -> String? {
        for path in [cell.flatMap(own)?.path, systemPath].compactMap(\.self) where !path.isEmpty {
            guard let contents = try? InputFile.read(path),
                let text = try? ConfigurationFile.text(of: contents, path: path),
                let line = (try? SourceDocument(toml: text, path: path))?.lines[key]
            else { continue }
            return "\(path):\(line) (\(key))"
        }
        return nil
    }

    /// The files that an answer about a cell is from and that have changed since, by their names.
    ///
    /// - Parameter time: µs since 1970.
    func changes(since time: Int, of name: String) -> [String] {
        let own = own(name)
        let images = own?.images.flatMap { [$0.path, $0.symbols].compactMap(\.self) } ?? []
        var seen: Set<String> = []
        return ([own?.path ?? "", systemPath] + images).filter { path in
            guard !path.isEmpty, seen.insert(path).inserted, let status = try? SystemCall.status(ofFile: path) else {
                return false
            }
            return status.lastChange > time
        }
    }

    /// Why an answer about a cell of this name may be about another; nil: the files are its own, or there are none.
    func doubt(about name: String) -> String? {
        guard !cells.isEmpty, !cells.contains(where: { $0.name == name }), name != system?.rootCell.name else {
            return nil
        }
        guard cells.count == 1, let only = cells.first else { return "No file of the cell \"\(name)\" was given." }
        return """
            The text is about the cell "\(name)", and is judged by \(only.path), which is of the cell "\(only.name)". If \
            "\(name)" is the root cell, give --root-cell.
            """
    }

    private func own(_ name: String?) -> CellDefinition? {
        if let own = cells.first(where: { $0.name == name }) { return own }
        guard let root = system?.rootCell.name, root == name else { return cells.count == 1 ? cells.first : nil }
        return nil
    }

    /// Where in the cell's program a CPU was.
    ///
    /// - Parameter withInstruction: whether a disassembler is asked as well.
    func place(of death: Death, withInstruction: Bool = false) -> ProgramPlace? {
        guard let counter = death.codeAddress, death.cell != system?.rootCell.name else { return nil }
        return place(at: counter, of: death, withInstruction: withInstruction)
    }

    /// The function that the last call returns to, where the registers have it: Arm's LR.
    func caller(of death: Death) -> String? {
        guard let address = death.registers["lr"] ?? death.registers["r14"], address > 4 else { return nil }
        return place(at: address, of: death)?.text
    }

    private func place(at counter: UInt64, of death: Death, withInstruction: Bool = false) -> ProgramPlace? {
        let candidates = programs.isEmpty ? own(death.cell).map { Self.programs(of: $0) } ?? [] : programs
        for program in candidates {
            guard let place = program.functions?.place(of: counter) else { continue }
            return ProgramPlace(
                function: FunctionName.readable(place.function), offset: place.offset, image: program.name,
                line: program.hasLines ? SymbolTool.line(of: counter, in: program.symbolPath) : nil,
                instruction: withInstruction ? program.instruction(at: counter, of: death) : nil)
        }
        return nil
    }

    /// The instruction alone, for a program without names.
    func instruction(of death: Death) -> String? {
        guard let counter = death.codeAddress, death.cell != system?.rootCell.name else { return nil }
        let candidates = programs.isEmpty ? own(death.cell).map { Self.programs(of: $0) } ?? [] : programs
        return candidates.lazy.compactMap { $0.instruction(at: counter, of: death) }.first
    }

    /// What the programs' files say about each other.
    func programWarnings(of name: String?) -> [String] {
        (programs.isEmpty ? own(name).map { Self.programs(of: $0) } ?? [] : programs).compactMap(\.warning)
    }

    private static func programs(of cell: CellDefinition) -> [Program] {
        cell.images.compactMap { image in
            guard let contents = try? InputFile.read(image.path) else { return nil }
            return Program(image.path, address: image.address, contents: contents, symbols: image.symbols)
        }
    }

    private static func isRTEMS(_ image: ImageReference) -> Bool {
        guard let contents = try? InputFile.read(image.path) else { return false }
        return Program(image.path, address: image.address, contents: contents).isRTEMS
    }
}

/// What `check` found, looked for when it is first asked for.
private final class CheckedRules {
    var byCell: [String: [Finding]] = [:]
}

/// A program's file, and the one that has its symbols.
private struct Program {
    let path: String
    /// Where a flat one is.
    let address: UInt64?
    /// The file that the names are from.
    let symbolPath: String
    let functions: ELFFunctions?
    let isRTEMS: Bool
    private let isELF: Bool
    var warning: String?

    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    var hasLines: Bool { functions?.hasLines ?? false }

    /// - Parameter symbols: the file that has the names, where the program itself is stripped.
    init(_ path: String, address: UInt64?, contents: [UInt8], symbols: String? = nil) {
        self.path = path
        self.address = address
        let own = ELFFunctions(contents)
        isELF = ELFFile.isELF(contents)
        isRTEMS = (try? ImageProfile(image: contents, address: address))?.rtems != nil
        guard let symbols else {
            (symbolPath, functions) = (path, own)
            return
        }
        symbolPath = symbols
        let other = (try? InputFile.read(symbols)).flatMap { ELFFunctions($0) }
        functions = other ?? own
        if other == nil {
            warning = "The symbols in \(symbols) cannot be read."
        } else if let mine = own?.buildID, let its = other?.buildID, mine != its {
            warning = "The symbols in \(symbols) are of another build than \(path): names and lines may be wrong."
        }
    }

    func instruction(at address: UInt64, of death: Death) -> String? {
        // what was loaded, though its names are elsewhere
        if isELF { return SymbolTool.instruction(at: address, in: path) }
        if functions != nil, self.address == nil { return SymbolTool.instruction(at: address, in: symbolPath) }
        guard let start = self.address, address >= start, let mode = death.mode else { return nil }
        return SymbolTool.instruction(at: address, inFlat: path, from: start, mode)
    }
}

extension Death {
    /// Where the instruction is in the program; in real mode the code segment counts.
    var codeAddress: UInt64? {
        guard let programCounter else { return nil }
        guard let cr0 = registers["cr0"], cr0 & 1 == 0, let base = registers["base"] else { return programCounter }
        return base &+ programCounter
    }

    /// As objdump names it; nil for Arm.
    fileprivate var mode: SymbolTool.Mode? {
        guard let cr0 = registers["cr0"], let attributes = registers["ar-bytes"] else { return nil }
        guard cr0 & 1 == 1 else { return .i8086 }
        // packed, as AMD has them, or spread, as Intel has them
        let shift: UInt64 = attributes > 0xfff ? 4 : 0
        let (isLong, is32) = (attributes >> (9 + shift) & 1 == 1, attributes >> (10 + shift) & 1 == 1)
        return isLong && (registers["efer"] ?? 0) & 0x400 != 0 ? .x8664 : is32 ? .i386 : .i8086
    }
}
