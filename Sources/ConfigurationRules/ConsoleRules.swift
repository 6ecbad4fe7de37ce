// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about the consoles of cells and of the hypervisor.
enum ConsoleRules {
    /// A console and its key: `cell.console`, `root-cell.console` or `debug-console`.
    struct Subject {
        var console: Console
        var location: String
        /// Nil where it is guessed.
        var architecture: Architecture?
        var format: FormatVariant
        /// Of the cell that is printed by, or of Linux for the hypervisor's.
        var memoryRegions: [MemoryRegion]

        init(_ console: Console, of cell: CellDescriptor, at location: String) {
            self.console = console
            self.location = location
            architecture = cell.isArchitectureGuessed ? nil : cell.architecture
            format = cell.format
            memoryRegions = cell.memoryRegions
        }
    }

    static let all: [Rule<Subject>] = [
        Rule(
            id: "JH0404", severity: .warning, title: "a console's type and flags have a meaning",
            consequence: "nothing is printed, or the bits have no effect",
            remedy: "use one of the known types, and remove \"other-flags\""
        ) { subject in
            var violations: [Rule<Subject>.Violation] = []
            let unknown = subject.console.flags.subtracting(.known)
            if !unknown.isEmpty {
                violations.append(
                    .init(
                        location: subject.location,
                        message: "the flags \(hexadecimal(unknown.rawValue)) have no meaning for any console"))
            }
            let kind = subject.console.kind
            let misplaced = subject.console.flags.intersection([.framebuffer1920x1080, .mdrQuirk])
                .subtracting(kind == .efiFramebuffer ? .framebuffer1920x1080 : kind == .uart8250 ? .mdrQuirk : [])
            if kind != .none, !misplaced.isEmpty {
                violations.append(
                    .init(
                        location: subject.location,
                        message:
                            "the flags \(hexadecimal(misplaced.rawValue)) have no meaning for a console of this type"))
            }
            if let part = subject.console.unknownPart(in: subject.format) {
                violations.append(
                    .init(
                        location: subject.location,
                        message: "upstream's revision \(subject.format.revision.rawValue) does not know \(part)",
                        // vendors' hypervisors of that time do
                        severity: .note))
            }
            if subject.console.kind.rawValue > Console.Kind.highestKnown {
                violations.append(
                    .init(
                        location: subject.location,
                        message: "there is no console type \(subject.console.kind.rawValue)"))
            }
            if subject.console.kind != .none, subject.console.address == 0 {
                violations.append(.init(location: subject.location, message: "the console has no address"))
            } else if subject.console.kind != .none, let architecture = subject.architecture, architecture != .x86,
                !subject.console.flags.contains(.mmio)
            {
                violations.append(
                    .init(
                        location: subject.location,
                        message:
                            "the console's registers are I/O ports, which an Arm processor has not: access = \"mmio\" is missing"
                    ))
            }
            return violations
        },
        Rule(
            id: "JH0407", severity: .warning, title: "a console's registers do not lie in RAM",
            consequence: "what is printed is written over programs and data there, and nobody sees it",
            remedy: "correct \"address\"; for a PC's COM1 at port 0x3f8, access = \"pio\""
        ) { subject in
            let console = subject.console
            // a region that lies over that of the registers is JH0205's
            let hasRegisters = subject.memoryRegions.contains {
                $0.flags.isDisjoint(with: [.loadable, .execute])
                    && ($0.virtualRange?.contains(console.address) ?? false)
            }
            guard console.kind != .none, console.address != 0,
                console.flags.contains(.mmio) || console.kind == .efiFramebuffer,
                !hasRegisters,
                let region = subject.memoryRegions.first(where: { region in
                    region.holdsPrograms && (region.virtualRange?.contains(console.address) ?? false)
                })
            else { return [] }
            return [
                .init(
                    location: subject.location,
                    message: "the console's address \(hexadecimal(console.address)) is in the RAM \(region.quotedName) "
                        + "(\(region.virtualText))")
            ]
        },
    ]
}

extension Console.Flags {
    fileprivate static let known: Console.Flags = [
        .mmio, .registerDistance4, .framebuffer1920x1080, .invertedGate, .mdrQuirk,
    ]
}

extension Console.Kind {
    /// SCIF.
    fileprivate static let highestKnown: UInt16 = 10
}
