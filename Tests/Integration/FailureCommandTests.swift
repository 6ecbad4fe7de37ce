// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("Failures that are looked at, and waited for")
struct FailureCommandTests {
    @Test("A failure is listed, shown in full with its meaning, and waited for")
    func failures() async throws {
        let machine = try await LiveMachine.start(
            cells: ["rtems": try Definitions.rtems((#"delay = "100 ms""#, #"delay = "1 ms""#))],
            simulator: ["--timing", "none"])
        #expect(try await machine.control("failures", "rtems").output == "no failures\n")
        #expect(try await machine.control("start", "rtems").status == 0)
        #expect(try await machine.control("wait", "rtems", "--timeout", "20").output == "rtems: running\n")
        try await machine.inject("rtems", "fail")
        try await eventually("it is restarted: \(machine.log)") { try await machine.cell("rtems")?.restarts == 1 }
        #expect(try await machine.control("wait", "rtems", "--for", "running", "--timeout", "20").status == 0)

        let table = try await machine.control("failures", "rtems")
        #expect(table.output.contains("CPU 3 was parked after a violation: Invalid PIO write, port: 70 size: 1"))
        let full = try await machine.control("failures", "rtems", "1")
        #expect(full.output.contains("meaning: The program wrote the I/O port 0x70"), "\(full.output)")
        #expect(full.output.contains(#"| Parking CPU 3 (Cell: "rtems")"#))
        let none = try await machine.control("failures", "rtems", "9")
        #expect(none.status == 1)
        #expect(none.errors.contains("there is no failure 9 of rtems"))

        let late = try await machine.control("wait", "rtems", "--for", "stopped", "--timeout", "1")
        #expect(late.status == 124)
        #expect(late.errors == "jailhouse-ctl: timed out\n")
        async let stopped = machine.control("wait", "rtems", "--for", "stopped", "--timeout", "20")
        #expect(try await machine.control("stop", "rtems").status == 0)
        #expect(try await stopped.output == "rtems: stopped\n")
        #expect(try await machine.control("wait", "nobody").status == 4)
    }

    @Test("A device that an IOMMU stopped is attributed and counted; Intel's words are understood")
    func deviceFaults() async throws {
        let machine = try await LiveMachine.start(
            cells: ["rtems": try Definitions.rtems((#"restart = "on-failure""#, #"restart = "never""#))],
            simulator: ["--timing", "none", "--console", "intel", "--cells", "script"])
        #expect(try await machine.control("start", "rtems").status == 0)
        try await machine.inject("--root", "dma-fault", "00:02.0", "0x3a100000", "write")
        try await machine.inject("--root", "dma-fault", "00:02.0", "0x3a200000", "write")
        try await eventually("both are counted: \(machine.log)") {
            try await machine.control("status").output.contains(
                "00:02.0: 2 times, last write 0x3a200000 (IOMMU 0, code 5)")
        }
        #expect(machine.log.contains("The PCI device 00:02.0 tried to write to 0x3a"), "\(machine.log)")

        try await machine.inject("rtems", "fail", "port-write")
        try await eventually("it failed") { try await machine.cell("rtems")?.state == "failed" }
        // what this machine's Linux says of the port, as 'explain' does
        for arguments in [["failures", "rtems", "1"], ["failures", "rtems", "--json"], ["status", "rtems"]] {
            let shown = try await Program.run(
                [
                    Place.program("jailhouse-sim"), "exec", "--directory",
                    machine.directory.url.appending(path: "machine").path, "--", Place.program("jailhouse-ctl"),
                ] + arguments,
                environment: ["JAILHOUSED_SOCKET": machine.directory.url.appending(path: "run/control").path])
            #expect(shown.output.contains("Linux calls 0x70–0x77"), "\(arguments): \(shown)")
        }
        #expect(try await machine.control("start", "rtems").status == 0)

        try await machine.inject("rtems", "fail", "triple-fault")
        try await eventually("it failed") { try await machine.cell("rtems")?.state == "failed" }
        let failure = try await machine.control("failures", "rtems", "1")
        #expect(failure.output.contains("Unhandled VM-Exit, reason 2"), "\(failure.output)")
        #expect(failure.output.contains("Triple fault: the program's own exception"), "\(failure.output)")
        #expect(try await machine.control("start", "rtems").status == 0)
        try await machine.inject("rtems", "give-up")
        try await eventually("it gave up") {
            try await machine.control("failures", "rtems", "1").output.contains(
                "meaning: The program itself wrote \"failed\" into its communication region")
        }
    }

    @Test(
        "What Linux touched is in the status; after a failure of the hypervisor itself Linux is not made to wait for it"
    )
    func lostCPUs() async throws {
        let machine = try await LiveMachine.start(
            cells: ["rtems": try Definitions.rtems()],
            simulator: ["--timing", "none", "--cells", "script"])
        #expect(try await machine.control("start", "rtems").status == 0)
        try await machine.inject("--root", "fail-cpu", "1", "memory-write")
        try await eventually("the status says what it was: \(machine.log)") {
            let status = try await machine.control("status").output
            return status.contains("1: parked after a violation by Linux; save your work")
                && status.contains("Invalid MMIO/RAM write, addr: 0x0000000020000000 size: 4")
        }
        try await machine.inject("--root", "touch", "0x3f8")
        try await eventually("the port's owner is known: \(machine.log)") {
            machine.log.contains("(no console=ttyS…, no getty, its driver unbound), or leave the port out of the cell")
        }
        let linux = try await machine.control("failures", "q35")
        #expect(linux.status == 0 && linux.output.contains("1: parked after a violation by Linux"), "\(linux)")
        #expect(try await machine.control("failures").output.contains("Linux lost CPU "))
        #expect(try await machine.control("failures", "q36").status == 4)
        try await machine.inject("--root", "iommu-overflow", "log")
        try await eventually("reports of an IOMMU were lost: \(machine.log)") {
            try await machine.control("status").output.contains("reports were lost once")
        }
        #expect(machine.log.contains("so some are lost"), "\(machine.log)")
        #expect(try await machine.control("metrics").output.contains("jailhouse_device_fault_overflows_total 1\n"))
        try await machine.inject("--root", "hypervisor", "3", "exception")
        try await eventually("it is known: \(machine.log)") {
            try await machine.control("status").output.contains(
                "3 of cell \"rtems\": the hypervisor itself failed on it; save your work")
        }
        #expect(machine.log.contains("the hypervisor itself failed on CPU 3 of cell \"rtems\""), "\(machine.log)")
        // sysfs goes on saying that it runs
        let cell = try await machine.cell("rtems")
        #expect(
            cell?.state == "running" && cell?.condition == "failed" && cell?.failedCpus == [3],
            "\(String(describing: cell)) \(machine.log)")
        let failure = try await machine.control("failures", "rtems", "1")
        #expect(
            failure.output.contains("the hypervisor itself failed on CPU 3")
                && failure.output.contains("Stopping CPU 3"),
            "\(failure)")
        #expect(try await machine.control("status", "rtems").status == 3)
        for command in ["stop", "restart", "destroy"] {
            let refused = try await machine.control(command, "rtems")
            #expect(refused.status != 0 && refused.errors.contains("failed on CPU 3"), "\(command): \(refused)")
        }
        #expect(!machine.console.contains("FROZEN"), "\(machine.console)")
    }
}
