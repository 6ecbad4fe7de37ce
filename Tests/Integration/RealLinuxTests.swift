// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What make guest-kernel has made, here or in `$GUEST`.
private let made =
    ProcessInfo.processInfo.environment["GUEST"] ?? Place.source.appending(path: ".build/guest-kernel").path

/// A kernel that make guest-kernel makes, and the cell that it runs in.
private struct Guest: CustomTestStringConvertible, Sendable {
    let architecture: String
    let definition: String
    let system: String
    let kernel: String
    let initrd: String
    /// A line of [[image]], or none.
    let loader: String
    let commandLine: String
    /// Of the two words that guest and host share.
    let words: UInt64

    static let all = [
        Guest(
            architecture: "x86", definition: "linux-x86", system: "q35", kernel: "bzImage", initrd: "initrd.gz",
            loader: "\nloader = \"\(Place.inmates.path)/linux-loader.bin\"",
            commandLine: "console=ttyS0,115200 pci=lastbus=0", words: 0x3e00_0000),
        Guest(
            architecture: "arm64", definition: "arm64/linux-arm64", system: "qemu-arm64", kernel: "Image",
            initrd: "initrd-arm64.gz", loader: "", commandLine: "console=ttyAMA0,115200",
            words: 0x7e00_0000),
    ].filter { FileManager.default.fileExists(atPath: "\(made)/\($0.kernel)") }

    var testDescription: String { architecture }

    func machine() async throws -> LiveMachine {
        let (request, answer) = ("0x" + String(words, radix: 16), "0x" + String(words + 0x800, radix: 16))
        let path = architecture == "x86" ? "/boot/vmlinuz" : "/boot/Image"
        let text = try Definitions.shipped(
            definition,
            [
                (path, "\(made)/\(kernel)"),
                (
                    "# initrd = \"/boot/initrd.img\"",
                    "initrd = \"\(made)/\(initrd)\"\(loader)"
                ),
                ("\"\(commandLine)\"", "\"\(commandLine) jailhouse.guest=\(request),\(answer)\""),
                (
                    "[[image]]",
                    """
                    [[memory]]
                    name = "words of guest and host"
                    physical = \(request)
                    virtual = \(request)
                    size = "4 KiB"
                    access = ["read", "write", "root-shared"]

                    [[image]]
                    """
                ),
                (
                    "restart = \"on-failure\"",
                    "stop-timeout = \"60 s\"\nguest = { request = \(request), answer = \(answer) }\n"
                        + "delay = \"1 ms\"\nrestart = \"on-failure\""
                ),
            ])
        let name = definition.split(separator: "/").last.map(String.init) ?? definition
        return try await LiveMachine.start(
            cells: ["linux": text.replacing("name = \"\(name)\"", with: "name = \"linux\"")], systemFile: system,
            simulator: ["--cells", "execute", "--timing", "none", "--architecture", architecture])
    }
}

/// A real Linux in a cell of a simulated machine, with two processors.
@Suite("A real Linux in a cell", .serialized, .enabled(if: !Guest.all.isEmpty, "make guest-kernel makes the kernel"))
struct RealLinuxTests {
    @Test(
        "It boots to its shell, is restarted after a violation, and shuts down when it is asked", arguments: Guest.all)
    private func life(guest: Guest) async throws {
        let machine = try await guest.machine()
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
            try file.seek(toOffset: guest.words + 0x800)
            return try file.read(upToCount: 4)
        }
        // the next guest's answer is to be told from this one's
        try file.seek(toOffset: guest.words + 0x800)
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
        #expect(follower.output.contains("its guest has ended: shutdown"), "\(follower.output)")
    }

    // Nobody reads the panic on its serial port, and the hypervisor calls the cell running.
    @Test(
        "After a panic on Arm64, one processor's VM exits give a hint",
        arguments: Guest.all.filter { $0.architecture == "arm64" })
    private func hint(guest: Guest) async throws {
        let machine = try await guest.machine()
        #expect(try await machine.control("start", "linux").status == 0)
        let console = try machine.openConsole("linux")
        try await eventually("its shell waits: \(console.output.suffix(2000))", within: .seconds(120)) {
            console.output.contains("/ # ")
        }
        #expect(try await machine.control("status", "linux").output.contains("Hint:") == false)
        try console.write("echo c > /proc/sysrq-trigger\n")
        try await eventually("there is a hint: \(console.output.suffix(500))", within: .seconds(90)) {
            let status = try await machine.control("status", "linux")
            return status.output.contains("Hint: for 10 s CPU ") && status.status == 0
        }
        #expect(console.output.contains("Kernel panic - not syncing"), "\(console.output.suffix(2000))")
    }
}
