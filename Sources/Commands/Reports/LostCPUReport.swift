// SPDX-License-Identifier: Apache-2.0

import ControlInterface

/// A CPU that the hypervisor took until the next boot.
struct LostCPUReport: Encodable {
    let cpu: Int
    @JSON.OrNull var cell: String?
    /// The hypervisor itself failed on it.
    let stopped: Bool
    @JSON.OrNull var reason: String?
    @JSON.OrNull var meaning: String?

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
    }

    func lines(_ style: Style) -> [String] {
        let whose = cell.map { stopped ? " of cell \"\(Text.printable($0))\"" : "" } ?? ""
        let what = stopped ? "the hypervisor itself failed on it" : "parked after a violation by Linux"
        let head = style("\(cpu)\(whose): \(what); save your work and reset the machine", Condition.bad.paint)
        return [head] + [reason, meaning].compactMap { $0 }.map { "  " + Text.printable($0) }
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
