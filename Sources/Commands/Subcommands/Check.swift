// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import ConfigurationRules

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check cell definitions, cells, systems and the daemon's settings.",
        discussion: """
            Each finding has its place, its rule, what it leads to and what to do; 'explain' has a page for each rule. \
            Cells are checked with each other, against the system among the files or that the settings name, and a \
            definition's images against its hardware. On a machine with Jailhouse's driver, or with --root, what Linux \
            says of it counts, too. The exit status is 1 if there is an error. Needs no daemon and touches nothing.

            A directory is checked as the daemon reads it: jailhoused.toml, the system that it names, and cells/*.toml. \
            With --instead it is checked as it would be after a change: FILE is read where PATH is meant, a definition, an \
            image or any other file, which need not be there yet.

            With --root, what is there of these files is read below that directory: \
            /proc/{ioports,iomem,interrupts,consoles,cmdline,cpuinfo}, /sys/devices/system/cpu/online, \
            /sys/class/dmi/id/product_name, the names in /sys/bus/pci/devices, /sys/bus/platform/devices/*/driver, \
            /sys/firmware/memmap, and /sys/firmware/devicetree/base or /sys/firmware/fdt.

            With --json: an array of objects with file, kind (cell, system, definition or settings), name, refused \
            (whether the daemon would not use it: of two cells that cannot live together, it uses both) and findings (rule, severity, file, line, location, others (further locations of the same fault), message, \
            consequence, remedy). With --sarif: a log in \
            SARIF 2.1.0, which editors and code review tools show.

            Example: jailhouse-ctl check /etc/jailhoused
            Example: jailhouse-ctl check /etc/jailhoused --instead /etc/jailhoused/cells/rtems.toml=new.toml
            """
    )

    @OptionGroup var options: FileOptions

    @Flag(help: "Print a SARIF log.")
    var sarif = false

    @Option(
        help: ArgumentHelp(
            "Look at the machine whose /proc is in this directory (/ for this one).", valueName: "directory"),
        completion: .directory)
    var root: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Read FILE where PATH is meant, as if it were there already; may be given several times.",
            valueName: "path=file"), completion: .file())
    var instead: [ProposedFiles.Proposal] = []

    @Argument(
        help: "Files, source or compiled, or a configuration directory.",
        completion: .file(extensions: ["toml", "cell", "system"]))
    var files: [String]

    func validate() throws {
        if sarif && options.screen.json { throw ValidationError("--json and --sarif exclude each other") }
        guard instead.isEmpty || files.allSatisfy(DirectoryCheckup.isDirectory) else {
            throw ValidationError("--instead changes a configuration directory: give that, and no files")
        }
    }

    func run() throws {
        let directories = files.filter(DirectoryCheckup.isDirectory)
        let checkup = Checkup(files.filter { !directories.contains($0) }, on: try RunningMachine(root: root))
        let checked =
            try directories.flatMap { try DirectoryCheckup($0, root: root, proposals: instead).files() }
            + checkup.files()
        if sarif {
            try options.screen.show(JSON.text(SARIFLog(checked)))
        } else {
            try options.screen.show(checked, text: text(of: checked, by: checkup))
        }
        if checked.contains(where: \.hasErrors) { throw ExitCode(CommandFailure.Status.failed.rawValue) }
    }

    private func text(of checked: [CheckedFile], by checkup: Checkup) -> String {
        let pointer = MapPointer(checkup, checked.flatMap(\.findings))?.text(Terminal.alphabet)
        return (checked.map { $0.text(options.screen.style) } + [pointer].compactMap(\.self)).joined(separator: "\n")
    }
}
