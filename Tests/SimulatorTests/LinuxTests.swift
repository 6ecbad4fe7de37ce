// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Foundation
import Testing

@testable import Simulator

/// What kills Linux besides cells that do not answer.
struct LinuxTests {
    private func cellWithPorts() -> CellDescriptor {
        var cell = Samples.cell("rtems")
        cell.ioPortRegions = [IOPortRegion(base: 0x20, count: 2), IOPortRegion(base: 0x3f8, count: 8)]
        return cell
    }

    @Test func aPortThatACellHasParksTheCPUThatUsesIt() throws {
        var bench = try Bench.running(cellWithPorts())
        try bench.machine.inject(LinuxFault(words: ["touch", "cursor"]))
        #expect(try bench.attribute("cpus_failed_list", of: "linux") == "", "it is Linux's")
        try bench.machine.inject(LinuxFault(words: ["touch", "request-irq"]))
        #expect(bench.console.contains("FATAL: Invalid PIO write, port: 21 size: 1\nRIP: 0x"))
        #expect(bench.console.contains("\nParking CPU 1 (Cell: \"linux\")\n"))
        #expect(try bench.attribute("cpus_failed_list", of: "linux") == "1")
        #expect(try bench.state("linux") == "running")
        bench.pass(.zero)
        #expect(bench.reports.contains("LINUX LOST CPU 1: FATAL: Invalid PIO write, port: 21 size: 1"))
        #expect(bench.perform(.disable) == .hangs, "a parked CPU does not leave")
    }

    @Test func aPortIsLinuxsAgainWhenTheCellIsGone() throws {
        var bench = try Bench.running(cellWithPorts())
        #expect(bench.destroy("rtems") == .done)
        try bench.machine.inject(LinuxFault(words: ["touch", "serial"]))
        #expect(try bench.attribute("cpus_failed_list", of: "linux") == "")
    }

    @Test func aCPUOfLinuxFails() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        try bench.machine.inject(LinuxFault(words: ["fail-cpu", "2", "memory-write"]))
        #expect(bench.console.contains("FATAL: Invalid MMIO/RAM write, addr: 0x0000000020000000 size: 4\n"))
        #expect(bench.console.contains("Parking CPU 2 (Cell: \"linux\")\n"))
        #expect(throws: SimulatorError.self) { try bench.machine.inject(LinuxFault(words: ["fail-cpu", "2"])) }
        #expect(throws: SimulatorError.self) { try bench.machine.inject(LinuxFault(words: ["fail-cpu", "3"])) }
        for cpu in ["0", "1"] { try bench.machine.inject(LinuxFault(words: ["fail-cpu", cpu])) }
        #expect(bench.machine.freeze?.reason == "all CPUs of Linux are parked")
    }

    @Test func aCellIsNotCreatedBesideAParkedCPUOfLinux() throws {
        var bench = try Bench.enabled()
        try bench.machine.inject(LinuxFault(words: ["fail-cpu", "1"]))
        #expect(try bench.create(Samples.cell("rtems")) == .hangs)
        #expect(
            bench.machine.freeze?.reason == "to take a CPU offline Linux waits for all others, and CPU 1 is parked")
    }

    /// Seen on an Arm64 machine with a region of less than a page where no device is.
    @Test(arguments: ["load", "start", "destroy", "disable"])
    func aCPUOnWhichTheHypervisorFailedHangsWhatItsCellIsGiven(command: String) throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        try bench.machine.inject(LinuxFault(words: ["hypervisor", "3", "abort"]))
        #expect(bench.console.contains("Stopping CPU 3 (Cell: \"rtems\")\n"))
        #expect(try bench.state("rtems") == "running" && bench.attribute("cpus_failed_list", of: "rtems") == "")
        #expect(try bench.create(Samples.cell("other", cpus: [2])) == .done, "it concerns that cell only")
        let end =
            switch command {
            case "load": bench.load("rtems")
            case "start": bench.start("rtems")
            case "destroy": bench.destroy("rtems")
            default: bench.perform(.disable)
            }
        #expect(end == .hangs)
        #expect(bench.machine.freeze?.reason == "CPU 3, on which the hypervisor failed, is not suspended")
    }

    @Test func afterTheHypervisorFailedOnACPUOfLinuxEverythingHangs() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        try bench.machine.inject(LinuxFault(words: ["hypervisor", "1", "exception"]))
        #expect(bench.load("rtems") == .hangs)
    }

    @Test(arguments: [
        [], ["touch"], ["touch", "0x10000"], ["touch", "nothing"], ["fail-cpu", "x"], ["explode", "1"],
    ])
    func whatLinuxDoesNotDoIsRefused(words: [String]) {
        #expect(throws: SimulatorError.self) { try LinuxFault(words: words) }
    }

    @Test func theRootCellKillsItsReadersWhileTheHypervisorIsLeft() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        let disable = bench.machine.submit(.disable)
        bench.pass(.milliseconds(63 + 29))
        #expect(!bench.machine.isLeavingHypervisor && bench.machine.isLockHeld)
        bench.pass(.milliseconds(2))
        #expect(bench.machine.isLeavingHypervisor)
        #expect(bench.machine.sysfs.cells.map(\.id) == [0])
        bench.machine.rootCellWasRead(by: "daemon (1)", file: "state")
        bench.pass(.seconds(1000))
        #expect(!bench.takeEffects().contains(.answered(disable, nil)))
        #expect(
            bench.reports.last
                == "OOPSED: daemon (1) read cells/0/state while the hypervisor was being disabled; it never returns, nor "
                + "does disable")
        #expect(MachineReport(bench.machine).oopsed?.hasPrefix("daemon (1) read cells/0/state") == true)
        #expect(bench.machine.isLockHeld && !bench.machine.standsStill)
        // nobody else gets the lock
        #expect(bench.perform(.enable(try Samples.system().binary())) == .hangs)
        bench.machine.thaw()
        bench.pass(.seconds(1))
        #expect(bench.takeEffects().contains(.answered(disable, nil)))
    }

    @Test(arguments: [true, false]) func rebootAndOtherToolsDisableInTheirTime(reboot: Bool) throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        if reboot { bench.machine.reboot() } else { bench.machine.disableByOtherTool() }
        bench.pass(.milliseconds(63 + 31))
        #expect(bench.machine.isLeavingHypervisor)
        bench.pass(.seconds(1))
        #expect(!bench.machine.isEnabled)
        #expect(
            bench.reports.last
                == (reboot ? "reboot: the driver's disable is done; Linux has gone down" : "another tool: is done"))
    }

    @Test(arguments: [true, false]) func theToolThatFreezesTheMachineIsBlamed(reboot: Bool) throws {
        var bench = try Bench.running(Samples.cell("rtems", timeout: 0))
        try bench.inject("hang", into: "rtems")
        if reboot { bench.machine.reboot() } else { bench.machine.disableByOtherTool() }
        bench.pass(.seconds(1000))
        #expect(bench.machine.freeze?.command == "disable")
        #expect(bench.machine.isFrozenByOtherTool == !reboot)
        bench.machine.thaw()
        bench.pass(.seconds(1))
        #expect(!bench.machine.isEnabled)
    }

    @Test func aCellThatDeniesDoesNotStopReboot() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        try bench.inject("deny", into: "rtems")
        bench.machine.reboot()
        bench.pass(.seconds(1))
        #expect(bench.reports.last == "reboot: the driver's disable was refused: EPERM; Linux has gone down")
    }

    @Test func somebodyHoldsTheLock() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        bench.machine.holdLock(for: .seconds(3))
        let begin = bench.machine.now
        bench.pass(.milliseconds(1))
        #expect(bench.machine.isLockHeld)
        #expect(bench.load("rtems") == .done)
        #expect(bench.machine.now - begin >= .seconds(3))
        #expect(!bench.machine.isLockHeld)
    }
}

/// Cells that other tools have made.
struct ForeignCellTests {
    @Test(arguments: [Machine.Inmates.scripted, .executing])
    func theyAnswerDenyOrAreSilent(inmates: Machine.Inmates) throws {
        var bench = Bench(inmates: inmates)
        #expect(bench.perform(.enable(try Samples.system().binary())) == .done)
        bench.machine.doBehindTheBack(try OtherToolStep.steps(words: ["foreign a answering 1, foreign b denying 2"]))
        bench.pass(.milliseconds(10))
        #expect(try bench.isAlive("a") && bench.isAlive("b"))
        #expect(bench.perform(.load(.name("b"), [])) == .refused(.notPermitted))
        #expect(bench.perform(.load(.name("a"), [])) == .done)
        bench.machine.doBehindTheBack(try OtherToolStep.steps(words: ["foreign c silent"]))
        bench.pass(.milliseconds(10))
        #expect(try bench.state("c") == "running")
        #expect(bench.destroy("a") == .hangs, "the silent one is told of it")
    }

    @Test func theirNamesAreBytes() throws {
        var bench = try Bench.enabled()
        bench.machine.doBehindTheBack(
            try OtherToolStep.steps(words: ["foreign odd\\xff\\xfe stopped, foreign nameless silent"]))
        bench.pass(.milliseconds(10))
        let names = bench.machine.cells.map { RawText.bytes($0.name) }
        #expect(names == [Array("linux".utf8), Array("odd".utf8) + [0xff, 0xfe], []])
        #expect(MachineReport(bench.machine).cells.map(\.name) == ["linux", "odd\\xff\\xfe", ""])
        #expect(Array(bench.machine.console.contents).contains(0xff))
        #expect(bench.perform(.destroy(.name(bench.machine.cells[1].name))) == .hangs, "the nameless one is silent")
    }

    @Test(arguments: [[UInt8](), [0xff], Array("\u{e4}".utf8), [0xc3], Array("a\\x".utf8)])
    func bytesAreTextAndBytesAgain(bytes: [UInt8]) {
        #expect(RawText.bytes(RawText.string(bytes)) == bytes)
    }

    @Test(arguments: ["foreign", "foreign a", "foreign a loud", "foreign a silent x"])
    func whatNoCellIsIsRefused(words: String) {
        #expect(throws: SimulatorError.self) { try OtherToolStep.steps(words: [words]) }
    }

    @Test func linksAreOnTheConsole() throws {
        func cell(_ name: String, _ cpu: Int, at address: UInt64) -> CellDescriptor {
            var cell = Samples.cell(name, cpus: [cpu], at: address)
            cell.pciDevices = [
                PCIDevice(kind: .sharedMemory, address: PCIAddress(rawValue: 0x60), sharedMemoryID: UInt8(cpu - 2))
            ]
            return cell
        }
        var bench = try Bench.enabled()
        #expect(try bench.create(cell("a", 2, at: 0x3a00_0000)) == .done)
        #expect(try bench.create(cell("b", 3, at: 0x3b00_0000)) == .done)
        #expect(
            bench.console.contains(
                "Adding virtual PCI device 00:0c.0 to cell \"b\"\nShared memory connection established, peer cells:\n"
                    + " \"a\"\nCreated cell \"b\"\n"))
    }
}

/// The driver's traps for those who read sysfs.
@Suite(.serialized, .enabled(if: ForeignClient.isAvailable, "/usr/bin/python3 is the foreign client"))
struct ReadingTests {
    private func withMachine(_ timing: Timing, _ body: (SimulatedMachine, ForeignClient) throws -> Void) throws {
        let directory = try TemporaryDirectory()
        let machine = try SimulatedMachine(
            directory: directory.path + "/machine", settings: MachineSettings(timing: timing))
        defer { machine.stop() }
        try body(machine, ForeignClient(environment: try machine.environment))
    }

    @Test(arguments: ["state", "cpus_failed", "cpus_failed_list", "statistics/vmexits_total"])
    func whoReadsTheRootCellAtDisableIsDead(file: String) throws {
        var timing = Timing.none
        timing.disable = .seconds(2)
        try withMachine(timing) { machine, client in
            let lines = try client.run(
                """
                print(enable(device(), contents('system')))
                kept = os.open(SYSFS + 'cells/0/\(file)', os.O_RDONLY)
                done = []
                thread = threading.Thread(target=lambda: done.append(disable(device())), daemon=True)
                thread.start()
                time.sleep(.3)
                os.pread(kept, 100, 0)  # too early for it
                names = attribute('cells/0/name').strip(), attribute('cells/0/cpus_assigned_list').strip()
                child = os.fork()
                if child == 0:
                    while True: os.pread(kept, 100, 0)
                time.sleep(2.5)
                print(names, done, os.waitpid(child, os.WNOHANG), attribute('enabled').strip())
                os.kill(child, 9)
                sys.stdout.flush()
                os._exit(0)
                """, files: ["system": try Samples.system().binary()])
            #expect(lines == ["ok", "('linux', '0-3') [] (0, 0) 1"])
            #expect(machine.machine.oops?.file == file)
            #expect(machine.machine.oops?.reader.hasPrefix("python3") == true)
        }
    }

    @Test func whatIsSafeToReadIsRead() throws {
        var timing = Timing.none
        timing.disable = .milliseconds(600)
        try withMachine(timing) { machine, client in
            let lines = try client.run(
                """
                print(enable(device(), contents('system')))
                done = []
                thread = threading.Thread(target=lambda: done.append(disable(device())))
                thread.start()
                while not done:
                    try: attribute('enabled'), attribute('cells/0/name'), attribute('cells/0/cpus_assigned')
                    except OSError: pass
                print(done)
                """, files: ["system": try Samples.system().binary()])
            #expect(lines == ["ok", "['ok']"])
            #expect(machine.machine.oops == nil)
        }
    }

    @Test func consoleAndPoolsWaitForTheLock() throws {
        try withMachine(.none) { machine, client in
            let lines = try client.run(
                """
                print(enable(device(), contents('system')))
                import socket
                client = socket.socket(socket.AF_UNIX)
                client.connect(os.environ['JAILHOUSE_SIM_DIRECTORY'] + '/machine')
                client.sendall(b'hold\\0' b'3s\\n')
                client.recv(65536)
                def takes(path):
                    begin = time.monotonic()
                    attribute(path)
                    return time.monotonic() - begin
                print(takes('enabled') < 1, takes('cells/0/state') < 1, takes('mem_pool_used') > .5)
                print(takes('console') < 1)
                """, files: ["system": try Samples.system().binary()])
            #expect(lines == ["ok", "True True True", "True"])
        }
    }

    @Test func linuxSaysWhichCPUsAreOnline() throws {
        try withMachine(.none) { machine, client in
            let files = ["system": try Samples.system().binary(), "rtems": try Samples.cell("rtems").binary()]
            let lines = try client.run(
                """
                def online(): return open('/sys/devices/system/cpu/online').read().strip()
                fd = device()
                print(online(), enable(fd, contents('system')), create(fd, contents('rtems')), online())
                """, files: files)
            #expect(lines == ["0-3 ok ok 0-2"])
        }
    }
}
