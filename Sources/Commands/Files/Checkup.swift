// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import CellDefinition
import SystemCalls
import SystemPackage

/// Judges files alone, together, and on the machine where they are to run.
struct Checkup {
    /// A file as it was read, once: standard input is empty the second time.
    struct Input {
        let path: String
        let file: Result<DaemonFile, any Error>
        /// Of the keys of a source.
        let lines: [String: Int]
    }

    let inputs: [Input]
    private let system: (path: String, descriptor: SystemDescriptor)?
    private let machine: RunningMachine?

    /// - Parameter machine: what Linux uses where the cells are to run, if that can be seen.
    init(_ paths: [String], on machine: RunningMachine?) {
        inputs = paths.map { Input($0) }
        system = Self.system(among: inputs)
        self.machine = machine
    }

    /// What was found in each file, in the order given.
    func files() -> [CheckedFile] {
        let together = Dictionary(grouping: mutualFindings) { $0.path ?? "" }
        return inputs.map { input in
            switch input.file {
            case .success(let file): checked(file, input, and: together[file.path(orElse: input.path)] ?? [])
            case .failure(let error):
                CheckedFile(
                    file: input.path, kind: nil, name: nil, findings: [Self.complaint(error, input.path)])
            }
        }
    }

    /// What files have to do with each other and with the machine.
    private var mutualFindings: [Finding] {
        let set = DefinitionSet(
            inputs.compactMap { input in
                switch input.file {
                case .success(.definition(let definition)), .success(.cell(let definition)): definition
                default: nil
                }
            })
        return set.mutualFindings(in: system?.descriptor) + set.dependencyFindings()
            + (machine.map { set.findings(on: $0, system: system) } ?? [])
    }

    private func checked(_ file: DaemonFile, _ input: Input, and together: [Finding]) -> CheckedFile {
        let own = input.permissionFindings
        func result(_ kind: String, _ name: String?, _ findings: [Finding]) -> CheckedFile {
            CheckedFile(
                file: input.path, kind: kind, name: name,
                findings: Finding.withoutRepetition(own + findings).map { Complaint($0, file: input.path) })
        }
        switch file {
        case .cell(let definition):
            return result("cell", definition.name, definition.findings(system: system?.descriptor) + together)
        case .system(let descriptor):
            let findings = (descriptor.findings() + together).map { $0.placed(in: input.path) { input.lines[$0] } }
            return result("system", descriptor.rootCell.name, findings)
        case .definition(let definition):
            let findings =
                definition.findings(system: system?.descriptor)
                + definition.placed(in: system?.descriptor, on: machine).imageFindings(readFile: InputFile.read)
                + together
            // without a system much cannot be judged
            let needless =
                system == nil ? [] : definition.needlessAcceptances(besides: findings, isOnMachine: machine != nil)
            return result("definition", definition.name, findings + needless)
        case .settings(let settings):
            guard let path = settings.system, let error = Self.complaint(aboutSystem: path) else {
                return result("settings", nil, [])
            }
            return CheckedFile(
                file: input.path, kind: "settings", name: nil,
                findings: own.map { Complaint($0, file: input.path) } + [Self.complaint(error, input.path)])
        }
    }

    /// The one that is given, or else the one that the settings name.
    private static func system(among inputs: [Input]) -> (path: String, descriptor: SystemDescriptor)? {
        var systems: [(path: String, descriptor: SystemDescriptor)] = []
        var named: [String] = []
        for input in inputs {
            switch input.file {
            case .success(.system(let system)): systems.append((input.path, system))
            case .success(.settings(let settings)): named += [settings.system].compactMap(\.self)
            default: break
            }
        }
        if systems.isEmpty {
            systems = named.compactMap { path in
                guard case .system(let system)? = try? DaemonFile(InputFile(path)) else { return nil }
                return (path, system)
            }
        }
        return systems.count == 1 ? systems[0] : nil
    }

    private static func complaint(aboutSystem path: String) -> (any Error)? {
        do {
            if case .system = try DaemonFile(InputFile(path)) { return nil }
            return CommandFailure(.failed, "\(path), which the key system names, is no system configuration")
        } catch {
            return error
        }
    }

    private static func complaint(_ error: any Error, _ path: String) -> Complaint {
        switch error {
        case let error as DefinitionError: Complaint(error)
        case let error as ConfigurationError: Complaint(error, file: path)
        case let error as CommandFailure: Complaint(unreadable: path, because: error)
        default: Complaint(unreadable: path, because: CommandFailure(.failed, "\(error)"))
        }
    }
}

extension Checkup.Input {
    fileprivate init(_ path: String) {
        self.path = path
        do {
            let input = try InputFile(path)
            let read = try DaemonFile(input)
            file = .success(read)
            lines = Self.lines(of: input, read)
        } catch {
            file = .failure(error)
            lines = [:]
        }
    }

    /// Which other users may write the file, and the files that it names.
    fileprivate var permissionFindings: [Finding] {
        guard path != "-" else { return [] }
        var findings = FilePermissions.findings(ofFile: path)
        switch try? file.get() {
        case .definition(let definition):
            for (index, image) in definition.images.enumerated() {
                findings += image.files.flatMap { FilePermissions.findings(ofFile: $0, at: "image[\(index)]") }
            }
        case .settings(let settings):
            if let system = settings.system { findings += FilePermissions.findings(ofFile: system, at: "system") }
        default: break
        }
        return findings.map { $0.placed(in: path) { lines[$0] } }
    }

    private static func lines(of input: InputFile, _ file: DaemonFile) -> [String: Int] {
        guard !ConfigurationFile.isBinary(input.contents),
            let text = try? ConfigurationFile.text(of: input.contents, path: input.path)
        else { return [:] }
        if case .system = file { return SystemDescriptor.lines(toml: text, path: input.path) }
        return (try? SourceDocument(toml: text, path: input.path).lines) ?? [:]
    }
}

extension DaemonFile {
    /// The path that findings have.
    fileprivate func path(orElse given: String) -> String {
        switch self {
        case .cell(let definition), .definition(let definition): definition.path
        case .system, .settings: given
        }
    }
}

extension RunningMachine {
    /// The machine below `root`; without one, this machine if it has the hypervisor's driver.
    init?(root: String?) throws {
        let isTarget = (try? SystemCall.names(inDirectory: "/sys/devices/jailhouse")) != nil
        guard root != nil || isTarget else { return nil }
        do throws(SystemCallError) {
            self = try MachineFiles(root: root ?? "").machine()
        } catch {
            guard error.errno == .noSuchFileOrDirectory else {
                throw CommandFailure(.failed, "cannot read \(error.subject): \(error.errno)")
            }
            throw CommandFailure(
                .failed, "\(root ?? "") has neither proc/ioports nor proc/iomem: give a directory that has them")
        }
    }
}
