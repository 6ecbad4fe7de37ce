// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import SystemdSupport

@Suite struct SocketActivationTests {
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
