// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemCalls
import Testing

@testable import CellDefinition
@testable import Commands

@Suite("Signs of life that are looked for from outside") struct LifeCheckTests {
    private let directory = FileManager.default.temporaryDirectory.appending(path: "life-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    /// A socket at the loopback interface with a port of its own.
    private static func socket(_ kind: __socket_type) throws -> (descriptor: Int32, port: UInt16) {
        // close-on-exec: programs of other tests would keep it open
        let descriptor = Glibc.socket(AF_INET, CInt(kind.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try #require(bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0)
            }
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    private func probe(_ transport: String, _ port: UInt16) throws -> LifeCheck.Result? {
        var rule = LivenessCheck(kind: .probe)
        rule.target = .init(transport: try #require(.init(rawValue: transport)), host: "127.0.0.1", port: port)
        rule.timeout = .milliseconds(200)
        var check = try #require(LifeCheck(rule))
        return check.look()
    }

    private func isSilent(_ result: LifeCheck.Result?, _ text: String) -> Bool {
        if case .silent(let reason) = result { reason.contains(text) } else { false }
    }

    private func isUnable(_ result: LifeCheck.Result?, _ text: String) -> Bool {
        if case .unable(let reason) = result { reason.contains(text) } else { false }
    }

    @Test("TCP: a connection that is accepted, and one that is refused")
    func tcp() throws {
        let (descriptor, port) = try Self.socket(SOCK_STREAM)
        #expect(isSilent(try probe("tcp", port), "refused"))
        try #require(listen(descriptor, 1) == 0)
        #expect(try probe("tcp", port) == .alive)
        // the port stays this test's: another one could be given it
        #expect(shutdown(descriptor, Int32(SHUT_RDWR)) == 0)
        #expect(isSilent(try probe("tcp", port), "refused"))
        close(descriptor)
    }

    @Test("UDP: an answer, none in time, and nobody there")
    func udp() throws {
        let (descriptor, port) = try Self.socket(SOCK_DGRAM)
        #expect(isSilent(try probe("udp", port), "timed out"))
        let echo = Thread {
            var bytes = [UInt8](repeating: 0, count: 64)
            var from = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &from) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { from in
                    // the datagram of the first probe, and that of the next one
                    for _ in 0..<2 {
                        let count = recvfrom(descriptor, &bytes, bytes.count, 0, from, &size)
                        sendto(descriptor, bytes, max(count, 0), 0, from, size)
                    }
                }
            }
        }
        echo.start()
        #expect(try probe("udp", port) == .alive)
        close(descriptor)
        #expect(isSilent(try probe("udp", port), "refused"))
    }

    @Test("A command: its exit status, its time, and one that is not there")
    func command() throws {
        func run(_ command: String...) throws -> LifeCheck.Result? {
            var rule = LivenessCheck(kind: .command)
            (rule.command, rule.timeout) = (command, .milliseconds(500))
            var check = try #require(LifeCheck(rule))
            return check.look()
        }
        #expect(try run("/bin/true") == .alive)
        #expect(try run("/bin/sh", "-c", "exit 7") == .silent("the command /bin/sh exited with status 7"))
        #expect(try run("/bin/sh", "-c", "kill -9 $$") == .silent("the command /bin/sh was killed by signal 9"))
        #expect(try run("/bin/sleep", "100") == .silent("the command /bin/sleep did not end within 500 ms"))
        // that is no fault of the cell's
        #expect(isUnable(try run("/nothing"), "No such file"))
    }

    @Test("A heartbeat: the word changes, or it stays; a file that ends before it")
    func heartbeat() throws {
        let file = directory.appending(path: "memory")
        func write(_ word: UInt32) throws {
            var bytes = Data(repeating: 0, count: 0x2004)
            withUnsafeBytes(of: word.littleEndian) { bytes.replaceSubrange(0x2000..<0x2004, with: $0) }
            try bytes.write(to: file)
        }
        var rule = LivenessCheck(kind: .heartbeat)
        rule.address = 0x2000
        var check = try #require(LifeCheck(rule, memory: MachineMemoryFiles(file: file.path, uio: "/nowhere")))
        try write(5)
        #expect(check.look() == nil)
        #expect(check.look() == .silent("the word at 0x2000 stays 5"))
        try write(6)
        #expect(check.look() == .alive)
        rule.address = 0x2004
        var beyond = try #require(LifeCheck(rule, memory: MachineMemoryFiles(file: file.path, uio: "/nowhere")))
        #expect(isUnable(beyond.look(), "Bad address"))
    }

    @Test("Lines of a file: what was there before is no sign; one that contains the text is, once it has ended")
    func file() throws {
        let file = directory.appending(path: "com1")
        try Data("beat 0\n".utf8).write(to: file)
        let writer = try FileHandle(forWritingTo: file)
        try writer.seekToEnd()
        var rule = LivenessCheck(kind: .console, contains: "beat")
        rule.file = file.path
        var check = try #require(LifeCheck(rule))
        #expect(check.look() == nil)
        #expect(check.look() == .silent("no line with \"beat\" on \(file.path)"))
        try writer.write(contentsOf: Data("be".utf8))
        #expect(isSilent(check.look(), "no line with"))
        try writer.write(contentsOf: Data("at 1\r\n".utf8))
        #expect(check.look() == .alive)
        try writer.write(contentsOf: Data("panic\n".utf8))
        #expect(check.look() == .silent("no line with \"beat\" on \(file.path); the last line was \"panic\""))
        rule.file = directory.appending(path: "nothing").path
        var missing = try #require(LifeCheck(rule))
        #expect(isUnable(missing.look(), "No such file"))
    }

    @Test("The last words of a Linux are its end, but not those of the life before")
    func lastWords() throws {
        let file = directory.appending(path: "com1")
        try Data("Kernel panic - not syncing: old\n".utf8).write(to: file)
        let writer = try FileHandle(forWritingTo: file)
        try writer.seekToEnd()
        func write(_ text: String) throws { try writer.write(contentsOf: Data(text.utf8)) }
        var rule = LivenessCheck(kind: .console, contains: "beat")
        rule.file = file.path
        var check = try #require(LifeCheck(rule, isLinux: true))
        #expect(check.look() == nil)
        try write("beat\n[ 1.0] Kernel panic - not syncing: init\n")
        #expect(check.look() == .ended("panic", line: "[ 1.0] Kernel panic - not syncing: init"))
        #expect(check.recent.text.hasSuffix("\n[ 1.0] Kernel panic - not syncing: init"), "\(check.recent.text)")
        try write("beat\n")
        check.pass()
        #expect(check.recent.text.isEmpty, "they are no evidence of the next life")
        #expect(isSilent(check.look(), "no line with"), "while it did not run")
        try write("beat\n[ 9.0] reboot: Power down\n")
        #expect(check.look(isNewLife: true) == nil)
        try write("reboot: Power down\n[ 0.0] Linux version 6.1\nbeat\n")
        #expect(check.look(isNewLife: true) == .alive && check.hasSeenBoot)
        try write("[ 0.0] Linux version 6.1\nreboot: Restarting system\n")
        #expect(check.look(isNewLife: true) == .ended("reboot", line: "reboot: Restarting system"))
        // to a program that is no Linux the words mean nothing
        var other = try #require(LifeCheck(rule))
        #expect(other.look() == nil)
        try write("reboot: Power down\n")
        #expect(isSilent(other.look(), "no line with"))
    }

    @Test("A FIFO is listened to without waiting for it")
    func fifo() throws {
        let path = directory.appending(path: "fifo").path
        try SystemCall.result(of: "mkfifo", on: path) { mkfifo(path, 0o600) }
        var rule = LivenessCheck(kind: .console, contains: "beat")
        rule.file = path
        var check = try #require(LifeCheck(rule))
        #expect(check.look() == nil)
        #expect(isSilent(check.look(), "no line with"))
        let writer = try FileHandle(forWritingTo: URL(filePath: path))
        #expect(isSilent(check.look(), "no line with"))
        try writer.write(contentsOf: Data("x\nbeat 1\ny\n".utf8))
        #expect(check.look() == .alive)
    }

    @Test("A section of a link that a UIO device has is read there")
    func uio() throws {
        let map = directory.appending(path: "uio/uio0/maps/map2")
        try FileManager.default.createDirectory(at: map, withIntermediateDirectories: true)
        try Data("0x000000003a900000\n".utf8).write(to: map.appending(path: "addr"))
        try Data("0x0000000000002000\n".utf8).write(to: map.appending(path: "size"))
        let memory = MachineMemoryFiles(
            file: "/dev/mem", uio: directory.appending(path: "uio").path, devices: directory.path)
        let place = try #require(memory.uioPlace(of: 0x3a90_0010))
        #expect(place.path == directory.path + "/uio0" && place.offset == 2 * 4096 + 0x10)
        #expect(memory.uioPlace(of: 0x3a8f_fffc) == nil)
        // behind the first page of the map, which is all that one page of the device shows
        #expect(memory.uioPlace(of: 0x3a90_1000) == nil)
    }

    @Test(
        "What the daemon looks after by itself is not looked for here",
        arguments: [LivenessCheck.Kind.exits, .console, .external])
    func others(kind: LivenessCheck.Kind) {
        #expect(LifeCheck(LivenessCheck(kind: kind)) == nil)
    }
}
