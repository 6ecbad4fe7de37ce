// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import CellDefinition
import ConfigurationRules
import ControlInterface
import Glibc
import InmateImage
import SystemCalls

struct LinuxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "linux",
        abstract: "Start Linux in a cell, given the cell's configuration and the kernel.",
        discussion: """
            For those who know Jailhouse's own command. It writes a definition of the cell into the daemon's directory, \
            has the daemon read it, and starts the cell; from then on the cell is looked after like any other. What check \
            finds wrong is said before anything is written. A definition that this command did not write is not replaced, \
            and a cell that runs is not touched.

            With --write FILE.toml, the definition goes to that file, nothing is started, and the commands that would do \
            it are printed. With --write and another name, an Arm64 cell's device tree goes there, with memory, command \
            line and initrd put in; an x86 cell has none. With --json: the cell, as in 'list --json', or the file.

            Example: jailhouse-ctl linux linux-x86-demo.cell /boot/vmlinuz -i /boot/initrd.img -c 'console=ttyS0,115200'
            """
    )

    @OptionGroup var options: LocalDaemonOptions

    @Option(name: .shortAndLong, help: "The initial RAM file system.", completion: .file())
    var initrd: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("The kernel's command line.", valueName: "words"))
    var cmdline: String?

    @Option(
        name: .shortAndLong, help: "Arm64: the device tree (default: one made of the configurations).",
        completion: .file(extensions: ["dtb"]))
    var dtb: String?

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The architecture: it must be the configuration's.", valueName: "name"))
    var arch: String?

    @Option(
        name: [.customShort("k"), .customLong("kernel-decomp-factor")],
        help: ArgumentHelp(
            "Not needed, and ignored: the kernel says how much room it takes.", valueName: "number"))
    var decompressionFactor: String?

    @Option(help: "x86: the loader (default: the installed linux-loader.bin).", completion: .file(extensions: ["bin"]))
    var loader: String?

    @Option(
        name: [.customShort("w"), .customLong("write")],
        help: ArgumentHelp("Only write the definition, or the device tree, to this file.", valueName: "file"),
        completion: .file(extensions: ["toml", "dtb"]))
    var write: String?

    @Option(help: ArgumentHelp("The configuration directory.", valueName: "directory"), completion: .directory)
    var directory = ConfiguredSystem.directory

    @Argument(help: "The cell's configuration, source or compiled.", completion: .file(extensions: ["cell", "toml"]))
    var config: String

    @Argument(help: "The kernel: a bzImage on x86, an Image on Arm64.", completion: .file())
    var kernel: String

    /// In the first line of a definition that this command wrote.
    private static let mark = "# Written by 'jailhouse-ctl linux'"

    func validate() throws {
        if !options.host.isEmpty {
            throw ValidationError("The files are on this machine: --host is not for this command.")
        }
    }

    func run() throws {
        if case .definition(let definition)? = try? DaemonFile(InputFile(config)), !definition.images.isEmpty {
            throw CommandFailure(
                .wrongUsage,
                "\(config) is a definition with its images already: jailhouse-ctl start \(Text.printable(definition.name)); this command "
                    + "wants the cell's configuration alone")
        }
        var linux = try LinuxDefinition(
            configuration: Enable.absolute(config), kernel: Enable.absolute(kernel),
            initrd: initrd.map(Enable.absolute),
            commandLine: cmdline ?? "", deviceTree: dtb.map(Enable.absolute))
        let architecture = try parsed(linux.toml(mark: Self.mark)).descriptor.architecture
        guard arch.map({ $0.lowercased() == architecture.name }) ?? true else {
            throw CommandFailure(
                .failed,
                "\(config) is for \(architecture.name), not for \(arch ?? ""): leave --arch out, or give another file")
        }
        if decompressionFactor != nil {
            let note = "--kernel-decomp-factor is not needed: the kernel says how much room it takes\n"
            try SystemCall.write(Array(note.utf8), to: STDERR_FILENO)
        }
        if architecture == .x86 {
            linux.loader = try loader.map(Enable.absolute) ?? Self.installedLoader
        }
        let text = linux.toml(mark: Self.mark)
        let definition = try judged(text)
        let target = "\(directory)/cells/\(Self.fileName(of: definition.name)).toml"
        if let write {
            let isDefinition = write.hasSuffix(".toml")
            if isDefinition { try refuseForeign(write, of: definition) }
            let contents = try isDefinition ? Array(text.utf8) : deviceTree(of: definition)
            try OutputFile(write).write(contents, to: options.screen)
            return try options.screen.show(
                Written(file: write), text: isDefinition ? steps(definition, write, target) : again(with: write))
        }
        let path = target
        try refuseForeign(path, of: definition)
        try refuseOthers(of: definition.name, besides: path)
        try refuseRunning(definition.name)
        try OutputFile(path).write(Array(text.utf8), to: options.screen)
        let reload = try options.daemon.call(Manager.Reload.self)
        if let problem = reload.problems.first(where: { $0.contains(path) }) {
            throw CommandFailure(.failed, Text.printable(problem))
        }
        let reply = try options.daemon.call(Manager.Start.self, .init(cell: definition.name))
        let row = CellRow(reply.cell)
        try options.screen.show(row, text: "\(Text.printable(row.name)): \(Text.printable(row.condition))")
        if let message = reply.message { throw CommandFailure(.failed, Text.printable(message)) }
    }

    /// What a definition must say of the loader; nil: nothing, it is the usual one.
    private static var installedLoader: String? {
        guard access(LinuxStart.defaultLoader, F_OK) != 0, let program = SystemCall.realPath("/proc/self/exe") else {
            return nil
        }
        // installed below another prefix, or built and not installed: .build/debug is a link into .build/TRIPLE/debug
        let parts = program.split(separator: "/")
        let build = parts.lastIndex(of: ".build").map { parts[..<$0] + ["inmates", "build"] }
        let directory = build ?? parts.dropLast(2) + ["lib", "jailhoused"]
        let path = "/" + directory.joined(separator: "/") + "/linux-loader.bin"
        return access(path, F_OK) == 0 ? path : nil
    }

    // MARK: - What is only written

    /// The commands that start the cell by its definition.
    private func steps(_ definition: CellDefinition, _ file: String, _ target: String) -> String {
        """
        cp \(Text.shellWord(file)) \(Text.shellWord(target))
        jailhouse-ctl reload
        jailhouse-ctl start \(Text.shellWord(definition.name))
        """
    }

    /// The same command with the tree that was written.
    private func again(with tree: String) -> String {
        var words = ["jailhouse-ctl", "linux", config, kernel, "-d", tree]
        for (option, value) in [("-i", initrd), ("-c", cmdline)] {
            if let value { words += [option, value] }
        }
        return words.map(Text.shellWord).joined(separator: " ")
    }

    /// As a load would have it.
    private func deviceTree(of definition: CellDefinition) throws -> [UInt8] {
        guard definition.descriptor.architecture == .arm64, let image = definition.images.first, let linux = image.linux
        else {
            throw CommandFailure(
                .wrongUsage,
                "the file's name must end in .toml: the definition is what can be written of an x86 cell. Jailhouse's own command would "
                    + "write parameters, which only its own loader reads")
        }
        var files: [String: [UInt8]] = [:]
        for path in image.files { files[path] = try InputFile(path, limit: InputFile.imageLimit).contents }
        do throws(ImageError) {
            let parts = try definition.linuxParts(image, linux, files)
            return parts.first { $0.kind == .tree }?.piece.contents ?? []
        } catch {
            throw CommandFailure(.failed, "\(error)")
        }
    }

    private struct Written: Encodable {
        let file: String
    }

    private func parsed(_ text: String) throws -> CellDefinition {
        do throws(DefinitionError) {
            return try CellDefinition(toml: text, path: config, readFile: InputFile.read)
        } catch {
            throw CommandFailure(.failed, "\(error)")
        }
    }

    /// - Throws: ``CommandFailure`` with what `check` finds, when it is an error.
    private func judged(_ text: String) throws -> CellDefinition {
        let system = try ConfiguredSystem.read(nil, in: directory)
        let definition = try parsed(text).placed(in: system, on: try RunningMachine(root: nil))
        let findings = definition.findings(system: system) + definition.imageFindings(readFile: InputFile.read)
        for var finding in findings where finding.severity != .note {
            // its lines are those of the definition that is made here, which nobody sees
            (finding.path, finding.line) = (nil, nil)
            let file = finding.location.hasPrefix("image[") ? kernel : config
            try SystemCall.write(Array((Complaint(finding, file: file).text(.plain) + "\n").utf8), to: STDERR_FILENO)
        }
        if findings.contains(where: { $0.severity == .error }) {
            throw ExitCode(CommandFailure.Status.failed.rawValue)
        }
        return definition
    }

    /// In these a start loads the images.
    private static let restingConditions: Set = ["created", "stopped", "failed", "gave-up", "foreign"]

    /// A start would leave it as it is, and its definition would be another one.
    private func refuseRunning(_ name: String) throws {
        let cell = try options.daemon.call(Manager.List.self).cells.first { $0.name == name }
        guard let cell, cell.id != nil, !Self.restingConditions.contains(cell.condition) else { return }
        let name = Text.printable(name)
        throw CommandFailure(
            .failed,
            "nothing is changed: the cell \(name) is \(Text.printable(cell.condition)) already; for this kernel and configuration destroy it first "
                + "(jailhouse-ctl destroy \(name)), or restart it as it is (jailhouse-ctl restart \(name))")
    }

    /// A cell's name may have what a file's name cannot, or hides it.
    static func fileName(of name: String) -> String {
        let name = name.replacing("/", with: "-")
        return name.hasPrefix(".") ? "-" + name.dropFirst() : name
    }

    /// What somebody wrote is not replaced, nor is another cell's definition.
    private func refuseForeign(_ path: String, of definition: CellDefinition) throws {
        guard access(path, F_OK) == 0 else { return }
        let contents = String(decoding: try InputFile(path).contents, as: UTF8.self)
        guard contents.hasPrefix(Self.mark) else {
            throw CommandFailure(
                .failed,
                "\(path) is there already, and was not written by this command; rename the cell, or remove the file")
        }
        // one that cannot be read any more is of no cell
        guard let other = try? parsed(contents), other.name != definition.name else { return }
        throw CommandFailure(
            .failed, "\(path) defines the cell \(Text.printable(other.name)); rename one of the two, or remove the file"
        )
    }

    /// The daemon takes one definition of a cell only.
    private func refuseOthers(of name: String, besides path: String) throws {
        let directory = directory + "/cells"
        for file in ((try? SystemCall.names(inDirectory: directory)) ?? []).sorted()
        where file.hasSuffix(".toml") && "\(directory)/\(file)" != path {
            guard case .definition(let other)? = try? DaemonFile(InputFile("\(directory)/\(file)")), other.name == name
            else {
                continue
            }
            throw CommandFailure(
                .failed,
                "nothing is written: \(directory)/\(file) defines the cell \(Text.printable(name)) already; start it "
                    + "(jailhouse-ctl start \(Text.printable(name))), or remove the file")
        }
    }
}
