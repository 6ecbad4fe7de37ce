// SPDX-License-Identifier: Apache-2.0

/// How the monitors of several cells ring each other: by way of the host, which writes a byte to the bell of the other
/// cell's machine. The interrupt of that serial port goes to the cell's first CPU, and the cell does not see it.
enum Doorbell {
    /// A cell that starts has left the state that it was in.
    static func prepare() {
        for index in 0..<Parameters.linkCount { Link(index: index).announce() }
    }

    /// - Parameter isFirst: whether nothing waited there: else the other monitor has been rung and has not looked yet.
    static func ring(slot: Int, isFirst: Bool) {
        if isFirst { Events.tell(.rung, cpu: 0, UInt32(slot)) }
    }

    static func answer() {
        Machine.silenceBell()
        for index in 0..<Parameters.linkCount { Link(index: index).deliver() }
    }
}
