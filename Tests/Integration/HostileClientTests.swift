// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

/// Clients that err, or mean harm: they are dropped, and others are served.
@Suite("Hostile clients") struct HostileClientTests {
    @Test("What is no Varlink ends the connection, and a message without an end is not collected for ever")
    func garbage() async throws {
        let machine = try await LiveMachine.start(system: false)
        let garbage = ["garbage", "", "[]", "{}", #"{"method":3}"#]
        for text in garbage {
            let client = try RawClient(machine)
            try client.send(text + "\0")
            #expect(client.receive() == 0, "closed without an answer")
        }
        #expect(try await machine.control("list").status == 0)
    }

    @Test("Who goes beyond a limit is told which one, then disconnected")
    func limits() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        let watch = #"{"method":"org.jailhoused.Manager.Watch","more":true}"# + "\0"
        let name = #"{"method":"org.varlink.service.GetInfo"}"# + "\0"
        let cases = [
            ("message-size", String(repeating: "x", count: (64 << 10) + 1)),
            ("message-depth", String(repeating: "[", count: 33) + "\0"),
            ("calls", watch + String(repeating: name, count: 40)),
            ("message-time", #"{"method":"org"#),
        ]
        for (limit, text) in cases {
            let client = try RawClient(machine)
            try client.send(text)
            #expect(client.rest().contains(#""limit":"\#(limit)""#), "\(limit)")
        }
        #expect(machine.log.contains("disconnected a client"))
        #expect(try await machine.control("list").status == 0)
    }

    @Test("A name that is no cell's is neither compared, nor sent back, nor logged at full length")
    func longName() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        let name = String(repeating: "r", count: 60_000)
        for method in ["Describe", "Start", "ResetFailed", "Enable"] {
            let key = method == "Enable" ? "configuration" : "cell"
            let client = try RawClient(machine)
            try client.send(
                #"{"method":"org.jailhoused.Manager.\#(method)","parameters":{"\#(key)":"\#(name)"}}"# + "\0")
            let answer = client.text()
            #expect(answer.contains(method == "Enable" ? "AlreadyEnabled" : "no cell has a name of 60000 bytes"))
            #expect(answer.utf8.count < 1000, "\(method)")
        }
        for method in ["Start", "ResetFailed", "Enable"] {
            #expect(machine.log.contains("\(method) rrr"), "it is logged")
        }
        #expect(machine.log.split(separator: "\n").allSatisfy { $0.utf8.count < 2000 })
    }

    @Test("How many refusals were not logged stands in the next one that is")
    func unsaidRefusals() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        let client = try RawClient(machine, socket: "status")
        func ask() throws {
            try client.send(#"{"method":"org.jailhoused.Manager.Start","parameters":{"cell":"rtems"}}"# + "\0")
            #expect(client.text().contains("PermissionDenied"))
        }
        for _ in 0..<60 { try ask() }
        try await eventually("the next one is logged", within: .seconds(15)) {
            try ask()
            return machine.log.contains(" similar messages suppressed)")
        }
    }

    @Test("More clients than are served are turned away, and serve again when some have gone")
    func manyClients() async throws {
        let machine = try await LiveMachine.start(system: false)
        var clients = try (0..<200).map { _ in try RawClient(machine) }
        let call = #"{"method":"org.varlink.service.GetInfo"}"# + "\0"
        let answers = clients.map { client in
            try? client.send(call)
            return client.text()
        }
        // the client that looked whether the daemon is up may still have its place
        #expect((60...64).contains(answers.count { $0.contains("\"vendor\"") }))
        #expect(answers.count { $0.contains(#""limit":"connections""#) } >= 200 - 64)
        clients.removeAll()
        try await eventually("a place is free") { try await machine.control("list").status == 0 }
    }

    @Test("Readers cannot lock administrators out")
    func places() async throws {
        let machine = try await LiveMachine.start(system: false)
        // root's may be as many as there are for readers
        let readers = try (0..<64).map { _ in try RawClient(machine, socket: "status") }
        let call = #"{"method":"org.varlink.service.GetInfo"}"# + "\0"
        let served = readers.count { reader in
            _ = try? reader.send(call)
            return reader.text().contains("\"vendor\"")
        }
        #expect(served == 48)
        #expect(try await machine.control("list").status == 0)
        withExtendedLifetime(readers) {}
    }

    @Test("One user has sixteen places", .enabled(if: geteuid() == 0))
    func oneUser() async throws {
        let machine = try await LiveMachine.start(system: false)
        let script = """
            import os, socket
            os.setuid(65534)
            clients = [socket.socket(socket.AF_UNIX) for _ in range(17)]
            for client in clients: client.connect("\(machine.directory.url.path)/run/status")
            print(clients[16].recv(65536).decode())
            """
        let crowded = try await Program.run(["python3", "-c", script])
        #expect(crowded.output.contains(#""limit":"connections-per-user""#), "\(crowded.errors)")
    }

    @Test("A watcher that never reads holds up nobody, and is dropped")
    func silentWatcher() async throws {
        let machine = try await LiveMachine.start(
            cells: ["rtems": try Definitions.rtems()], simulator: ["--timing", "none"])
        #expect(try await machine.control("start", "rtems").status == 0)
        let daemon = try machine.daemonProcess()
        let memory = daemon.residentMemory
        let watcher = try RawClient(machine)
        try watcher.send(#"{"method":"org.jailhoused.Manager.Watch","parameters":{},"more":true}"# + "\0")
        do {
            let other = try RawClient(machine)
            let call = #"{"method":"org.jailhoused.Manager.Restart","parameters":{"cell":"rtems"}}"#
            // each time several changes: far more than the kernel, the channel and the queue take
            for _ in 0..<500 {
                try other.send(call + "\0")
                #expect(other.text().contains(#""condition":"running""#))
            }
        }
        #expect(daemon.residentMemory - memory < 32 << 20)
        try await eventually("it is dropped", within: .seconds(60)) { watcher.isHungUp }
    }

    @Test("Checks that readers ask for take half of a processor at the most")
    func checks() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        let daemon = try machine.daemonProcess()
        let client = try RawClient(machine, socket: "status")
        let call = #"{"method":"org.jailhoused.Manager.Check"}"# + "\0"
        try client.send(String(repeating: call, count: 16))
        let (began, before) = (ContinuousClock.now, daemon.processorTime)
        while ContinuousClock.now - began < .seconds(3) {
            let answers = client.text().count { $0 == "\0" }
            try client.send(String(repeating: call, count: answers))
        }
        // and a little for the supervision
        #expect(daemon.processorTime - before < 3 * 0.65)
    }

    @Test("What a client asked for is done although the client has gone")
    func goneClient() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        let call = #"{"method":"org.jailhoused.Manager.Start","parameters":{"cell":"rtems"}}"#
        try RawClient(machine).send(call + "\0")
        try await eventually("it runs") { try await machine.cell("rtems")?.condition == "running" }
    }
}
