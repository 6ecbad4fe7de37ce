// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import Foundation
import Glibc
import InmateImage
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Daemon

@Suite("Images that are read for loads")
struct ImageReadingsTests {
    private let place = FileManager.default.temporaryDirectory.appending(path: "images-\(UUID().uuidString)").path
    private let memory = ImageMemory()
    private let happenings = Happenings()

    /// A cell whose flat image has a size.
    private func definition(_ name: String, bytes: Int) throws -> CellDefinition {
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        let image = "\(place)/\(name)"
        try Data([0x90]).write(to: URL(filePath: image))
        truncate(image, bytes)
        let text = SmallCell.toml(
            name: name, keys: ["passive-comm-region = true", "reset-address = 0x0"], size: "64 MiB", image: image)
        return try CellDefinition(toml: text, path: "\(place)/\(name).toml", readFile: { _ in [] })
    }

    private func readings(limit: Duration) async throws -> OnLoop<ImageReadings> {
        let (memory, happenings) = (memory, happenings)
        return try await OnLoop { loop in
            let readings = ImageReadings(
                eventLoop: loop, reader: TrustedFiles(), memory: memory, logger: Logger(label: "test"), limit: limit)
            readings.isRead = { name, refusal in happenings.note("\(name) \(refusal == nil ? "read" : "refused")") }
            return readings
        }
    }

    /// Large images have one place in memory; while it is taken, their reading waits.
    private let large = ImageMemory.small + 1

    @Test("Images that are read are given to one load")
    func once() async throws {
        defer { try? FileManager.default.removeItem(atPath: place) }
        let readings = try await readings(limit: .seconds(60))
        let definition = try definition("rtems", bytes: 4096)
        try await readings.run { $0.read(definition, JudgedImages()) }
        #expect(await happenings.next(1) == ["rtems read"])
        let (first, second) = try await readings.run { ($0.take("rtems"), $0.take("rtems")) }
        #expect(first?.pieces.map(\.contents.count) == [4096])
        #expect(first?.definition == definition)
        #expect(second == nil)
    }

    @Test("A reading that takes too long is a refusal, and delays no other cell")
    func limit() async throws {
        defer { try? FileManager.default.removeItem(atPath: place) }
        let taken = memory.place(for: large, within: .zero)
        let readings = try await readings(limit: .milliseconds(500))
        let (stuck, other) = (try definition("stuck", bytes: large), try definition("other", bytes: 4096))
        try await readings.run { readings in
            readings.read(stuck, JudgedImages())
            readings.read(other, JudgedImages())
        }
        #expect(await happenings.next(2) == ["other read", "stuck refused"])
        withExtendedLifetime(taken) {}
    }

    @Test("While a thread hangs for an earlier load no second one is started, and its result does not count")
    func overtaken() async throws {
        defer { try? FileManager.default.removeItem(atPath: place) }
        let taken = Mutex(memory.place(for: large, within: .zero))
        let readings = try await readings(limit: .seconds(600))
        let (first, second) = (try definition("rtems", bytes: large), try definition("rtems", bytes: large + 1))
        try await readings.run { readings in
            readings.read(first, JudgedImages())
            readings.read(second, JudgedImages())
        }
        taken.withLock { $0 = nil }
        #expect(await happenings.next(1) == ["rtems read"])
        #expect(try await readings.run { $0.take("rtems")?.definition } == second)
        // an ended one tells nobody
        try await readings.run { readings in
            readings.read(first, JudgedImages())
            readings.end()
            readings.read(second, JudgedImages())
            #expect(readings.take("rtems") == nil)
            readings.end()
        }
    }
}
