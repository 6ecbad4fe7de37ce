// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import InmateImage

extension CellProposal {
    /// The definition's text, with a comment wherever something was chosen or could not be known.
    package func toml() -> String {
        [head, memory, portTables, imageTable, simulation, supervision].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private var head: String {
        var lines = ["# A cell for \(quoted(request.imagePath))\(kind.map { " (\($0))" } ?? "")."]
        lines += unknown.flatMap { ["#"] + $0.map { "# " + $0 } }
        lines += ["", "[cell]", "name = \(quoted(name))"] + system.architectureLines
        lines += [
            "cpus = [\(cpus.members.map(String.init).joined(separator: ", "))]", beginningLine,
        ]
        if isAArch32 { lines.append("aarch32 = true                  # the program is a 32-bit one") }
        if let line = ProposedConsole(console: console).line { lines.append(line) }
        if knowsRegion {
            lines += [
                "# All of Linux is stalled until the program has answered, at most for so many loops of the",
                "# hypervisor: a million of them last \(architecture == .x86 ? "about a second" : "a fifth of a second").",
                "message-timeout = 1000000",
            ]
        } else {
            lines += [
                "# Nothing in the image shows that it answers the hypervisor's messages, so it is not asked.",
                "passive-comm-region = true",
            ]
        }
        return text(lines)
    }

    /// What the image does not tell, a paragraph each.
    private var unknown: [[String]] {
        var paragraphs: [[String]] = []
        if profile.format == .flat && profile.isMultiboot {
            paragraphs.append([
                "It is a flat copy of a 32-bit program: a copy lacks its BSS, and does not tell where it was linked to. Give",
                "the ELF executable if there is one; else check \"address\" and \"entry\" below.",
            ])
        } else if profile.rtems != nil && !profile.hasSymbols {
            paragraphs.append([
                "It was stripped of its symbols: what hardware it drives and where its work area ends cannot be seen, so",
                "the usual is assumed.",
            ])
        } else if architecture == .x86, !isUpstreamInmate, case .program = beginning,
            profile.machine == .x8664 || profile.machine == .i386
        {
            let (mode, word) =
                profile.machine == .i386 ? ("32-bit protected mode", "protected-32") : ("long mode", "long-64")
            paragraphs.append(
                Text.paragraph(
                    "Whether the program begins with 16-bit code, as it must here, cannot be seen. If it begins in \(mode), "
                        + "set start = \"\(word)\" in [[image]] and another reset-address."))
        }
        if profile.format == .flat && !profile.isMultiboot && request.address == nil && !isUpstreamInmate {
            paragraphs.append(
                Text.paragraph(
                    "A flat image does not tell where it was linked to, nor how much memory it takes behind its end: 0 is "
                        + "assumed. Give --address if it is for another place."))
        }
        if !showsRegion && profile.rtems == nil {
            let usual: UInt64 = architecture == .x86 ? 0x10_0000 : 0x8000_0000
            paragraphs.append(
                Text.paragraph(
                    "Whether and where the program looks for the communication region cannot be seen: correct \"virtual\" of it if "
                        + "that is elsewhere. Programs with the library of Jailhouse's own inmates look at "
                        + "\(hexadecimal(usual))."))
        }
        if architecture != .x86 { paragraphs += unknownOnArm }
        if isPlaceGuessed {
            paragraphs.append(
                Text.paragraph(
                    "Nothing says which memory is for cells. The region beside the hypervisor's is taken: check that Linux "
                        + "leaves it alone ('check --root'), or give --physical."))
        }
        if isMemoryScarce {
            paragraphs.append(
                Text.paragraph(
                    "The memory for cells has no \(Quantity.sizeText(Self.standardMemory) ?? "") in one piece left, which a "
                        + "cell has by default: this one has \(Quantity.sizeText(ramSize) ?? "\(ramSize) bytes")."))
        }
        if isUpstreamInmate {
            paragraphs.append([
                "It seems to be made with the library of Jailhouse's own inmates, which look for the communication region",
                "at \(hexadecimal(region)). Whether it answers messages cannot be seen.",
            ])
        }
        return paragraphs
    }

    /// Its hardware has no fixed places, and programs do not name what they drive.
    private var unknownOnArm: [[String]] {
        var paragraphs = [
            Text.paragraph(
                "Which devices the program drives cannot be seen"
                    + (console.kind == .none ? "" : ", besides the serial port that its console is")
                    + ". Each needs its "
                    + "registers in a [[memory]] with access \"io\", and its interrupts in an [[interrupt-chip]] with address = "
                    + "\(hexadecimal(distributor)): numbers of the GIC, 32 more than a device tree's SPI. Timers need none."
                    + (console.kind == .none
                        ? "" : " Which interrupt the serial port has is not in the system configuration."))
        ]
        if console.kind == .none {
            paragraphs.append(
                Text.paragraph(
                    "The system configuration has no [debug-console], so which serial port there is cannot be seen: the cell "
                        + "has no console."))
        }
        return paragraphs
    }

    /// Of the GIC.
    private var distributor: UInt64 {
        if case .arm(let platform) = system.platform.specific { platform.gicdBase } else { 0 }
    }

    private var isUpstreamInmate: Bool { profile.regionOfUpstream(architecture) != nil }

    private var isAArch32: Bool { architecture == .arm64 && profile.machine == .arm }

    /// The hardware of a PC that the program drives and that Linux needs itself.
    private var hardwareOfLinux: [LegacyDevice] {
        (profile.rtems?.legacyDevices ?? []).filter(\.isLinux)
    }

    private var simulation: String {
        guard architecture == .x86, !hardwareOfLinux.isEmpty else { return "" }
        let names = Set(hardwareOfLinux.map(\.name)).sorted().joined(separator: ", ")
        let devices: [SimulationTable.Device] = [.pic8259A, .pit8254].filter { device in
            hardwareOfLinux.contains { own in own.ports.contains { device.ports.contains($0) } }
        }
        var lines = Text.comment(
            "The program drives hardware of a PC that Linux needs itself (\(names)), so this is for the simulated machine "
                + "only. Linked with the layer of inmates/rtems it does without, and runs on a real one.")
        lines += ["[simulation]", "only = true"]
        if !devices.isEmpty {
            lines.append("devices = [\(devices.map { quoted($0.rawValue) }.joined(separator: ", "))]")
        }
        return text(lines)
    }

    private var kind: String? {
        switch profile.rtems?.port {
        case .jailhouse2016: "RTEMS, the port to Jailhouse of 2016"
        case .stock: "RTEMS"
        case .layer: "RTEMS with the layer for cells"
        case nil: nil
        }
    }

    /// Whether the image says where the program looks for it.
    private var namesRegion: Bool { profile.communicationRegion != nil || profile.writtenRegion == region }

    /// Whether that can be seen, said or not.
    private var showsRegion: Bool { namesRegion || isUpstreamInmate }

    private var knowsRegion: Bool {
        namesRegion && profile.rtems?.port != .jailhouse2016
    }

    private var beginningLine: String {
        switch beginning {
        case .program(let address):
            "reset-address = \(hexadecimal(address))"
                + (architecture == .x86 ? "             # 16-bit real mode: the image must begin so" : "")
        case .ownStub(let address): "reset-address = \(hexadecimal(address))         # the image's 16-bit start"
        case .stub(let address):
            "reset-address = \(hexadecimal(address))".padded + "# the start stub goes here"
        }
    }

    /// The RAM, in two regions when the communication region is in the midst of it.
    private var memory: String {
        let end = ramStart + ramSize
        var pieces: [(start: UInt64, end: UInt64)] = []
        if region < end, region >= ramStart {
            let behind = min(end, region + FreeMemory.pageSize)
            pieces = [(ramStart, region), (behind, end)].filter { $0.0 < $0.1 }
        } else {
            pieces = [(ramStart, end)]
        }
        var tables = pieces.map { piece in
            text([
                "[[memory]]", "name = \"ram\"", "physical = \(hexadecimal(physical + (piece.start - ramStart)))",
                "virtual = \(hexadecimal(piece.start))", "size = \(sizeText(piece.end - piece.start))",
                "access = [\"read\", \"write\", \"execute\", \"loadable\"]",
            ])
        }
        let reason = showsRegion ? "where the program looks for it" : "where it is not in the way"
        tables.append(
            text([
                "[[memory]]", "name = \"communication region\"",
                "virtual = \(hexadecimal(region))".padded + "# \(reason)", "size = \"4 KiB\"",
                "access = [\"read\", \"write\", \"communication-region\"]",
            ])
        )
        if let registers = ProposedConsole(console: console).registers {
            tables.append(
                text([
                    "[[memory]]", "name = \"\(registers.name)\"".padded + "# Linux and the hypervisor have it, too",
                    "physical = \(hexadecimal(registers.physicalStart))",
                    "virtual = \(hexadecimal(registers.virtualStart))",
                    "size = \(sizeText(registers.size))",
                    "access = [\(registers.accessWords.map(quoted).joined(separator: ", "))]",
                ]))
        }
        return tables.joined(separator: "\n")
    }

    private var portTables: String {
        ports.map {
            text(["[[ports]]", "name = \(quoted($0.name))", "base = \(hexadecimal($0.base))", "count = \($0.count)"])
        }.joined(separator: "\n")
    }

    private var imageTable: String {
        var image = ["[[image]]", "path = \(quoted(request.imagePath))"]
        if profile.format == .flat { image.append("address = \(hexadecimal(profile.parts.first?.start ?? 0))") }
        if case .stub = beginning {
            if profile.rtems?.port == .jailhouse2016 {
                image += ["start = \"protected-32\"", "communication-region-layout = 2016"]
            } else {
                image.append("start = \"\(profile.isMultiboot ? "multiboot" : "protected-32")\"")
                if profile.format == .flat, let entry = profile.entry { image.append("entry = \(hexadecimal(entry))") }
                if let commandLine { image.append("command-line = \(quoted(commandLine))") }
            }
        }
        return text(image)
    }

    /// An RTEMS program without the layer prints to the screen unless it is told otherwise.
    private var commandLine: String? {
        guard profile.isMultiboot, profile.rtems?.port == .stock, !console.flags.contains(.mmio) else { return nil }
        let ports: [UInt64: Int] = [0x3f8: 1, 0x2f8: 2, 0x3e8: 3, 0x2e8: 4]
        return console.kind == .uart8250 ? ports[console.address].map { "--console=/dev/com\($0)" } : nil
    }

    private var supervision: String {
        text(["[supervision]", "restart = \"on-failure\""])
    }

    private func text(_ lines: [String]) -> String {
        lines.map { $0 + "\n" }.joined()
    }

    private func sizeText(_ size: UInt64) -> String {
        Quantity.sizeText(size).map { "\"\($0)\"" } ?? hexadecimal(size)
    }

    private func quoted(_ text: String) -> String { SourceQuote.quoted(text) }
}

/// Text of comments.
private enum Text {
    /// Of the definition's head, which adds the marks of a comment.
    static func paragraph(_ text: String) -> [String] { comment(text).map { String($0.drop { "# ".contains($0) }) } }

    /// In lines of at most 120 columns.
    static func comment(_ text: String) -> [String] {
        var lines = ["#"]
        for word in text.split(separator: " ") {
            if lines[lines.count - 1].count + word.count < 120 {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append("# " + word)
            }
        }
        return lines
    }
}

extension String {
    /// To the column of comments.
    fileprivate var padded: String { self + String(repeating: " ", count: max(1, 32 - count)) }
}
