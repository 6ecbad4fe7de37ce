// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Foundation
import Simulator
import Synchronization
import Testing

/// The device and sysfs as another program sees them.
@Suite(.serialized, .enabled(if: ForeignClient.isAvailable, "/usr/bin/python3 is the foreign client"))
struct DeviceTests {
    /// A machine without delays, a client in it, and what it reports.
    private func withMachine(
        _ settings: MachineSettings = MachineSettings(timing: .none),
        _ body: (SimulatedMachine, ForeignClient, TemporaryDirectory) throws -> Void
    ) throws {
        let directory = try TemporaryDirectory()
        let machine = try SimulatedMachine(directory: directory.path + "/machine", settings: settings)
        defer { machine.stop() }
        try body(machine, ForeignClient(environment: try machine.environment), directory)
    }

    private func files(_ cells: CellDescriptor...) throws -> [String: [UInt8]] {
        var files = ["system": try Samples.system().binary()]
        for cell in cells { files[cell.name] = try cell.binary() }
        return files
    }

    @Test func aLifeFromEnableToDisable() throws {
        try withMachine { machine, client, _ in
            let lines = try client.run(
                """
                fd = device()
                print(attribute('enabled').strip(), cells())
                print(enable(fd, contents('system')), attribute('enabled').strip(), cells())
                print(create(fd, contents('rtems')), cells(), attribute('cells/1/name').strip(), attribute('cells/1/state').strip())
                print(attribute('cells/0/cpus_assigned_list').strip(), attribute('cells/1/cpus_assigned_list').strip(), repr(attribute('cells/1/cpus_failed_list')))
                print(load(fd, 'rtems', (b'first', 0x1000), (b'second', 0x200000)))
                time.sleep(.01)
                print(start(fd, 1), attribute('cells/1/state').strip())
                time.sleep(.01)
                print(attribute('cells/1/statistics/cpu3/vmexits_management').strip(), attribute('cells/1/statistics/vmexits_total').strip())
                print(load(fd, 1), attribute('cells/1/state').strip())
                print(destroy(fd, 'rtems'), cells(), attribute('cells/0/cpus_assigned_list').strip())
                print(disable(fd), cells(), attribute('enabled').strip())
                """, files: try files(Samples.cell("rtems")))
            #expect(
                lines == [
                    "0 []", "ok 1 ['0']", "ok ['0', '1'] rtems shut down", "0-2 3 '\\n'", "ok", "ok running", "3 4",
                    "ok shut down", "ok ['0'] 0-3", "ok [] 0",
                ])
            #expect(machine.memory.read(at: 0x3a00_1000, count: 5) == Array("first".utf8))
            #expect(machine.memory.read(at: 0x3a20_0000, count: 6) == Array("second".utf8))
        }
    }

    @Test func errorsAreErrnos() throws {
        try withMachine { _, client, _ in
            let lines = try client.run(
                """
                fd = device()
                print(disable(fd), create(fd, contents('rtems')), start(fd, 1))
                enable(fd, contents('system'))
                print(enable(fd, contents('system')), ioctl(fd, 0x40080007, bytes(8)))
                print(create(fd, contents('rtems'), 100), create(fd, contents('rtems'), 100 << 20), create(fd, contents('rtems'), 0))
                print(ioctl(fd, 0x40100002, struct.pack('<QII', 0x1000, 200, 0)), ioctl(fd, 0x40280004))
                print(create(fd, contents('rtems')), create(fd, contents('rtems')))
                print(load(fd, 'rtems', (b'x', 0x900000)), load(fd, 'nobody'), load(fd, 0))
                described = struct.pack('<QQQQ', 0x1000, 8192, 0, 0)
                print(ioctl(fd, 0x40300003, cell(1) + struct.pack('<II', 1, 0) + described))
                # many more images than there is memory behind the command
                libc.mmap.restype = ctypes.c_void_p
                page = libc.mmap(None, ctypes.c_size_t(8192), 3, 0x22, -1, ctypes.c_long(0))
                libc.munmap(ctypes.c_void_p(page + 4096), ctypes.c_size_t(4096))
                endless = cell(1) + struct.pack('<II', 0xffffffff, 0) + struct.pack('<QQQQ', address(b'x'), 1, 0, 0)
                ctypes.memmove(page + 4096 - len(endless), endless, len(endless))
                refused = libc.ioctl(fd, ctypes.c_ulong(0x40300003), ctypes.c_void_p(page + 4096 - len(endless)))
                print(refused, errno.errorcode[ctypes.get_errno()])
                print(create(device(os.O_RDONLY), contents('other')))
                """, files: try files(Samples.cell("rtems"), Samples.cell("other", cpus: [2])))
            #expect(
                lines == [
                    "EINVAL EINVAL EINVAL", "EBUSY EINVAL", "EINVAL ENOMEM EINVAL", "EFAULT EFAULT", "ok EEXIST",
                    "EINVAL ENOENT EINVAL", "EFAULT", "-1 EFAULT", "ok",
                ])
        }
    }

    @Test func aWholeImageLands() throws {
        try withMachine { machine, client, _ in
            var image = [UInt8](repeating: 0x5a, count: 8 << 20)
            for index in stride(from: 0, to: image.count, by: 4093) { image[index] = UInt8(truncatingIfNeeded: index) }
            let lines = try client.run(
                """
                fd = device()
                enable(fd, contents('system')); create(fd, contents('rtems'))
                print(load(fd, 1, (contents('image'), 0)))
                """, files: try files(Samples.cell("rtems")).merging(["image": image]) { $1 })
            #expect(lines == ["ok"])
            #expect(machine.memory.read(at: 0x3a00_0000, count: image.count) == image)
        }
    }

    @Test func theConsoleKnowsHowItWasOpened() throws {
        try withMachine { _, client, _ in
            let lines = try client.run(
                """
                waiting = device()
                asking = device(os.O_RDONLY | os.O_NONBLOCK)
                print(read(asking))
                fd = device()
                enable(fd, contents('system'))
                print(read(asking).startswith(b'\\nInitializing'), read(asking), read(waiting).startswith(b'\\nInitializing'))
                print(read(asking))
                threading.Timer(.1, lambda: create(fd, contents('rtems'))).start()
                print(read(waiting).startswith(b'Created cell'), read(asking).startswith(b'Created cell'))
                fcntl.fcntl(waiting, fcntl.F_SETFL, fcntl.fcntl(waiting, fcntl.F_GETFL) | os.O_NONBLOCK)
                print(read(waiting), read(device(), 10))
                """, files: try files(Samples.cell("rtems")))
            #expect(lines == ["EAGAIN", "True b'' True", "b''", "True True", "b'' b'\\nInitializ'"])
        }
    }

    @Test func aBlockedReaderCanBeInterrupted() throws {
        try withMachine { _, client, _ in
            let lines = try client.run(
                """
                reader = subprocess.Popen([sys.executable, '-c', 'import os; print(1, flush=True); os.read(os.open("/dev/jailhouse", os.O_RDWR), 100)'], stdout=subprocess.PIPE)
                reader.stdout.readline()
                reader.terminate()
                print(reader.wait(10))
                killed = subprocess.Popen([sys.executable, '-c', 'import os; print(1, flush=True); os.read(os.open("/dev/jailhouse", os.O_RDWR), 100)'], stdout=subprocess.PIPE)
                killed.stdout.readline()
                killed.kill()
                print(killed.wait(10), disable(device()))
                """)
            #expect(lines == ["-15", "-9 EINVAL"])
        }
    }

    @Test func aSlowCommandHoldsUpNoOtherClient() throws {
        // long enough for a busy machine to look meanwhile
        var timing = Timing.none
        timing.create = .seconds(2)
        try withMachine(MachineSettings(timing: timing)) { _, client, _ in
            let lines = try client.run(
                """
                fd = device()
                enable(fd, contents('system'))
                asking = device(os.O_RDONLY | os.O_NONBLOCK)
                done = []
                thread = threading.Thread(target=lambda: done.append(create(fd, contents('rtems'))))
                thread.start()
                states, reads = set(), 0
                while not done:
                    try: states.add(attribute('cells/1/state').strip())
                    except FileNotFoundError: pass
                    read(asking)
                    reads += 1
                thread.join()
                states.add(attribute('cells/1/state').strip())
                print(done, sorted(states), reads > 10)
                """, files: try files(Samples.cell("rtems")))
            #expect(lines == ["['ok'] ['invalid', 'shut down'] True"])
        }
    }

    @Test func frozenItAnswersNothingUntilItIsThawed() throws {
        try withMachine { machine, client, directory in
            let reports = try files(Samples.cell("rtems", timeout: 0))
            let (hung, frozen, seen) = (directory.path + "/hung", directory.path + "/frozen", directory.path + "/seen")
            let thaw = Thread {
                while machine.machine.cells.count < 2 || !machine.machine.cells[1].isAlive { usleep(1000) }
                try? machine.inject(.hang, into: "rtems")
                touch(hung)
                while machine.machine.freeze == nil { usleep(1000) }
                touch(frozen)
                waitForFile(seen)
                machine.thaw()
            }
            thaw.start()
            let lines = try client.run(
                """
                fd, asking, other = device(), device(os.O_NONBLOCK), device()
                enable(fd, contents('system')); create(fd, contents('rtems')); load(fd, 1, (b'x', 0))
                time.sleep(.01)
                start(fd, 1)
                while not os.path.exists('\(hung)'): time.sleep(.001)
                answers = []
                def say(what): answers.append(what)
                threads = [threading.Thread(target=lambda: say(load(fd, 1))), threading.Thread(target=lambda: say(disable(other))), threading.Thread(target=lambda: say(len(read(asking)) > 0))]
                threads[0].start()
                while not os.path.exists('\(frozen)'): time.sleep(.001)
                for thread in threads[1:]: thread.start()
                time.sleep(.1)
                print(answers, attribute('cells/1/state').strip())
                open('\(seen)', 'w')
                for thread in threads: thread.join()
                print(len(answers), attribute('enabled').strip())
                """, files: reports)
            #expect(lines == ["[] running", "3 0"])
        }
    }

    @Test func scandirSeesTheCells() throws {
        try withMachine { _, client, _ in
            let lines = try client.run(
                """
                enable(device(), contents('system'))
                names = ctypes.c_void_p()
                print(libc.scandir(b'/sys/devices/jailhouse/cells/', ctypes.byref(names), None, libc.alphasort))
                print(libc.scandir(b'/sys/devices/jailhouse/nothing', ctypes.byref(names), None, None), ctypes.get_errno())
                """, files: try files())
            #expect(lines == ["3", "-1 2"])
        }
    }

    /// A text that is half another's may be read in the moment of a change, as ``SysfsDirectory`` says; not twice.
    @Test func halfAnAttributeIsWholeWhenReadAgain() throws {
        try withMachine { machine, client, directory in
            let (begin, stop) = (directory.path + "/begin", directory.path + "/stop")
            let changes = Thread {
                waitForFile(begin)
                for round in 0..<1000 {
                    try? machine.inject(round % 2 == 0 ? .lock : .writeUnknownState, into: "rtems")
                }
                touch(stop)
            }
            changes.start()
            let lines = try client.run(
                """
                fd = device()
                enable(fd, contents('system')); create(fd, contents('rtems')); load(fd, 1, (b'x', 0))
                state = os.open(SYSFS + 'cells/1/state', os.O_RDONLY)
                time.sleep(.01)
                start(fd, 1)
                seen, words = set(), {b'running', b'running/locked', b'invalid'}
                def read(): return os.pread(state, 100, 0).strip()
                seen.add(read())
                open('\(begin)', 'w')
                while not os.path.exists('\(stop)'):
                    text = read()
                    seen.add(text if text in words else read())
                seen.add(read())
                print(seen - words, len(seen) > 1)
                destroy(fd, 1)
                print(os.pread(state, 100, 0), os.path.exists(SYSFS + 'cells/1'))
                """, files: try files(Samples.cell("rtems", flags: .passiveCommunicationRegion)))
            #expect(lines == ["set() True", "b'' False"])
        }
    }

    @Test func faultsOfSysfsAreFaultsOfItsFiles() throws {
        try withMachine { machine, client, _ in
            let files = try files(Samples.cell("rtems"))
            _ = try client.run(
                "fd = device(); print(enable(fd, contents('system')), create(fd, contents('rtems')))", files: files)
            let script = """
                def look(path):
                    try: return attribute(path)
                    except OSError as error: return errno.errorcode[error.errno]
                print([look(path) for path in ('enabled', 'cells/0/state', 'cells/1/state', 'cells/1/name')])
                """
            machine.change { machine in
                machine.inject(SysfsFault(.machine(file: "enabled"), .empty, until: .cleared))
                machine.inject(SysfsFault(.cell("rtems", file: "state"), .gone, until: .cleared))
                machine.inject(SysfsFault(.cell("rtems", file: "name"), .truncated, until: .cleared))
            }
            #expect(try client.run(script) == [#"['', 'running\n', 'ENOENT', 'rte']"#])
            machine.clearFaults()
            #expect(try client.run(script) == [#"['1\n', 'running\n', 'shut down\n', 'rtems\n']"#])
        }
    }
}

/// Makes an empty file.
private func touch(_ path: String) {
    _ = FileManager.default.createFile(atPath: path, contents: nil)
}

/// Until another program has made it.
private func waitForFile(_ path: String) {
    while !FileManager.default.fileExists(atPath: path) { usleep(1000) }
}

/// The machine's directory.
@Suite(.serialized) struct MachineDirectoryTests {
    @Test func itLeavesNothingBehind() throws {
        let directory = try TemporaryDirectory()
        let machine = try SimulatedMachine(directory: directory.path + "/machine")
        let root = try MachineDirectory.root(ofMachineAt: directory.path + "/machine")
        #expect(FileManager.default.fileExists(atPath: root + "/dev/jailhouse"))
        machine.stop()
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
        #expect(!FileManager.default.fileExists(atPath: root))
    }

    @Test func oneThatIsAliveIsRefused() throws {
        let directory = try TemporaryDirectory()
        let machine = try SimulatedMachine(directory: directory.path)
        defer { machine.stop() }
        let error = #expect(throws: SimulatorError.self) { try SimulatedMachine(directory: directory.path) }
        #expect(error?.code == .directory)
        #expect(error?.message.contains("process \(getpid())") == true)
        // and it still works
        #expect(try ControlCommand.state.send(toMachineAt: directory.path).enabled == false)
    }

    @Test func whatADeadOneLeftIsTakenOver() throws {
        let directory = try TemporaryDirectory()
        let old = directory.path + "/umockdev.DEADXX"
        try FileManager.default.createDirectory(atPath: old + "/sys", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: directory.path + "/root", withDestinationPath: old)
        for name in ["lock", "memory", "machine"] {
            touch("\(directory.path)/\(name)")
        }
        let machine = try SimulatedMachine(directory: directory.path)
        #expect(!FileManager.default.fileExists(atPath: old))
        machine.stop()
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    @Test func withoutAMachineThereIsNoEnvironment() throws {
        let directory = try TemporaryDirectory()
        let error = #expect(throws: SimulatorError.self) {
            try MachineDirectory.environment(ofMachineAt: directory.path)
        }
        #expect(error?.code == .notServed)
        #expect(throws: SimulatorError.self) { try ControlCommand.thaw.send(toMachineAt: directory.path) }
    }

    @Test func itIsToldThingsThroughItsSocket() throws {
        let directory = try TemporaryDirectory()
        let lines = Mutex<[String]>([])
        let machine = try SimulatedMachine(
            directory: directory.path, settings: MachineSettings(timing: .none),
            onReport: { line in lines.withLock { $0.append(line) } })
        defer { machine.stop() }
        let report = try ControlCommand.cpu(2, online: false).send(toMachineAt: directory.path)
        #expect(report.onlineCPUs == [0, 1, 3])
        let error = #expect(throws: SimulatorError.self) {
            try ControlCommand.inject(cell: "rtems", words: ["fail"]).send(toMachineAt: directory.path)
        }
        #expect(error == SimulatorError(.cell, "there is no cell \"rtems\"; none has been created"))
        _ = machine.change { machine in machine.submit(.disable) }
        #expect(try machine.environment["UMOCKDEV_DIR"] == MachineDirectory.root(ofMachineAt: directory.path))
    }
}
