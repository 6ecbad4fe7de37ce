// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration
package import ConfigurationRules

/// What is known beside the console's text; whatever is not known is nil or empty.
package struct Surroundings: Sendable {
    /// The cell that the text is about; the root cell's own failures are judged by ``system``.
    package var cell: CellDescriptor?
    package var system: SystemDescriptor?
    /// Other cells of the same machine.
    package var others: [CellDescriptor] = []
    /// What Linux says of the machine.
    package var machine: RunningMachine?
    /// Whether the cell's program was built with RTEMS.
    package var isRTEMS = false
    /// Whether the cell's program is a Linux.
    package var isLinux = false
    /// The rules of `check` that find something in the files of which the rest is known; nil: they were not checked.
    package var findings: Set<String>?
    /// What these rules say, by the rule: each is named only where it is about the same address or port.
    var findingTexts: [String: [String]] = [:]
    /// The drivers of PCI devices in Linux: `00:1f.2` → `ahci`.
    package var drivers: [String: String] = [:]

    package init(
        cell: CellDescriptor? = nil, system: SystemDescriptor? = nil, others: [CellDescriptor] = [],
        machine: RunningMachine? = nil, isRTEMS: Bool = false, drivers: [String: String] = [:]
    ) {
        self.cell = cell
        self.system = system
        self.others = others
        self.machine = machine
        self.isRTEMS = isRTEMS
        self.drivers = drivers
    }
}

extension Surroundings {
    /// Takes in what `check` says of the files; nil: they were not checked.
    package mutating func take(_ found: [Finding]?) {
        findings = found.map { Set($0.compactMap(\.rule)) }
        findingTexts = Dictionary(grouping: found ?? [], by: { $0.rule ?? "" }).mapValues { $0.map(\.message) }
    }

    /// Whether anything is known of who has an address.
    var isKnown: Bool { cell != nil || system != nil || machine != nil || !others.isEmpty }
}

/// Where in its program a CPU was.
package struct ProgramPlace: Hashable, Sendable {
    package var function: String
    /// In bytes from the function's beginning.
    package var offset: UInt64
    /// The file's name.
    package var image: String
    /// `clock.c:42`; nil where the file has no lines, or nothing can read them.
    package var line: String?
    /// As a disassembler writes it.
    package var instruction: String?

    package init(function: String, offset: UInt64, image: String, line: String? = nil, instruction: String? = nil) {
        self.function = function
        self.offset = offset
        self.image = image
        self.line = line
        self.instruction = instruction
    }

    package var text: String {
        let place = offset == 0 ? function : "\(function) + 0x\(hex(offset))"
        return "\(place) (\(image))" + (line.map { ", \($0)" } ?? "") + (instruction.map { ": \($0)" } ?? "")
    }
}

extension Surroundings {
    /// The known cell that has a PCI device: `00:02.0`.
    package func owner(ofDevice device: String) -> String? {
        ([cell].compactMap(\.self) + others).first { $0.pciDevices.contains { $0.address.description == device } }?.name
    }

    /// Who has an I/O port, beside the cell: `Linux uses it for "rtc0"`, `the cell "b" has it`.
    func owners(ofPort port: UInt64) -> [String] {
        var notes: [String] = []
        for other in others where other.ioPortRegions.contains(where: { $0.contains(port) }) {
            notes.append("The cell \"\(other.name)\" has the port 0x\(hex(port)).")
        }
        // the window of a whole bus says nothing of a port in it
        if let resource = machine?.ports.last(where: { ($0.first...$0.last).contains(port) }),
            !resource.name.hasPrefix("PCI Bus")
        {
            notes.append("Linux calls 0x\(hex(resource.first))–0x\(hex(resource.last)) \"\(resource.name)\".")
        }
        return notes
    }

    /// A device of Linux that has the port, by `/proc/ioports`; windows of buses are none.
    func linuxDevice(atPort port: UInt64) -> String? {
        let name = machine?.ports.last { ($0.first...$0.last).contains(port) }?.name
        return name.flatMap { $0.hasPrefix("PCI ") || $0.hasPrefix("ACPI PM_TMR") ? nil : $0 }
    }

    /// The cell's port region in which an access begins.
    func ownPorts(at port: UInt64) -> IOPortRegion? { cell?.ioPortRegions.first { $0.contains(port) } }

    /// Which port regions of the cell are near.
    func portNotes(_ port: UInt64) -> [String] {
        guard let cell else { return [] }
        guard !cell.ioPortRegions.isEmpty else { return ["The cell has no I/O ports at all."] }
        let near = cell.ioPortRegions.filter { $0.count > 0 }.min { $0.distance(to: port) < $1.distance(to: port) }
        guard let near, (1...16).contains(near.distance(to: port)) else { return [] }
        let side = port > near.last ? "behind" : "in front of"
        return ["The cell has \(near.rangeText): the port is \(near.distance(to: port)) \(side) \(near.label)."]
    }

    /// How far below the stack pointer one instruction writes, in bytes: several registers.
    private static let deepestPush: UInt64 = 0x100

    /// The memory that the stack left downwards, where that is what happened; else whether it was in none.
    ///
    /// - Returns: nil when the access was none to the stack, or to memory that the cell has.
    func stackFault(_ address: UInt64, _ registers: [String: UInt64]) -> (note: String, advice: String)? {
        guard let cell, let top = ["sp", "rsp", "r13"].lazy.compactMap({ registers[$0] }).first, top >= address,
            top - address <= Self.deepestPush, !cell.memoryRegions.contains(where: { $0.contains(address) })
        else { return nil }
        if let region = cell.memoryRegions.first(where: {
            $0.isRAM && ($0.contains(top) || top > 0 && $0.contains(top - 1))
        }) {
            return (
                "The stack grew out of \"\(region.label)\" (\(region.rangeText)) downwards.",
                "Make the program's stack larger, or look for a recursion without end; nothing is to be granted."
            )
        }
        return (
            "The stack is in no memory of the cell.",
            "Set the stack pointer to memory that the cell has: the top of its RAM, or a work area in it; nothing is to be granted."
        )
    }

    /// The register that held the number; the shortest word for it.
    static func holders(of address: UInt64, in registers: [String: UInt64]) -> String? {
        let others: Set = [
            "rip", "pc", "flags", "cs", "base", "cr0", "cr3", "cr4", "efer", "esr", "iss", "spsr", "elr", "phys",
            "linear", "hsr", "cpsr", "cr2", "vectoring", "error", "physical", "ar-bytes",
        ]
        let named = registers.filter { !others.contains($0.key) }
        let stack = ["sp", "rsp", "r13"].first { named[$0] != nil }
        let exact = named.filter { $0.value == address }.keys.sorted()
        if let name = exact.first(where: { $0 != stack }) { return "\(name.uppercased()) held the address." }
        if let name = exact.first { return "\(name.uppercased()), the stack pointer, held the address." }
        // what is pushed is below it
        if let stack, let top = named[stack], top > address, top - address <= deepestPush {
            return "\(stack.uppercased()), the stack pointer, held 0x\(hex(top)), 0x\(hex(top - address)) above it."
        }
        let base = named.filter { $0.value > 0xfff && $0.value < address && address - $0.value < 0x1000 }
            .min { ($1.value, $0.key) < ($0.value, $1.key) }
        return base.map { "\($0.key.uppercased()) held 0x\(hex($0.value)), 0x\(hex(address - $0.value)) below it." }
    }
}

extension IOPortRegion {
    func contains(_ port: UInt64) -> Bool { port >= UInt64(base) && port < UInt64(base) + UInt64(count) }

    var last: UInt64 { UInt64(base) + UInt64(max(count, 1)) - 1 }

    var rangeText: String { "0x\(hex(UInt64(base)))–0x\(hex(last))" }

    var label: String { name.isEmpty ? "its ports" : "\"\(name)\"" }

    func distance(to port: UInt64) -> UInt64 {
        port < base ? UInt64(base) - port : port > last ? port - last : 0
    }
}
