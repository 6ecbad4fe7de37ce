// SPDX-License-Identifier: Apache-2.0

// Compiled into both the host side and the cell monitor for Arm64.

/// By which interrupt a cell learns that another rang its end of a link: one of the four pins of virtual PCI or, where the
/// device has vectors, the interrupt whose number is the vector's message.
struct LinkSignal: Hashable {
    /// 0: by pin.
    var vectors: UInt32
    /// What the cell wrote to the command register, and to the upper half of the capability for messages.
    var command: UInt32
    var vectorControl: UInt32
    /// The interrupt of the device's pin.
    var pin: UInt32

    private enum Command {
        static let master: UInt32 = 1 << 2
        static let pinOff: UInt32 = 1 << 10
    }

    private enum Control {
        static let masked: UInt32 = 1 << 14
        static let enabled: UInt32 = 1 << 15
    }

    /// Nil when the cell does not want it.
    ///
    /// - Parameters:
    ///   - message: of the vector that was rung, and whether that vector is masked; without vectors neither counts.
    func interrupt(message: UInt32, isMasked: Bool) -> UInt32? {
        guard vectors > 0 else { return command & Command.pinOff == 0 ? pin : nil }
        let isOn =
            vectorControl & (Control.enabled | Control.masked) == Control.enabled && command & Command.master != 0
        return isOn && !isMasked ? message : nil
    }

    /// Whether a number can be a message: that of a shared interrupt of the cell's.
    static func isMessage(_ number: UInt32, _ owned: (UInt32) -> UInt32) -> Bool {
        number >= DistributorAccess.firstShared && DistributorAccess.owns(number, owned)
    }
}
