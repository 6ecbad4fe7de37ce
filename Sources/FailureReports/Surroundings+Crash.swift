// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

// Deaths that are no access: by what the registers tell.

extension Surroundings {
    /// The hypervisor touched for a cell what is not there.
    func completeAbort(_ explanation: inout Explanation, _ registers: [String: UInt64]) {
        if let address = registers["physical"] {
            explanation.notes.append("The hypervisor's access was to the physical address 0x\(hex(address)).")
            if let region = cell?.memoryRegions.first(where: { $0.containsPhysical(address) }) {
                explanation.notes.append("It is in the cell's region \"\(region.label)\" (\(region.rangeText)).")
            }
            return
        }
        guard let cell else { return }
        let small = cell.memoryRegions.filter { ($0.size | $0.virtualStart | $0.physicalStart) & 0xfff != 0 }
        guard !small.isEmpty else { return }
        explanation.notes.append(
            "The cell's regions smaller than a page are "
                + small.map { "\"\($0.label)\" at 0x\(hex($0.physicalStart))" }.joined(separator: ", ") + ".")
    }

    private static let exceptions: [UInt64: String] = [
        0: "division", 3: "breakpoint", 6: "invalid opcode", 7: "no coprocessor", 8: "double fault", 10: "invalid TSS",
        11: "segment not present", 12: "stack fault", 13: "general protection", 14: "page fault",
    ]

    func completeTripleFault(_ explanation: inout Explanation, _ registers: [String: UInt64]) {
        if let info = registers["vectoring"], info & 0x8000_0000 != 0 {
            let vector = info & 0xff
            explanation.notes.append(
                "The processor was delivering the exception \(vector)\(Self.exceptions[vector].map { " (\($0))" } ?? "")."
            )
        }
        guard let cr0 = registers["cr0"] else { return }
        let (isProtected, isPaged) = (cr0 & 1 != 0, cr0 & 0x8000_0000 != 0)
        let mode =
            !isProtected ? "real mode" : (registers["efer"] ?? 0) & 0x400 != 0 ? "64-bit mode" : "32-bit protected mode"
        explanation.notes.append("The CPU was in \(mode), with paging \(isPaged ? "on" : "off").")
        if isPaged, let tables = registers["cr3"].map({ $0 & 0xf_ffff_ffff_f000 }) {
            explanation.notes.append(
                "Its page tables begin at 0x\(hex(tables))"
                    + (cell.map { cell in
                        cell.memoryRegions.contains { $0.contains(tables) } ? "." : ", where the cell has no memory."
                    } ?? ".")
                    + " An address beyond what they map raises a page fault; without a handler for it, this is what follows."
            )
        }
        guard let cell else { return }
        func isMissing(_ address: UInt64) -> Bool {
            (!isPaged || address < 1 << 32) && !cell.memoryRegions.contains { $0.contains(address) }
        }
        if let address = registers["rip"], isMissing(address) {
            explanation.notes.append("RIP 0x\(hex(address)) is in no memory of the cell.")
        }
        // an exception is delivered below it
        if let top = registers["rsp"], isMissing(top &- 8) {
            explanation.notes.append(
                "RSP, the stack pointer, is 0x\(hex(top)): below it is no memory of the cell, so that no exception can be delivered."
            )
        }
    }
}
