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
        let cell = try options.daemon.call(Method.self, .init(cell: cell)).cell
        let row = CellRow(cell)
        let id = row.id.map { ", id \($0)" } ?? ""
        let condition = options.screen.style(Text.printable(row.condition), Condition(row.condition).paint)
        try options.screen.show(row, text: "\(Text.printable(row.name)): \(condition)\(id)")
    }
}
