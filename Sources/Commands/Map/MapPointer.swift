// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// Where in the map of the same files the findings of `check` are, by the numbers and names that they have there.
struct MapPointer {
    private let paths: [String]
    private let map: MemoryMap

    /// Nil when no map can be drawn, or nothing that is wrong is in it.
    init?(_ checkup: Checkup, _ findings: [Complaint]) {
        guard let map = try? MapInput(checkup, findings).map(), map.remarks.contains(where: { $0.severity == .error })
        else { return nil }
        paths = checkup.inputs.map(\.path)
        self.map = map
    }

    func text(_ alphabet: MapAlphabet) -> String {
        let lines = map.remarks.indices.filter { map.remarks[$0].severity == .error }.map { index in
            "    \(alphabet.error)\(index + 1) " + Text.printable(place(of: index + 1))
        }
        let command = (["jailhouse-ctl map"] + paths.map(Text.shellWord)).joined(separator: " ")
        return (["in the map (\(command)):"] + lines).joined(separator: "\n")
    }

    /// The first that has the number: `rtems: ram at 0x3a000000`.
    private func place(of number: Int) -> String {
        for space in [map.physical] + map.cells {
            let owner = space.cell.map { "\($0): " } ?? ""
            let view = space.cell == nil ? "" : " as it sees memory"
            if let block = space.blocks.first(where: { $0.remarks.contains(number) }) {
                return "\(owner)\(block.name) at \(Text.hexadecimal(block.first))\(view)"
            }
            if let mark = space.marks.first(where: { $0.remarks.contains(number) }) {
                return "\(owner)\(mark.text) at \(Text.hexadecimal(mark.address))\(view)"
            }
        }
        return ""
    }
}
