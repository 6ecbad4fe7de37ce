// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Exporter
import Foundation
import SystemCalls
import Synchronization
import Testing

@testable import Metrics

/// The daemons of a plant: one socket, behind which each connection finds the next machine.
private final class ScriptedPlant: Sendable {
    let socket: String
    private let listener: OwnedDescriptor

    init(socket: String, machine: @escaping @Sendable (Int) -> MachineSample) throws {
        self.socket = socket
        listener = try SystemCall.listen(onSocket: socket, mode: 0o600)
        let descriptor = listener.rawValue
        Thread.detachNewThread {
            for number in 0... {
                guard let client = try? SystemCall.result(of: "accept", { accept(descriptor, nil, nil) }) else {
                    return
                }
                Self.serve(machine(number), OwnedDescriptor(adopting: client))
            }
        }
    }

    /// Ends its thread.
    func close() { shutdown(listener.rawValue, CInt(SHUT_RDWR)) }

    private static func serve(_ machine: MachineSample, _ client: consuming OwnedDescriptor) {
        var framer = VarlinkFramer()
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while let count = try? buffer.withUnsafeMutableBytes({ try SystemCall.read(client.rawValue, into: $0) }),
            count > 0
        {
            framer.append(buffer[..<count])
            while let message = try? framer.next(), let reply = try? reply(to: VarlinkCall(message: message), machine) {
                guard (try? SystemCall.write(reply, to: client.rawValue)) != nil else { return }
            }
        }
    }

    private static func reply(to call: VarlinkCall, _ machine: MachineSample) throws -> [UInt8] {
        func cell() throws -> MachineSample.Cell {
            let name = try call.parameters(of: Manager.Describe.self).cell
            return try #require(machine.cells.first { $0.details.cell.name == name })
        }
        switch Manager.Method(named: call.method) {
        case .list:
            let cells = machine.cells.map(\.details.cell)
            return try VarlinkReply.message(of: Manager.List.self, .init(machine: machine.machine, cells: cells))
        case .describe:
            return try VarlinkReply.message(of: Manager.Describe.self, .init(details: cell().details))
        case .statistics:
            return try VarlinkReply.message(of: Manager.Statistics.self, .init(statistics: cell().statistics))
        case .failures:
            return try VarlinkReply.message(of: Manager.Failures.self, .init(failures: cell().failures))
        default: throw ServiceError.methodNotFound(method: call.method)
        }
    }
}

/// A plant full of machines, as one Prometheus sees it.
@Suite("A thousand machines")
struct ScaleTests {
    private static let count = 1000

    @Test("What the exporter serves of them in time, size and cardinality is what a small Prometheus bears")
    func thousand() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "plant-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let plant = try ScriptedPlant(socket: directory + "/status") { machine in
            let cells = (0..<4).map { MetricsTests.cell("cell-\($0)", exits: machine) }
            return MachineSample(machine: MetricsTests.machine, cells: cells)
        }
        defer { plant.close() }
        // each scrape is another machine's
        let server = Server(socket: plant.socket, host: "plant", freshness: .zero)
        let port = try #require(try server.listen(on: .address("127.0.0.1", port: 0)).port)

        let curl = Process()
        curl.executableURL = URL(filePath: "/usr/bin/curl")
        curl.arguments = [
            "--silent", "--show-error", "--fail", "--output", directory + "/#1.prom", "--write-out", "%{time_total}\n",
            "http://127.0.0.1:\(port)/metrics?machine=[0-\(Self.count - 1)]",
        ]
        let output = Pipe()
        curl.standardOutput = output
        try curl.run()
        let times = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            .split(separator: "\n").compactMap { Double($0) }.sorted()
        curl.waitUntilExit()
        #expect(curl.terminationStatus == 0 && times.count == Self.count)

        var bytes = 0
        var series: Set<Substring> = []
        var most = 0
        for machine in 0..<Self.count {
            let text = try String(contentsOfFile: "\(directory)/\(machine).prom", encoding: .utf8)
            #expect(text.contains(#"jailhouse_cell_vm_exits_total{cell="cell-3",reason="mmio"} \#(machine)\#n"#))
            let own = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
                .compactMap { $0.split(separator: " ").dropLast().first }
            series.formUnion(own)
            most = max(most, own.count)
            bytes += text.utf8.count
        }
        // no label has what differs from machine to machine, so that the same series come from each
        #expect(series.count == most)
        #expect(most <= 40 + 4 * 30, "\(most) series a machine")
        #expect(bytes / Self.count <= 20_000, "\(bytes / Self.count) bytes a scrape")
        // of a debug build on a busy machine: Prometheus gives a scrape 10 s
        let median = times[times.count / 2]
        #expect(median < 0.25, "\(median) s a scrape")
        print("a scrape of 4 cells: \(median * 1000) ms in the median, \(bytes / Self.count) bytes, \(most) series")
    }
}
