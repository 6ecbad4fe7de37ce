import Foundation
import Testing

/// Clients that err, or mean harm: they are dropped, and others are served.
@Suite("Hostile clients") struct HostileClientTests {
    @Test("What is no Varlink ends the connection, and a message without an end is not collected for ever")
    func garbage() async throws {
        let machine = try await LiveMachine.start(system: false)
        let garbage = ["garbage", "", "[]", "{}", #"{"method":3}"#, String(repeating: "[", count: 500)]
        for text in garbage {
            let client = try RawClient(machine)
            try client.send(text + "\0")
            #expect(client.receive() == 0, "closed without an answer")
        }
        let client = try RawClient(machine)
        let block = String(repeating: "x", count: 64 << 10)
        #expect(throws: (any Error).self) {
            // the daemon hangs up long before this is over
            for _ in 0..<64 { try client.send(block) }
        }
        #expect(try await machine.control("list").status == 0)
    }

    @Test("More clients than are served are turned away, and serve again when some have gone")
    func manyClients() async throws {
        let machine = try await LiveMachine.start(system: false)
        var clients = try (0..<200).map { _ in try RawClient(machine) }
        let call = #"{"method":"org.varlink.service.GetInfo"}"# + "\0"
        let served = clients.count { client in
            (try? client.send(call)) != nil && client.receive() > 0
        }
        // the client that looked whether the daemon is up may still have its place
        #expect((60...64).contains(served))
        clients.removeAll()
        try await eventually("a place is free") { try await machine.control("list").status == 0 }
    }

    @Test("A watcher that never reads holds up nobody")
    func silentWatcher() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        let watcher = try RawClient(machine)
        let call = #"{"method":"org.jailhoused.Manager.Watch","parameters":{},"more":true}"#
        for _ in 0..<8 { try watcher.send(call + "\0") }
        for _ in 0..<5 {
            #expect(try await machine.control("start", "rtems").status == 0)
            #expect(try await machine.control("stop", "rtems").status == 0)
        }
    }

    @Test("What a client asked for is done although the client has gone")
    func goneClient() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        let call = #"{"method":"org.jailhoused.Manager.Start","parameters":{"cell":"rtems"}}"#
        try RawClient(machine).send(call + "\0")
        try await eventually("it runs") { try await machine.cell("rtems")?.condition == "running" }
    }
}
