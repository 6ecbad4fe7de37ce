import ArgumentParser
import CellConfiguration
import CellDefinition

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check cell definitions, cells, systems and the daemon's settings.",
        discussion: """
            Each finding has its place, its rule, what it leads to and what to do. A definition's images are checked \
            against its hardware; with a system among the files, or with settings that name one, cells are checked \
            against that too. The exit status is 1 if there is an error. Needs no daemon and touches nothing.

            With --json: an array of objects with file, kind (cell, system, definition or settings), name and \
            findings (rule, severity, file, line, location, message, consequence, remedy).

            Example: jailhouse-ctl check /etc/jailhoused/jailhoused.toml /etc/jailhoused/cells/*.toml
            """
    )

    @OptionGroup var options: FileOptions

    @Argument(help: "Files, source or compiled.", completion: .file(extensions: ["toml", "cell", "system"]))
    var files: [String]

    func run() throws {
        let files = Self.check(files)
        let style = options.screen.style
        try options.screen.show(files, text: files.map { $0.text(style) }.joined(separator: "\n"))
        if files.contains(where: \.hasErrors) { throw ExitCode(CommandFailure.Status.failed.rawValue) }
    }
}

extension Check {
    /// What was found in each file, in the order given.
    static func check(_ paths: [String]) -> [CheckedFile] {
        let files = paths.map { path in (path, Result { try DaemonFile(InputFile(path)) }) }
        let understood = files.compactMap { try? $0.1.get() }
        let system = system(among: understood)
        let mutualFindings = mutualFindings(among: understood)
        return files.map { path, file in
            switch file {
            case .success(let file): checked(file, path, in: system, and: mutualFindings.filter { $0.path == path })
            case .failure(let error):
                CheckedFile(file: path, kind: nil, name: nil, findings: [complaint(error, path)])
            }
        }
    }

    /// The one that is given, or else the one that the settings name.
    private static func system(among files: [DaemonFile]) -> SystemDescriptor? {
        var systems: [SystemDescriptor] = []
        var named: [String] = []
        for file in files {
            switch file {
            case .system(let system): systems.append(system)
            case .settings(let settings): named += [settings.system].compactMap(\.self)
            case .cell, .definition: break
            }
        }
        if systems.isEmpty {
            systems = named.compactMap { path in
                guard case .system(let system)? = try? DaemonFile(InputFile(path)) else { return nil }
                return system
            }
        }
        return systems.count == 1 ? systems[0] : nil
    }

    private static func mutualFindings(among files: [DaemonFile]) -> [Finding] {
        DefinitionSet(
            files.compactMap { file in
                guard case .definition(let definition) = file else { return nil }
                return definition
            }
        ).mutualFindings
    }

    private static func checked(
        _ file: DaemonFile, _ path: String, in system: SystemDescriptor?, and mutualFindings: [Finding]
    ) -> CheckedFile {
        func result(_ kind: String, _ name: String?, _ findings: [Finding], _ error: (any Error)? = nil) -> CheckedFile
        {
            let complaints = findings.map { Complaint($0, file: path) }
            return CheckedFile(
                file: path, kind: kind, name: name, findings: complaints + (error.map { [complaint($0, path)] } ?? []))
        }
        func failure(of body: () throws -> Void) -> (any Error)? {
            do {
                try body()
                return nil
            } catch {
                return error
            }
        }
        switch file {
        case .cell(let definition):
            return result("cell", definition.name, definition.findings(system: system))
        case .system(let system):
            return result("system", system.rootCell.name, system.findings())
        case .definition(let definition):
            let findings =
                definition.findings(system: system) + definition.imageFindings(readFile: InputFile.read)
                + mutualFindings
            return result("definition", definition.name, findings)
        case .settings(let settings):
            let error = failure {
                guard let path = settings.system else { return }
                guard case .system = try DaemonFile(InputFile(path)) else {
                    throw CommandFailure(.failed, "\(path), which the key system names, is no system configuration")
                }
            }
            return result("settings", nil, [], error)
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
