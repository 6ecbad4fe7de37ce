// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

/// The word in a cell's communication region that says how it is (include/jailhouse/hypercall.h).
package struct CellState: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static let running = CellState(rawValue: 0)
    package static let runningLocked = CellState(rawValue: 1)
    package static let shutDown = CellState(rawValue: 2)
    package static let failed = CellState(rawValue: 3)
    package static let abiMismatch = CellState(rawValue: 4)
    /// One of the many words that mean nothing.
    package static let unknown = CellState(rawValue: 0x2a)

    /// As the driver writes it in `state`.
    package var text: String {
        typealias Word = JailhouseInterface.CellState
        return (Word.allCases.first { $0.number == Int(rawValue) } ?? .invalid).rawValue
    }
}
