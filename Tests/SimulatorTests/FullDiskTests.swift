// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Foundation
import Glibc
import Simulator
import Testing

/// The machine's memory is a file with holes: the disk can be full when it is written to.
@Suite(.enabled(if: geteuid() == 0 && ForeignClient.isAvailable, "mounts a small file system"))
struct FullDiskTests {
    @Test func aFullDiskIsAnErrorOfTheLoad() throws {
        let directory = try TemporaryDirectory()
        try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=512k") == 0)
        defer { umount2(directory.path, CInt(MNT_DETACH)) }
        let machine = try SimulatedMachine(
            directory: directory.path + "/machine", settings: MachineSettings(timing: .none))
        defer { machine.stop() }
        let environment = try machine.environment
        let client = ForeignClient(environment: environment)
        let files = [
            "system": try Samples.system().binary(), "rtems": try Samples.cell("rtems").binary(),
            "image": [UInt8](repeating: 1, count: 1 << 20),
        ]
        let lines = try client.run(
            """
            fd = device()
            enable(fd, contents('system')); create(fd, contents('rtems'))
            print(load(fd, 1, (contents('image'), 0)), load(fd, 1, (b'x', 0)), attribute('cells/1/state').strip())
            """, files: files)
        #expect(lines == ["ENOSPC ok shut down"])
        // a machine has nowhere to begin
        let rest = open(directory.path + "/rest", O_RDWR | O_CREAT, 0o600)
        defer { close(rest) }
        while write(rest, Array(repeating: 0, count: 4096), 4096) > 0 {}
        #expect(throws: SimulatorError.self) {
            try SimulatedMachine(directory: directory.path + "/another", settings: MachineSettings(timing: .none))
        }
    }
}
