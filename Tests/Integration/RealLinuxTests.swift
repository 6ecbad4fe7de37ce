// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What make guest-kernel has made, here or in `$GUEST`.
private let guest =
    ProcessInfo.processInfo.environment["GUEST"] ?? Place.source.appending(path: ".build/guest-kernel").path
private let isMade = FileManager.default.fileExists(atPath: guest + "/bzImage")

/// A real Linux in a cell of a simulated machine, with two processors.
@Suite("A real Linux in a cell", .serialized, .enabled(if: isMade, "make guest-kernel makes the kernel"))
struct RealLinuxTests {
    private func machine() async throws -> LiveMachine {
        let text = try Definitions.shipped(
            "linux-x86",
            [
                ("/boot/vmlinuz", guest + "/bzImage"),
                (
                    "# initrd = \"/boot/initrd.img\"",
                    "initrd = \"\(guest)/initrd.gz\"\nloader = \"\(Place.inmates.path)/linux-loader.bin\""
                ),
                (
                    "console=ttyS0,115200 pci=lastbus=0",
                    "console=ttyS0,115200 pci=lastbus=0 jailhouse.guest=0x3e000000,0x3e000800"
                ),
                (
                    "[[ports]]",
                    """
                    [[memory]]
                    name = "words of guest and host"
                    physical = 0x3e000000
                    virtual = 0x3e000000
                    size = "4 KiB"
                    access = ["read", "write", "root-shared"]

                    [[ports]]
                    """
                ),
                (
                    "restart = \"on-failure\"",
                    "stop-timeout = \"60 s\"\nguest = { request = 0x3e000000, answer = 0x3e000800 }\n"
                        + "delay = \"1 ms\"\nrestart = \"on-failure\""
                ),
            ])
        return try await LiveMachine.start(
            cells: ["linux": text], simulator: ["--cells", "execute", "--timing", "none"])
    }

    @Test("It boots to its shell, is restarted after a violation, and shuts down when it is asked")
    func life() async throws {
        let machine = try await machine()
        #expect(try await machine.control("start", "linux").status == 0)
        let console = try machine.openConsole("linux")
        func boots(_ times: Int) async throws {
            try await eventually("its shell waits: \(console.output.suffix(2000))", within: .seconds(120)) {
                console.output.components(separatedBy: "guest: ").count > times
                    && console.output.components(separatedBy: "/ # ").count > times
            }
        }
        try await boots(1)
        #expect(console.output.contains("0-1 online"), "\(console.output)")

        let memory = machine.directory.url.appending(path: "machine/memory")
        let file = try FileHandle(forUpdating: memory)
        func answer() throws -> Data? {
            try file.seek(toOffset: 0x3e00_0800)
            return try file.read(upToCount: 4)
        }
        // the next guest's answer is to be told from this one's
        try file.seek(toOffset: 0x3e00_0800)
        try file.write(contentsOf: Data(count: 4))
        try await machine.inject("linux", "fail")
        try await boots(2)
        #expect(try await machine.cell("linux")?.restarts == 1, "\(machine.log)")

        let follower = try machine.follow("check-alive", "linux", "--follow", "--memory", memory.path)
        try await eventually("it listens: \(console.output.suffix(500))", within: .seconds(60)) {
            try answer() == Data([0x01, 0x00, 0x48, 0x4a])
        }
        #expect(try await machine.control("stop", "linux").status == 0, "\(machine.log)")
        #expect(console.output.contains("jailhouse-guest: asked to shut down"), "\(console.output.suffix(500))")
        #expect(console.output.contains("reboot: System halted"), "\(console.output.suffix(500))")
        #expect(follower.output.contains("its guest has ended: shutdown"), "\(follower.output)")
    }
}
