// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import SystemdSupport

@Suite struct SocketActivationTests {
    @Test func socketsComeWithTheirNames() async {
        await #expect(processExitsWith: .success) {
            // descriptors 3 and 4 must be sockets: the child has nothing of its own there that it still needs
            var pair: [CInt] = [-1, -1]
            #expect(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &pair) == 0)
            let moved = pair.map { fcntl($0, F_DUPFD, 100) }
            #expect(dup2(moved[0], 3) == 3)
            #expect(dup2(moved[1], 4) == 4)
            setenv("LISTEN_PID", "\(getpid())", 1)
            setenv("LISTEN_FDS", "2", 1)
            setenv("LISTEN_FDNAMES", "control:status", 1)

            let sockets = activationSockets()
            #expect(sockets.map(\.name) == ["control", "status"])
            #expect(sockets.map(\.descriptor) == [3, 4])
            #expect(sockets.allSatisfy { fcntl($0.descriptor, F_GETFD) & FD_CLOEXEC != 0 })
            #expect(getenv("LISTEN_FDS") == nil)
            #expect(activationSockets().isEmpty)
        }
    }

    @Test func anothersSocketsAreNotOurs() async {
        await #expect(processExitsWith: .success) {
            setenv("LISTEN_PID", "1", 1)
            setenv("LISTEN_FDS", "1", 1)
            #expect(activationSockets().isEmpty)
        }
    }

    @Test func journalStreamIsKnownByDeviceAndInode() {
        var information = stat()
        #expect(fstat(0, &information) == 0)
        let device = information.st_dev
        let inode = information.st_ino
        #expect(isJournalStream(0, named: "\(device):\(inode)"))
        #expect(!isJournalStream(0, named: "\(device):\(inode + 1)"))
        #expect(!isJournalStream(0, named: "\(device + 1):\(inode)"))
        for nonsense in ["", ":", "1", "1:2:3", "a:b", " \(device):\(inode)"] {
            #expect(!isJournalStream(0, named: nonsense))
        }
    }
}
