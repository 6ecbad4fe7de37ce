// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import ConfigurationRules
import CellDefinition
import SystemCalls

struct NewCell: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new-cell",
        abstract: "Propose a cell definition that fits an image and a machine.",
        discussion: """
            Chooses a CPU and memory that no cell has, the console, the ports that the image drives, a start stub if \
            it needs one, and a place for the communication region; comments say why, and what could not be known. The \
            image is read: an ELF executable's symbols tell most of it. What 'check' finds is told on standard error; \
            what it rejects is not proposed, and the exit status is 1. Needs no daemon.

            With --json: an object with output, toml (null if there is no proposal), and findings as 'check --json' has \
            them.

            With --linux, the image is a Linux kernel: the cell gets RAM as Linux wants it, its serial port with the \
            interrupt, and a command line. On Arm64, the interrupt is the one in the device tree of this machine, if it has \
            Jailhouse's driver, or of the one whose files --root names, or else the one of the system's [debug-console].

            Example: jailhouse-ctl new-cell q35.toml --cpus 3 --memory "8 MiB" --image rtems.exe -o rtems.toml
            Example: jailhouse-ctl new-cell q35.toml --linux --cpus 2-3 --image /boot/vmlinuz --initrd /boot/initrd.img
            """
    )

    @OptionGroup var options: FileOptions

    @Option(help: "The program, an ELF executable or a flat image.", completion: .file())
    var image: String

    @Option(help: "Where a flat image goes, as the cell sees it (default: 0).")
    var address: Address?

    @Option(help: ArgumentHelp("Its CPUs (default: the highest free one).", valueName: "list"))
    var cpus: CPUList?

    @Option(
        help: ArgumentHelp(
            "Its RAM (default: 8 MiB or, on small boards, what is left; more if the image needs it).", valueName: "size"
        ))
    var memory: Size?

    @Option(
        help: ArgumentHelp("Where that RAM is in the machine (default: free memory for cells).", valueName: "address"))
    var physical: Address?

    @Option(help: "The cell's name (default: the image's).")
    var name: String?

    @Flag(help: "The image is a Linux kernel.")
    var linux = false

    @Option(help: "Of Linux: its initial RAM file system.", completion: .file())
    var initrd: String?

    @Option(
        name: .customLong("command-line"),
        help: ArgumentHelp("Of Linux: its command line (default: the console's).", valueName: "words"))
    var commandLine: String?

    @Option(
        name: .customLong("serial-interrupt"),
        help: ArgumentHelp(
            "Of Linux on Arm64: the interrupt of the system's serial port, 32 more than in device trees (default: as the "
                + "machine or the system has it).",
            valueName: "number"))
    var serialInterrupt: UInt32?

    @Option(
        help: ArgumentHelp(
            "Of Linux on x86: what starts it (default: \(LinuxStart.defaultLoader)).", valueName: "file"),
        completion: .file())
    var loader: String?

    @Option(
        help: ArgumentHelp(
            "Of Linux on Arm64: look at the machine whose /sys is in this directory (/ for this one).",
            valueName: "directory"),
        completion: .directory)
    var root: String?

    @Option(name: .shortAndLong, help: "The result (default: standard output).", completion: .file())
    var output: String?

    @Argument(
        help: "The system, and the cells that are to exist beside the new one; source or compiled.",
        completion: .file(extensions: ["toml", "cell", "system"]))
    var files: [String]

    func validate() throws {
        guard !linux else { return }
        for (option, isGiven) in [
            ("initrd", initrd != nil), ("command-line", commandLine != nil),
            ("serial-interrupt", serialInterrupt != nil), ("loader", loader != nil),
            ("root", root != nil),
        ] where isGiven {
            throw ValidationError("--\(option) is for Linux: give --linux as well.")
        }
    }

    func run() throws {
        let (system, others) = try machine()
        let image = try InputFile(image, limit: InputFile.imageLimit)
        let path = try Enable.absolute(image.path)
        let (initrdPath, loaderPath) = (try initrd.map(Enable.absolute), try loader.map(Enable.absolute))
        let running = linux ? try RunningMachine(root: root) : nil
        let toml: String
        do throws(DefinitionError) {
            let request = CellProposal.Request(
                imagePath: path, address: address?.value, name: name, cpus: cpus?.value, memory: memory?.value,
                physical: physical?.value)
            let descriptors = others.map(\.descriptor)
            if linux {
                var request = LinuxProposal.Request(
                    request, initrd: initrdPath, commandLine: commandLine, serialInterrupt: serialInterrupt,
                    loader: loaderPath)
                request.interrupts = running?.sharedInterrupts ?? [:]
                toml = try LinuxProposal(request, kernel: image.contents, system: system, others: descriptors).toml()
            } else {
                toml = try CellProposal(request, image: image.contents, system: system, others: descriptors).toml()
            }
        } catch {
            let place = error.path == path ? "\(image.path): " : ""
            throw CommandFailure(
                .failed, place + [error.message, error.remedy].filter { !$0.isEmpty }.joined(separator: "; "))
        }
        let complaints = try judge(toml, in: system, on: running, besides: others)
        let isBroken = complaints.contains { $0.severity == Finding.Severity.error.rawValue }
        let result = OutputFile(isBroken ? nil : output)
        if !isBroken, !options.screen.json || result.path != nil {
            try result.write(Array(toml.utf8), to: options.screen)
        }
        if options.screen.json {
            try options.screen.show(
                JSON.text(Proposal(output: result.path, toml: isBroken ? nil : toml, findings: complaints)))
        } else {
            for complaint in complaints {
                try SystemCall.write(Array((complaint.text(.plain) + "\n").utf8), to: 2)
            }
        }
        guard isBroken else { return }
        guard !options.screen.json else { throw ExitCode(CommandFailure.Status.failed.rawValue) }
        throw CommandFailure(
            .failed, "nothing is proposed: 'check' rejects the cell that was asked for, see above; change the options")
    }

    private struct Proposal: Encodable {
        @JSON.OrNull var output: String?
        @JSON.OrNull var toml: String?
        let findings: [Complaint]
    }

    /// The one system among the files, and the cells.
    private func machine() throws -> (SystemDescriptor, [CellDefinition]) {
        var systems: [SystemDescriptor] = []
        var cells: [CellDefinition] = []
        for path in files {
            switch try DaemonFile(explaining: InputFile(path)) {
            case .system(let system): systems.append(system)
            case .cell(let cell), .definition(let cell): cells.append(cell)
            case .settings:
                throw CommandFailure(.wrongUsage, "\(path) has the daemon's settings; give a system and its cells")
            }
        }
        guard systems.count == 1 else {
            throw CommandFailure(.wrongUsage, "there must be one system among the files, not \(systems.count)")
        }
        return (systems[0], cells)
    }

    /// As `check` would.
    private func judge(
        _ toml: String, in system: SystemDescriptor, on running: RunningMachine?, besides others: [CellDefinition]
    ) throws -> [Complaint] {
        let path = OutputFile(output).path ?? "the proposal"
        do throws(DefinitionError) {
            let definition = try CellDefinition(toml: toml, path: path, readFile: InputFile.read)
            let mutual = DefinitionSet(others + [definition]).mutualFindings(in: system).filter {
                $0.path == path || $0.message.contains(path)
            }
            let findings =
                definition.findings(system: system)
                + definition.placed(in: system, on: running).imageFindings(readFile: InputFile.read) + mutual
            return findings.map { Complaint($0, file: path) }
        } catch {
            throw CommandFailure(.failed, "\(error)")
        }
    }
}

// MARK: - Values of options

extension NewCell {
    /// `0x3a000000`
    struct Address: ExpressibleByArgument {
        let value: UInt64

        init?(argument: String) {
            let isHexadecimal = argument.hasPrefix("0x") || argument.hasPrefix("0X")
            guard
                let value = UInt64(
                    isHexadecimal ? String(argument.dropFirst(2)) : argument, radix: isHexadecimal ? 16 : 10)
            else { return nil }
            self.value = value
        }
    }

    /// `8 MiB`
    struct Size: ExpressibleByArgument {
        let value: UInt64

        init?(argument: String) {
            guard let value = Quantity.size(argument) ?? Address(argument: argument)?.value else { return nil }
            self.value = value
        }
    }

    /// `3` or `2-3`
    struct CPUList: ExpressibleByArgument {
        let value: CPUSet

        init?(argument: String) {
            guard let value = try? CPUSet(list: argument) else { return nil }
            self.value = value
        }
    }
}
