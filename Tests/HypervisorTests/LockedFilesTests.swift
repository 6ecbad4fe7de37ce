// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization
import SystemCalls
import Testing

@testable import Hypervisor

@Suite("Files behind the driver's lock")
struct LockedFilesTests {
    private let tree = Tree()

    @Test("A reading has the console, the pools and the root cell's name")
    func reading() async throws {
        tree.addCell(0, "root", "running", cpus: "0-2")
        tree.write("console", "one line\n")
        for (index, name) in ["mem_pool_size", "mem_pool_used", "remap_pool_size", "remap_pool_used"].enumerated() {
            tree.write(name, "\(index + 1)\n")
        }
        let files = try LockedFiles(directory: tree.directory)
        let reading = await withCheckedContinuation { done in files.read { done.resume(returning: $0) } }
        #expect(reading.console == "one line\n")
        #expect(
            reading.pools == HypervisorView.Pools(memorySize: 1, memoryUsed: 2, remapSize: 3, remapUsed: 4))
        #expect(reading.rootCellName == "root")
        #expect(files.latest?.console == "one line\n")
    }

    /// A FIFO keeps its reader waiting as the driver's lock does.
    @Test("While the lock is held nobody but the reader waits, and what was read before is there")
    func held() async throws {
        tree.addCell(0, "root", "running", cpus: "0-2")
        tree.write("console", "before\n")
        let reported = Mutex<[String]>([])
        let files = try LockedFiles(directory: tree.directory) { reading in
            reported.withLock { $0.append(reading.console) }
        }
        _ = await withCheckedContinuation { done in files.read { done.resume(returning: $0) } }
        let console = tree.directory + "/console"
        try FileManager.default.removeItem(atPath: console)
        try SystemCall.result(of: "mkfifo", on: console) { mkfifo(console, 0o600) }
        async let later = withCheckedContinuation { done in files.read { done.resume(returning: $0) } }
        #expect(files.latest?.console == "before\n")
        // opening it waits for the reader
        let writer = try #require(BackgroundThread { try? Data("after\n".utf8).write(to: URL(filePath: console)) })
        writer.detach()
        #expect(await later.console == "after\n")
        #expect(reported.withLock { $0 }.contains("after\n"))
    }
}
