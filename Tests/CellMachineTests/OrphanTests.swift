// SPDX-License-Identifier: Apache-2.0

import CellMachine
import Foundation
import Testing

@Suite struct OrphanTests {
    /// However the simulator ends, no QEMU stays.
    @Test func aKilledProcessLeavesNoEmulator() async throws {
        let file = NSTemporaryDirectory() + "cell-machine-orphan-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: file) }
        await #expect(processExitsWith: .signal(SIGKILL)) { [file = file as String] in
            let machine = try TestMachine()
            let cell = try machine.run("idle", in: TestMachine.cell())
            try await cell.events.serial("idle\n")
            let process = try #require(cell.machine.processID)
            try Data("\(process) \(machine.directory)".utf8).write(to: URL(filePath: file))
            kill(getpid(), SIGKILL)
        }
        let words = try String(contentsOfFile: file, encoding: .utf8).split(separator: " ")
        let process = try #require(Int32(words[0]))
        try FileManager.default.removeItem(atPath: String(words[1]))
        // the kernel's signal is on its way
        for _ in 0..<500 where isThere(process) { try await Task.sleep(for: .milliseconds(10)) }
        #expect(!isThere(process))
    }

    /// A zombie that nobody reaps is gone, too.
    private func isThere(_ process: Int32) -> Bool {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        return !text.contains(") Z ")
    }
}
