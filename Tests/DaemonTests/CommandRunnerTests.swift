// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import Foundation
import Hypervisor
import JailhouseInterface
import Supervision
import Testing

@testable import Daemon

@Suite("Commands whose turn comes late")
struct CommandRunnerTests {
    private static let text = """
        [cell]
        name = "rtems"
        architecture = "x86"
        cpus = [3]
        passive-comm-region = true

        [[memory]]
        name = "ram"
        physical = 0x3a000000
        virtual = 0x0
        size = "8 MiB"
        access = ["read", "write", "execute", "loadable"]

        """

    /// Chaos, seed 20261131, round 463: another tool had shut the cell down in between, the start was lost, and the exits
    /// that told of the shutdown were taken for those of the start.
    @Test("A start is not given to a cell whose CPUs were stopped meanwhile", arguments: [5, 6] as [UInt64])
    func stoppedMeanwhile(exits: UInt64) throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "runner-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let files = [
            "enabled": "1\n", "cells/1/name": "rtems\n", "cells/1/cpus_assigned_list": "3\n",
            "cells/1/cpus_failed_list": "\n", "cells/1/state": "shut down\n",
            "cells/1/statistics/cpu3/vmexits_management": "\(exits)\n",
        ]
        for (path, text) in files {
            let url = directory.appending(path: path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        let decidedOn = Observation(id: 1, state: .shutDown, failedCPUs: [], managementExits: [5])
        let runner = CommandRunner(
            hypervisor: HypervisorCommands(device: "/nonexistent", sysfs: directory.path),
            decidedOn: .present(decidedOn))
        let definition = try CellDefinition(toml: Self.text, path: "/rtems.toml", readFile: { _ in [] })
        let outcome = runner.run(.start, "rtems", definition)
        if exits == 5 {
            guard case .refused = outcome else {
                Issue.record("as it was, it would have been given to the device, which is not there: \(outcome)")
                return
            }
        } else {
            #expect(outcome == .overtaken)
        }
    }
}
