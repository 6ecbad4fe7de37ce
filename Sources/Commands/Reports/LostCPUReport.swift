// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ControlInterface
import FailureReports

/// A CPU that the hypervisor took until the next boot.
struct LostCPUReport: Encodable {
    let cpu: Int
    @JSON.OrNull var cell: String?
    /// The hypervisor itself failed on it.
    let stopped: Bool
    @JSON.OrNull var reason: String?
    @JSON.OrNull var meaning: String?
    let console: [String]

    /// - Parameter machine: of a daemon that may be older, and does not say more than which they are.
    static func all(of machine: Manager.Machine) -> [LostCPUReport] {
        if let losses = machine.losses { return losses.map(LostCPUReport.init) }
        return (machine.lostCpus ?? []).map {
            LostCPUReport(Manager.LostCPU(cpu: $0, cell: nil, stopped: false, reason: nil, meaning: nil))
        }
    }

    init(_ loss: Manager.LostCPU) {
        cpu = loss.cpu
        stopped = loss.stopped
        cell = loss.cell
        reason = loss.reason
        meaning = loss.meaning
        console = loss.console ?? []
    }

    /// What it means by the files of this machine, in full.
    ///
    /// - Returns: nil when the lines are not known, or have no reason.
    func explanation(_ files: DumpFiles) -> ExplanationReport? {
        let death = ConsoleText(console.joined(separator: "\n")).deaths.last { $0.cpu == cpu && $0.violation != nil }
        return death.map {
            let isOfLinux = files.system.map { $0.rootCell.name == cell } ?? !stopped
            return ExplanationReport(files.explanation(of: $0, rootCell: isOfLinux ? $0.cell : nil))
        }
    }

    func lines(_ style: Style) -> [String] {
        let whose = cell.map { stopped ? " of cell \"\(Text.printable($0))\"" : "" } ?? ""
        let what = stopped ? "the hypervisor itself failed on it" : "parked after a violation by Linux"
        let head = style("\(cpu)\(whose): \(what); save your work and reset the machine", Condition.bad.paint)
        return [head]
            + [reason, meaning].compactMap { $0 }.flatMap { style.lines(Text.printable($0), indentation: 2, room: 14) }
    }

    /// Of several, for a line.
    static func sentence(about losses: [LostCPUReport]) -> String? {
        let parked = losses.filter { !$0.stopped }.map(\.cpu)
        let stopped = losses.filter(\.stopped).map(\.cpu)
        let sentences = [
            stopped.isEmpty ? nil : "the hypervisor failed on CPU \(Text.ranges(stopped))",
            parked.isEmpty ? nil : "Linux lost CPU \(Text.ranges(parked))",
        ].compactMap { $0 }
        return sentences.isEmpty ? nil : sentences.joined(separator: ", ")
    }
}
