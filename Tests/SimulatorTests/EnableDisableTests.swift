// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Simulator
import Testing

struct EnableDisableTests {
    @Test func beforeEnableThereIsNothing() {
        let sysfs = Bench().machine.sysfs
        #expect(sysfs.cells.isEmpty)
        #expect(sysfs.attributes["enabled"] == "0\n")
        for name in ["mem_pool_size", "mem_pool_used", "remap_pool_size", "remap_pool_used"] {
            #expect(sysfs.attributes[name] == "0\n")
        }
    }

    @Test func enabledThereIsTheRootCell() throws {
        let bench = try Bench.enabled()
        #expect(bench.machine.now == .milliseconds(165))
        #expect(bench.machine.sysfs.attributes["enabled"] == "1\n")
        #expect(bench.machine.sysfs.cells.map(\.id) == [0])
        #expect(try bench.state("linux") == "running")
        #expect(try bench.attribute("cpus_assigned", of: "linux") == "f")
        #expect(try bench.attribute("cpus_assigned_list", of: "linux") == "0-3")
        #expect(try bench.attribute("cpus_failed_list", of: "linux") == "")
        #expect(bench.machine.pools.memorySize > bench.machine.pools.memoryUsed)
    }

    @Test func twiceIsBusy() throws {
        var bench = try Bench.enabled()
        #expect(bench.perform(.enable(try Samples.system().binary())) == .refused(.busy))
    }

    @Test(arguments: [(24, .done), (23, .refused(.tooBig)), (32769, .refused(.invalid))] as [(UInt32, Outcome)])
    func theTableOfInterruptsHasRoom(limit: UInt32, outcome: Outcome) throws {
        var settings = MachineSettings()
        settings.wording = .intel
        var bench = Bench(settings)
        var system = Samples.system()
        system.rootCell.interruptChips = [
            InterruptChip(address: 0xfec0_0000, id: 0xff00, pinBase: 0, pins: Array(0..<24))
        ]
        system.platform.iommuUnits = [IOMMUUnit(kind: .intel, base: 0xfed9_0000, size: 0x1000)]
        system.platform.specific = .x86(X86Platform(pmTimerPort: 0x608, vtdInterruptLimit: limit))
        #expect(bench.perform(.enable(try system.binary())) == outcome)
        #expect(bench.machine.isEnabled == (outcome == .done))
    }

    @Test func theCPUsMustBeTheOnlineOnes() throws {
        var bench = Bench()
        try bench.machine.setCPU(2, online: false)
        #expect(bench.perform(.enable(try Samples.system().binary())) == .refused(.invalid), "one is offline")
        var system = Samples.system()
        system.rootCell.cpus = CPUSet([0, 3])
        #expect(bench.perform(.enable(try system.binary())) == .refused(.invalid), "one is not listed")
        #expect(bench.machine.sysfs.processors["online"] == "0-1,3\n")
        system.rootCell.cpus = CPUSet([0, 1, 3])
        #expect(bench.perform(.enable(try system.binary())) == .done)
    }

    @Test func anOnlineCPUAboveTheHighestListedHangsTheMachine() throws {
        var bench = Bench()
        #expect(bench.perform(.enable(try Samples.system(cpus: 3).binary())) == .hangs)
        #expect(bench.machine.freeze?.reason.hasPrefix("CPU 3 is online") == true)
        bench.machine.thaw()
        #expect(!bench.machine.isEnabled)
        try bench.machine.setCPU(3, online: false)
        #expect(bench.perform(.enable(try Samples.system(cpus: 3).binary())) == .done)
    }

    @Test func enablingPanicsALinuxAtEL2() throws {
        var settings = MachineSettings(architecture: .arm64)
        settings.traps = [.vhe]
        var bench = Bench(settings)
        var system = Samples.system()
        system.architecture = .arm64
        system.rootCell.architecture = .arm64
        system.platform.specific = .arm(ArmPlatform(gicVersion: 3))
        #expect(bench.perform(.enable(try system.binary())) == .hangs)
        #expect(bench.machine.freeze?.reason.hasPrefix("Linux runs at EL2") == true)
    }

    @Test func aHypervisorHasOneRevision() throws {
        var bench = Bench(MachineSettings(revision: .revision13))
        #expect(bench.perform(.enable(try Samples.system().binary())) == .refused(.invalid))
        #expect(bench.perform(.enable(try Samples.system().binary(revision: .revision13))) == .done)
        #expect(try bench.create(Samples.cell("rtems")) == .refused(.invalid))
        #expect(bench.perform(.create(try Samples.cell("rtems").binary(revision: .revision13))) == .done)
    }

    /// Each driver takes the files of its own revision, as a release's would, and no others.
    @Test(arguments: FormatRevision.allCases) func aMachineOfEachRevision(revision: FormatRevision) throws {
        var bench = Bench(MachineSettings(revision: revision))
        for other in FormatRevision.allCases where other != revision {
            #expect(bench.perform(.enable(try Samples.system().binary(revision: other))) == .refused(.invalid))
        }
        #expect(bench.perform(.enable(try Samples.system().binary(revision: revision))) == .done)
        for other in FormatRevision.allCases where other != revision {
            #expect(
                bench.perform(.create(try Samples.cell("rtems").binary(revision: other))) == .refused(.invalid))
        }
        #expect(bench.perform(.create(try Samples.cell("rtems").binary(revision: revision))) == .done)
        #expect(bench.bringUp("rtems") == .done)
        #expect(bench.perform(.disable) == .done)
    }

    /// Of one number upstream had several layouts; a driver takes the files of its own.
    @Test(arguments: FormatVariant.allCases) func aMachineOfEachLayout(format: FormatVariant) throws {
        var bench = Bench(MachineSettings(format: format))
        // the same places: without ivshmem devices the two are one
        let twins: [FormatVariant: FormatVariant] = [.r12a: .r12b, .r12b: .r12a, .r12c: .r12d, .r12d: .r12c]
        for other in FormatVariant.allCases where other != format && twins[other] != format {
            #expect(bench.perform(.enable(try Samples.system().binary(as: other))) == .refused(.invalid), "\(other)")
        }
        #expect(bench.perform(.enable(try Samples.system().binary(as: format))) == .done)
        #expect(bench.perform(.create(try Samples.cell("rtems").binary(revision: format.revision))) == .done)
    }

    @Test func aLayoutByItsWord() {
        #expect(FormatVariant(word: "12") == .r12d && FormatVariant(word: "12a") == .r12a)
        #expect(FormatVariant(word: "10") == .r10 && FormatVariant(word: "14") == .r14)
        #expect(FormatVariant(word: "15") == nil && FormatVariant(word: "12e") == nil)
    }

    @Test func withoutFirmwareIsNotFound() throws {
        var bench = Bench()
        bench.machine.hasFirmware = false
        #expect(bench.perform(.enable(try Samples.system().binary())) == .refused(.notFound))
    }

    @Test func memoryThatLinuxUsesIsInvalidAndTheConsoleSaysSo() throws {
        var system = Samples.system()
        system.hypervisorMemory.physicalStart = 0x1000_0000
        var bench = Bench()
        #expect(bench.perform(.enable(try system.binary())) == .refused(.invalid))
        #expect(bench.machine.sysfs.attributes["enabled"] == "0\n")
        var position = HypervisorConsole.Position()
        #expect(bench.machine.console.read(&position, limit: 4096) != .neverEnabled)
        #expect(bench.machine.console.contents.isEmpty)
    }

    @Test func whatIsNoSystemIsInvalid() throws {
        var bench = Bench()
        let bytes = try Samples.system().binary()
        var arm = bytes
        arm[5] = 2
        let old = try Samples.system().binary(revision: .revision13)
        for configuration in [[], Array(bytes.prefix(100)), try Samples.cell("rtems").binary(), arm, old] {
            #expect(bench.perform(.enable(configuration)) == .refused(.invalid))
        }
    }

    @Test func disableDestroysAllCells() throws {
        var bench = try Bench.running(Samples.cell("a", cpus: [3]), Samples.cell("b", cpus: [2]))
        let before = bench.machine.now
        #expect(bench.perform(.disable) == .done)
        #expect(bench.machine.now - before == .milliseconds(63 + 63 + 60))
        #expect(bench.machine.sysfs.cells.isEmpty)
        #expect(bench.machine.sysfs.attributes["enabled"] == "0\n")
        #expect(bench.machine.onlineCPUs == [0, 1, 2, 3])
        #expect(bench.perform(.disable) == .refused(.invalid))
    }

    @Test func disableStopsAtTheFirstThatDenies() throws {
        var bench = try Bench.running(Samples.cell("a", cpus: [3]), Samples.cell("b", cpus: [2]))
        try bench.inject("deny", into: "b")
        #expect(bench.perform(.disable) == .refused(.notPermitted))
        #expect(bench.machine.cells.map(\.name) == ["linux", "b"])
    }

    @Test func disableWithAnOfflineCPUIsBusyAndTheCellsAreGone() throws {
        var bench = try Bench.running(Samples.cell("a"))
        try bench.machine.setCPU(1, online: false)
        #expect(bench.perform(.disable) == .refused(.busy))
        #expect(bench.machine.cells.map(\.name) == ["linux"])
    }

    @Test func destroyGivesTheCPUsBack() throws {
        var bench = try Bench.running(Samples.cell("a"))
        _ = bench.machine.submit(.destroy(.name("a")))
        bench.pass(.milliseconds(30))
        #expect(try bench.state("a") == "invalid")
        #expect(bench.machine.onlineCPUs == [0, 1, 2])
        bench.pass(.milliseconds(33))
        #expect(bench.machine.sysfs.cells.map(\.id) == [0])
        #expect(bench.machine.onlineCPUs == [0, 1, 2, 3])
        #expect(try bench.attribute("cpus_assigned_list", of: "linux") == "0-3")
        #expect(bench.console.contains("Closing cell \"a\"\n"))
    }
}
