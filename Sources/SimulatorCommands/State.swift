// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Simulator

struct State: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state",
        abstract: "Show the true state of the machine, including what Linux cannot see.")

    @OptionGroup var machine: MachineOptions

    @Flag(help: "As one JSON object.")
    var json = false

    func run() throws {
        let report = try ControlCommand.state.send(toMachineAt: try machine.path)
        if json {
            print(try report.json())
            return
        }
        print(report.enabled ? "enabled" : "disabled", "online CPUs: \(State.list(report.onlineCPUs))", separator: "; ")
        if let frozen = report.frozen { print("FROZEN: \(frozen)") }
        if let oopsed = report.oopsed { print("OOPSED: \(oopsed)") }
        for fault in report.faults { print("fault: \(fault)") }
        var rows = [["ID", "NAME", "STATE", "CPUS", "FAILED", "EXECUTES", "STARTS", "LOST"]]
        for cell in report.cells {
            rows.append([
                "\(cell.id)", cell.name, cell.state, State.list(cell.cpus), State.list(cell.failedCPUs),
                cell.executes ? "yes" : "no", "\(cell.starts)", "\(cell.lostStarts)",
            ])
        }
        guard rows.count > 1 else { return }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            var line = ""
            for (text, width) in zip(row, widths) {
                line += text + String(repeating: " ", count: width - text.count + 2)
            }
            while line.last == " " { line.removeLast() }
            print(line)
        }
    }

    private static func list(_ cpus: [Int]) -> String {
        cpus.isEmpty ? "-" : cpus.map(String.init).joined(separator: ",")
    }
}
