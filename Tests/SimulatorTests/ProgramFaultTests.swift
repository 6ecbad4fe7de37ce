// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Foundation
import Simulator
import Testing

/// Faults in programs that run in the machine, seen by one.
@Suite(.serialized, .enabled(if: ForeignClient.isAvailable, "/usr/bin/python3 is the foreign client"))
struct ProgramFaultTests {
    private func withMachine(_ body: (SimulatedMachine, ForeignClient) throws -> Void) throws {
        let directory = try TemporaryDirectory()
        let machine = try SimulatedMachine(
            directory: directory.path + "/machine", settings: MachineSettings(timing: .none))
        defer { machine.stop() }
        try body(machine, ForeignClient(environment: try machine.environment))
    }

    private func fault(
        _ call: ProgramFault.Call, _ errno: String, program: String? = nil, uses: FaultUses = FaultUses()
    ) throws -> ProgramFault {
        try ProgramFault(call, .fails(try #require(Refusal(name: errno))), program: program, uses: uses)
    }

    private static let attempt = """
        def attempt(call):
            try: call()
            except OSError as error: return errno.errorcode[error.errno]
            return 'ok'
        def store(): os.write(own, b'x')
        own = os.open('own', os.O_RDWR | os.O_CREAT)

        """

    /// Lets calls of the script itself fail from now on: an interpreter would not get as far as its script.
    private static let inject = """
        import socket
        def inject(call, error):
            client = socket.socket(socket.AF_UNIX)
            client.connect(os.environ['JAILHOUSE_SIM_DIRECTORY'] + '/machine')
            words = ['fault-program', call, '', str(os.getpid()), error, '', '1.0']
            client.sendall('\\0'.join(words).encode() + b'\\n')
            assert b'report' in client.recv(65536)

        """

    @Test func ownFilesFail() throws {
        try withMachine { machine, client in
            try machine.inject(try fault(.write, "ENOSPC", uses: FaultUses(times: 2)))
            try machine.inject(try fault(.fsync, "EIO"))
            try machine.inject(try fault(.rename, "EROFS"))
            let lines = try client.run(
                Self.attempt + """
                    print(attempt(store), attempt(store), attempt(store))
                    print(attempt(lambda: os.fsync(own)), attempt(lambda: os.fsync(own)))
                    print(attempt(lambda: os.rename('own', 'other')), attempt(lambda: os.rename('own', 'other')))
                    """)
            #expect(lines == ["ENOSPC ENOSPC ok", "EIO ok", "EROFS ok"])
            #expect(machine.programFaults.isEmpty, "used up")
        }
    }

    @Test func theDeviceAndSysfsGoOn() throws {
        try withMachine { machine, client in
            let files = ["system": try Samples.system().binary()]
            let lines = try client.run(
                Self.attempt + Self.inject + """
                    configuration = contents('system')
                    inject('open', 'EMFILE')
                    inject('write', 'ENOSPC')
                    print(attempt(lambda: open('own')), attempt(store))
                    print(enable(device(), configuration), attribute('enabled').strip(), cells())
                    """, files: files)
            #expect(lines == ["EMFILE ENOSPC", "ok 1 ['0']"])
            #expect(machine.programFaults.count == 2)
        }
    }

    @Test func withoutDescriptorsNothingOpens() throws {
        try withMachine { machine, client in
            let attempts = """
                print(attempt(cells), attempt(device), attempt(socket.socket), attempt(lambda: open('own')))

                """
            let lines = try client.run(
                Self.attempt + Self.inject + attempts + "inject('descriptor', 'EMFILE')\n" + attempts)
            #expect(lines == ["ok ok ok ok", "EMFILE EMFILE EMFILE EMFILE"])
        }
    }

    @Test func onlyTheMachinesOwnerChangesIt() throws {
        try withMachine { machine, _ in
            for file in ["programs", "machine"] {
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(machine.directory.path)/\(file)")
                #expect(attributes[.posixPermissions] as? Int == 0o600, "\(file)")
            }
        }
    }

    @Test func otherProgramsAreLeftAlone() throws {
        try withMachine { machine, client in
            try machine.inject(try fault(.write, "ENOSPC", program: "jailhoused", uses: FaultUses(times: nil)))
            #expect(try client.run(Self.attempt + "print(attempt(store))") == ["ok"])
        }
    }

    @Test func theWallClockJumpsAndNoOther() throws {
        try withMachine { machine, client in
            let script = "print(int(time.time()), int(time.clock_gettime(time.CLOCK_BOOTTIME)))"
            func times() throws -> [Int] {
                try client.run(script)[0].split(separator: " ").compactMap { Int($0) }
            }
            let before = try times()
            try machine.inject(try ProgramFault(.clock, .jumps(.seconds(3600))))
            let ahead = try times()
            #expect((3600..<3660).contains(ahead[0] - before[0]))
            #expect((0..<60).contains(ahead[1] - before[1]))
            try machine.inject(try ProgramFault(.clock, .jumps(.seconds(-7200))))
            #expect((-3600 ..< -3540).contains(try times()[0] - before[0]))
            machine.clearFaults()
            #expect((0..<60).contains(try times()[0] - before[0]))
        }
    }

    @Test func aSlowFileSystemIsSlowToRead() throws {
        try withMachine { machine, client in
            let lines = try client.run(
                Self.attempt + Self.inject + """
                    def lasts(flags):
                        begin = time.monotonic()
                        os.close(os.open('own', flags))
                        return time.monotonic() - begin
                    quick = lasts(os.O_RDONLY)
                    inject('open', '200000000ns')
                    print(quick < 0.2, lasts(os.O_RDONLY) >= 0.2, lasts(os.O_RDWR) < 0.2)
                    """)
            #expect(lines == ["True True True"])
        }
    }

    @Test func faultsTravelAsWords() throws {
        try withMachine { machine, _ in
            let directory = machine.directory.path
            let fault = try ProgramFault(
                .rename, .fails(Refusal(rawValue: 30)), program: "jailhoused", process: 77,
                uses: FaultUses(times: 3, probability: 0.25))
            try ControlCommand.programFault(fault).send(toMachineAt: directory)
            #expect(machine.programFaults == [fault])
            let slow = CommandFault(command: "load", cell: "a", .after, .takes(.milliseconds(1500)))
            try ControlCommand.commandFault(slow).send(toMachineAt: directory)
            let broken = SysfsFault(.half(of: "rtems"), .empty, until: .changes(3))
            let report = try ControlCommand.sysfsFault(broken).send(toMachineAt: directory)
            #expect(machine.machine.faults.commands == [slow])
            #expect(
                report.faults == [
                    "command: load of cell \"a\" takes 1.5s after its effect, once",
                    "sysfs: half of cell \"rtems\"'s files are empty, for 3 changes",
                    "program: jailhoused, process 77: rename fails with EROFS, 3 times, probability 0.25",
                ])
            #expect(try ControlCommand.clear.send(toMachineAt: directory).faults.isEmpty)
            let reading = try ProgramFault(.open, .takes(.milliseconds(20)), uses: FaultUses(times: nil))
            try ControlCommand.programFault(reading).send(toMachineAt: directory)
            #expect(machine.programFaults == [reading])
        }
    }

    @Test func whatCannotBeIsRefused() {
        #expect(throws: SimulatorError.self) { try ProgramFault(.clock, .fails(.busy)) }
        #expect(throws: SimulatorError.self) { try ProgramFault(.write, .jumps(.seconds(1))) }
        #expect(throws: SimulatorError.self) { try ProgramFault(.write, .takes(.seconds(1))) }
        #expect(throws: SimulatorError.self) {
            try ProgramFault(.write, .fails(.busy), program: String(repeating: "x", count: 24))
        }
    }
}
