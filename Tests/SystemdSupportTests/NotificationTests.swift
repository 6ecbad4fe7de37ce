// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage
import Testing

@testable import SystemdSupport

/// Tests that need an environment of their own run in a child process: the environment belongs to the whole
/// process, and other tests run beside them.
@Suite struct NotificationTests {
    @Test func assignmentsAreLines() {
        let text = Notification.message([.ready, .status("2 cells running, 1 failed")], monotonicMicroseconds: 7)
        #expect(text == "READY=1\nSTATUS=2 cells running, 1 failed")
        #expect(Notification.message([.stopping, .watchdog], monotonicMicroseconds: 7) == "STOPPING=1\nWATCHDOG=1")
        #expect(Notification.message([.errno(.noSuchFileOrDirectory)], monotonicMicroseconds: 7) == "ERRNO=2")
    }

    @Test func reloadTellsItsTime() {
        #expect(
            Notification.message([.reloading], monotonicMicroseconds: 1_500_000)
                == "RELOADING=1\nMONOTONIC_USEC=1500000"
        )
    }

    @Test func statusCannotForgeAnAssignment() {
        let text = Notification.message([.status("cell\nREADY=1\r\nX=1")], monotonicMicroseconds: 0)
        #expect(text == "STATUS=cell READY=1 X=1")
    }

    @Test func managerReceivesOneDatagram() async {
        await #expect(processExitsWith: .success) {
            let manager = try DatagramSocket(abstractName: "jailhoused-test-\(getpid())")
            setenv("NOTIFY_SOCKET", manager.address, 1)
            #expect(Notification.send([.ready, .status("no cells")]) == .sent)
            #expect(manager.receive() == "READY=1\nSTATUS=no cells")
        }
    }

    @Test func withoutManagerNothingIsSent() async {
        await #expect(processExitsWith: .success) {
            unsetenv("NOTIFY_SOCKET")
            #expect(Notification.send([.ready]) == .notWanted)
        }
    }

    @Test func deadManagerIsAResult() async {
        await #expect(processExitsWith: .success) {
            setenv("NOTIFY_SOCKET", "@jailhoused-test-nobody-\(getpid())", 1)
            #expect(Notification.send([.ready]) == .failed(.connectionRefused))
        }
    }

    @Test func watchdogIntervalIsTheManagers() async {
        await #expect(processExitsWith: .success) {
            unsetenv("WATCHDOG_USEC")
            #expect(watchdogInterval() == nil)
            setenv("WATCHDOG_USEC", "2500000", 1)
            setenv("WATCHDOG_PID", "\(getpid())", 1)
            #expect(watchdogInterval() == .milliseconds(2500))
            setenv("WATCHDOG_PID", "1", 1)
            #expect(watchdogInterval() == nil)
        }
    }
}

/// A bound datagram socket in the abstract namespace: the service manager's end of `$NOTIFY_SOCKET`.
private struct DatagramSocket {
    let address: String
    private let descriptor: CInt

    init(abstractName: String) throws {
        address = "@" + abstractName
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.dropFirst().copyBytes(from: Array(abstractName.utf8)) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + abstractName.utf8.count)
        let bound = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard bound == 0 else { throw Errno(rawValue: errno) }
    }

    /// What is there already; nil when nothing is.
    func receive() -> String? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &bytes, bytes.count, CInt(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
    }
}
