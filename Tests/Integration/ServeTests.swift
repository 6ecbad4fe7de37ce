// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemCalls
import Testing

private let isRoot = getuid() == 0

/// `jailhouse-sim serve` itself.
@Suite("Serving a machine") struct ServeTests {
    /// A machine in a directory of its own; `wrapper` runs the command.
    private func serve(
        _ directory: TemporaryDirectory, wrapper: [String] = [], _ options: String...
    ) async throws -> (machine: Program, place: String) {
        let place = directory.url.appending(path: "machine").path
        let machine = try Program(
            wrapper + [Place.program("jailhouse-sim"), "serve", "--directory", place, "--timing", "none"] + options)
        try await eventually("the machine is ready: \(machine.errors)\(machine.output)") {
            machine.output.contains("ready: ")
        }
        return (machine, place)
    }

    @Test("A simulator that is not root shows what changes", .enabled(if: isRoot, "only root can be somebody else"))
    func anotherUser() async throws {
        let directory = try TemporaryDirectory()
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: directory.url.path)
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        let (machine, place) = try await serve(directory, wrapper: nobody, "--cells", "script")
        defer { machine.stop() }
        let system = directory.url.appending(path: "q35.system").path
        let compiled = try await Program.run([
            Place.program("jailhouse-ctl"), "compile", Place.source.path + "/configs/systems/q35.toml", "-o", system,
        ])
        #expect(compiled.status == 0, "\(compiled.errors)")
        let client = """
            import fcntl, sys
            attribute = open('/sys/devices/jailhouse/enabled')
            print(attribute.read())
            fcntl.ioctl(open('/dev/jailhouse', 'r+b', 0), 0x40080000, bytearray(open(sys.argv[1], 'rb').read()))
            attribute.seek(0)
            print(attribute.read())
            """
        let enabled = try await Program.run([
            Place.program("jailhouse-sim"), "exec", "--directory", place, "--", "python3", "-c", client, system,
        ])
        #expect(enabled.output.split(separator: "\n") == ["0", "1"], "\(enabled.errors)\(machine.output)")
        #expect(!machine.output.contains("cannot be shown"), "\(machine.output)")
    }

    @Test("A simulator that had no descriptor left for a client takes the next one when it has")
    func noDescriptors() async throws {
        let directory = try TemporaryDirectory()
        let (machine, place) = try await serve(directory, "--cells", "script")
        defer { machine.stop() }
        func limit(_ number: String) async throws {
            let set = try await Program.run(["prlimit", "--pid", "\(machine.identifier)", "--nofile=\(number):"])
            #expect(set.status == 0, "\(set.errors)")
        }
        try await limit("3")
        let state = [Place.program("jailhouse-sim"), "state", "--directory", place]
        // who waits for a client has the descriptor for it already
        #expect(try await Program.run(state).status == 0)
        // this one waits in the queue of the listening socket
        let client = try SystemCall.connect(toSocket: place + "/machine")
        try SystemCall.limitWaiting(on: client.rawValue, to: .seconds(10))
        try SystemCall.send(Array("state\n".utf8), to: client.rawValue)
        try await limit("1024")
        let answer = try SystemCall.contents(of: client.rawValue, named: "the answer", limit: 1 << 20)
        #expect(String(decoding: answer, as: UTF8.self).contains("onlineCPUs"))
    }

    @Test("What has no effect is said, what cannot be read is refused")
    func definitions() async throws {
        let directory = try TemporaryDirectory()
        let (machine, _) = try await serve(directory, "--cells", "script", "--definitions", directory.url.path)
        machine.stop()
        let output = machine.output
        #expect(output.contains("cells: script\n--device and --definitions have no effect"), "\(output)")
        let missing = try await Program.run([
            Place.program("jailhouse-sim"), "serve", "--directory", directory.url.appending(path: "other").path,
            "--definitions", "/nonexistent",
        ])
        #expect(missing.status == 64)
        #expect(missing.errors.contains("--definitions must be a directory that can be read"), "\(missing.errors)")
    }
}
