// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Testing

@testable import FailureReports

@Suite("Enables, whole and cut") struct EnableTextTests {
    private static let head = "Initializing Jailhouse hypervisor v0.12 on CPU 2\n CPU 2... (APIC ID 2) OK\n"

    @Test(
        "What was left out may be its good end",
        arguments: [
            "<missed 700 bytes of console log>\nCreated cell \"rtems\"\n", "[snip]\n", "...\n", "(...)\n",
            "… 20 lines …\n",
            "Cell \"rtems\" can be loaded\n", "Stopping CPU 1 (Cell: \"a\")\n", "The Jailhouse is opening.\n",
            "Created cell \"rtems\"\n",
            "Page pool usage after late setup: mem 40/992, remap 65543/131072\n", "Activating hypervisor\n",
        ])
    func gap(rest: String) {
        #expect(ConsoleText(Self.head + rest).refusedEnable == nil)
    }

    @Test("Without its beginning it is understood all the same")
    func beheaded() throws {
        #expect(ConsoleText("Initializing unit: VT-d\n").refusedEnable?.unit == "VT-d")
        let cut = ConsoleText(
            "<missed 300 bytes of console log>\nInitializing unit: VT-d\nDMAR unit @0xfed90000/0x1000\n")
        #expect(cut.refusedEnable?.unit == "VT-d")
        let failed = try #require(ConsoleText(" CPU 1... (APIC ID 1) FAILED\n").refusedEnable)
        #expect(failed.cpu == 1 && failed.hasCPUFailed)
        #expect(ConsoleText(" CPU 1... (APIC ID 1) OK\n").refusedEnable == nil)
    }

    private func system(_ architecture: String) throws -> SystemDescriptor {
        try SystemDescriptor(
            toml: """
                [system]
                architecture = "\(architecture)"
                [hypervisor-memory]
                physical = 0x3c000000
                size = "4 MiB"
                [root-cell]
                name = "root"
                cpus = [0, 1]
                """, path: "system.toml")
    }

    @Test("A CPU that fails is judged by the machine that it is of")
    func cpus() throws {
        let text = " CPU 7... FAILED\n CPU 1... FAILED\n"
        let last = try #require(ConsoleText(text).refusedEnable)
        #expect(last.shortExplanation(of: try system("x86")).advice.contains("kvm_intel"))
        let arm = last.shortExplanation(of: try system("arm64")).advice
        #expect(arm.contains("EL2") && !arm.contains("VMX"), "\(arm)")
        let foreign = try #require(ConsoleText(" CPU 7... FAILED\n").refusedEnable).shortExplanation(
            of: try system("x86"))
        #expect(foreign.notes == ["The system configuration does not have the CPU 7 in [root-cell] cpus."])
        #expect(!foreign.advice.contains("VMX"))
    }

    @Test("A CPU without its redistributor is said to be that, wherever the line is cut")
    func redistributor() throws {
        for text in [
            " CPU 0... GIC: No redist found for CPU0\nFAILED\n", " CPU 0... \nGIC: No redist found for CPU0\nFAILED\n",
        ] {
            let enable = try #require(ConsoleText(Self.head + text).refusedEnable)
            #expect(enable.hasCPUFailed && enable.lacksRedistributor, "\(text)")
            #expect(enable.shortExplanation(errno: "ENODEV").advice.contains("gicr-base"))
        }
    }

    @Test("Before any unit the error number says what it was")
    func early() throws {
        let enable = try #require(ConsoleText("Initializing Jailhouse hypervisor v0.12 on CPU 2\n").refusedEnable)
        #expect(!enable.shortExplanation(errno: "EINVAL").advice.contains("page pool"))
        #expect(enable.shortExplanation(errno: "ENOMEM").advice.contains("[hypervisor-memory]"))
        #expect(enable.shortExplanation(errno: "EIO").advice.contains("explain enable EIO"))
        #expect(enable.shortExplanation().advice.contains("page pool"))
        let told = try #require(
            ConsoleText("Initializing Jailhouse hypervisor v0.12 on CPU 2\nJAILHOUSE_ENABLE: Invalid argument\n")
                .refusedEnable)
        #expect(!told.explanation.advice.contains("page pool"), "\(told)")
        #expect(told.shortExplanation() == told.explanation)
    }

    @Test("The error number goes before what the last unit would mean")
    func memory() throws {
        let enable = try #require(ConsoleText(Self.head + "Initializing unit: PCI\n").refusedEnable)
        #expect(enable.shortExplanation(errno: "EIO").advice.contains("lspci"))
        let memory = enable.shortExplanation(errno: "ENOMEM").advice
        #expect(memory.contains("[hypervisor-memory]") && !memory.contains("lspci"), "\(memory)")
        let traced = try #require(
            ConsoleText(Self.head + "Initializing unit: PCI\nhypervisor/pci.c:99: returning error -ENOMEM\n")
                .refusedEnable)
        #expect(traced.explanation.advice.contains("[hypervisor-memory]"), "\(traced)")
    }
}
