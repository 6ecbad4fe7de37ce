// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import MachineProbe

struct Probe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Propose a system configuration for this machine, or for one whose files were copied.",
        discussion: """
            Reads what Linux says of an x86 machine: memory and ports, PCI devices, and the ACPI tables for \
            IOAPICs, IOMMUs, the PM timer and PCI configuration space; of an Arm64 machine: memory and the device \
            tree. Comments in the result tell what Linux did not say, and whether the processors lack something that \
            the hypervisor needs. Needs to be root for the addresses, but no daemon, and touches nothing.

            Reserve memory first, with memmap=80M$0x3a000000 or the like on Linux's command line: the hypervisor is \
            put at its end.

            With --root, the files are read below that directory: /proc/{iomem,ioports,cmdline}, \
            /proc/cpuinfo, /sys/devices/system/cpu/present, /sys/class/dmi/id/product_name, /sys/firmware/acpi/tables, \
            /sys/bus/pci/devices/*/{config,resource}, and /sys/firmware/devicetree/base or /sys/firmware/fdt.

            Example: jailhouse-ctl probe -o machine.toml && jailhouse-ctl check machine.toml
            """
    )

    @OptionGroup var options: FileOptions

    @Option(
        help: ArgumentHelp("Where /proc and /sys are (default: /).", valueName: "directory"), completion: .directory)
    var root = "/"

    @Option(name: .shortAndLong, help: "The result (default: standard output).", completion: .file())
    var output: String?

    func run() throws {
        let capture = try CapturedMachine(root: root).capture()
        if case .other(let name) = capture.processors {
            throw CommandFailure(
                .failed,
                "this is \(name == "unknown" ? "an unknown" : "a \(name)") machine; probe proposes systems for x86 "
                    + "and, by their device tree, for Arm64")
        }
        if capture.processors == .arm64, capture.deviceTree == nil {
            throw CommandFailure(
                .failed,
                "this Arm64 machine has no device tree (\(root)/sys/firmware/devicetree/base); probe cannot tell "
                    + "its interrupt controller from ACPI")
        }
        let proposal = SystemProposal(capture)
        if options.screen.json {
            return try options.screen.show(JSON.text(ProbeReport(proposal, root: root)))
        }
        let origin = root == "/" ? "this machine" : root
        try OutputFile(output).write(Array(proposal.toml(from: origin).utf8), to: options.screen)
    }
}

/// What `probe --json` tells.
private struct ProbeReport: Encodable {
    struct Note: Encodable {
        /// The table that it is about; empty for all of it.
        let location: String
        let message: String
    }

    let toml: String
    let notes: [Note]

    init(_ proposal: SystemProposal, root: String) {
        toml = proposal.toml(from: root)
        notes = proposal.notes.sorted { $0.key < $1.key }.flatMap { location, messages in
            messages.map { Note(location: location, message: $0) }
        }
    }
}
