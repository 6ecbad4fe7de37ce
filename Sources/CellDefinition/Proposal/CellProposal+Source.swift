// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import InmateImage

extension CellProposal {
    /// The definition's text, with a comment wherever something was chosen or could not be known.
    package func toml() -> String {
        [head, memory, portTables, imageTable, supervision].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private var head: String {
        var lines = [
            "# A cell for \(quoted(request.imagePath))\(kind.map { " (\($0))" } ?? "").",
            "", "[cell]", "name = \(quoted(name))", "architecture = \(quoted(architecture.name))",
            "cpus = [\(cpus.members.map(String.init).joined(separator: ", "))]", beginningLine,
        ]
        if console.kind == .uart8250, !console.flags.contains(.mmio) {
            lines.append("console = { type = \"8250\", access = \"pio\", address = \(hexadecimal(console.address)) }")
        }
        if knowsRegion {
            lines += [
                "# All of Linux stands still until the program has answered, at most for so many loops of the",
                "# hypervisor: a million of them last about a second.", "message-timeout = 1000000",
            ]
        } else {
            lines += [
                "# Nothing in the image shows that it answers the hypervisor's messages, so it is not asked.",
                "passive-comm-region = true",
            ]
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

    private var knowsRegion: Bool {
        profile.communicationRegion != nil && profile.rtems?.port != .jailhouse2016
    }

    private var beginningLine: String {
        switch beginning {
        case .program(let address):
            "reset-address = \(hexadecimal(address))"
                + (architecture == .x86 ? "             # 16-bit real mode: the image must begin so" : "")
        case .ownStub(let address): "reset-address = \(hexadecimal(address))         # the image's 16-bit start"
        case .stub: "reset-address = \(hexadecimal(CellProposal.stubAddress))         # the start stub goes here"
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
        let reason =
            profile.communicationRegion == nil ? "where it is not in the way" : "where the program looks for it"
        tables.append(
            text([
                "[[memory]]", "name = \"communication region\"",
                "virtual = \(hexadecimal(region))".padded + "# \(reason)", "size = \"4 KiB\"",
                "access = [\"read\", \"write\", \"communication-region\"]",
            ])
        )
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
            }
        }
        return text(image)
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

    private func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension String {
    /// To the column of comments.
    fileprivate var padded: String { self + String(repeating: " ", count: max(1, 32 - count)) }
}
