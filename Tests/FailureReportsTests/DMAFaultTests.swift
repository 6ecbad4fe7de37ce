// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import FailureReports

@Suite("What an IOMMU stopped") struct DMAFaultTests {
    private func fault(_ code: UInt64, _ device: String = "00:1f.2", info: UInt64, _ type: Int = 1) throws -> DMAFault {
        try #require(
            ConsoleText(
                """
                VT-d fault event reported by IOMMU 0:
                 Source Identifier (bus:dev.func): \(device)
                 Fault Reason: 0x\(String(code, radix: 16)) Fault Info: \(String(info, radix: 16)) Type \(type)

                """
            ).dmaFaults.first)
    }

    @Test("Reasons from 0x20 on are about interrupts: no address is claimed", arguments: UInt64(0x20)...0x26)
    func interrupts(code: UInt64) throws {
        // entry 7 of the table
        let fault = try fault(code, info: 7 << 36, 0)
        #expect(fault.interruptIndex == 7)
        let explanation = fault.explanation(in: Surroundings())
        #expect(explanation.summary.contains("sent an interrupt"))
        // one that is not remapped has no entry
        #expect(explanation.summary.contains("entry 7") == (code != 0x25))
        #expect(explanation.entry == nil && !"\(explanation)".contains("[\"dma\"]"))
        #expect(try self.fault(6, info: 0x3a000).interruptIndex == nil)
    }

    @Test("Whose the device is, the system configuration tells, too; and which region lacks DMA")
    func owners() throws {
        let known = Surroundings(system: SurroundingsTests().system)
        let own = try fault(6, info: 0x3e000).explanation(in: known)
        #expect(own.notes.first == "The device is Linux's: [root-cell] of the system configuration has it.")
        #expect(own.entry == "access = [\"read\", \"write\", \"execute\", \"dma\"]    # of \"low RAM\"", "\(own)")
        let nobody = try fault(2, "00:1b.0", info: 0x10).explanation(in: known)
        #expect(nobody.advice.hasPrefix("Add the device to [root-cell]"), "\(nobody)")
        let hypervisor = try fault(5, info: 0x3c000, 0).explanation(in: known)
        #expect(hypervisor.advice.contains("memmap=") && hypervisor.entry == nil, "\(hypervisor)")
    }
}
