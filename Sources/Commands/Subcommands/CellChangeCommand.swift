// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

/// A command that changes one cell and shows the cell as it is afterwards.
protocol CellChangeCommand: ParsableCommand {
    associatedtype Method: CellCommand
    var options: DaemonOptions { get }
    var cell: String { get }
}

extension CellChangeCommand {
    func run() throws {
        let reply = try options.command(Method.self, .init(cell: cell))
        let row = CellRow(reply.cell)
        let id = row.id.map { ", id \($0)" } ?? ""
        let condition = options.screen.style(Text.printable(row.condition), Condition(row.condition).paint)
        let name = Text.printable(row.name)
        let message = reply.message.map { "\n\(name): \(Text.printable($0))" } ?? ""
        // done, but not as it should be
        let isDegraded = Method.bringsUp && reply.cell.condition == "degraded"
        let failed = Text.ranges(reply.cell.failedCpus)
        let loss = isDegraded ? "\n\(name): CPU \(failed) failed; for the reason: jailhouse-ctl status \(name)" : ""
        try options.screen.show(row, text: "\(name): \(condition)\(id)\(message)\(loss)")
        if reply.message != nil || isDegraded { throw ExitCode.failure }
    }
}
