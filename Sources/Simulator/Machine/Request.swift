// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// A command to the driver, with everything already copied out of the client's memory.
package enum Request: Hashable, Sendable {
    /// The bytes of a system configuration.
    case enable([UInt8])
    case disable
    /// The bytes of a cell configuration, as many as the caller said.
    case create([UInt8])
    case load(CellReference, [Image])
    case start(CellReference)
    case destroy(CellReference)
    /// No command: the driver's lock is held for so long.
    case hold(Duration)

    /// What a person calls it.
    package var command: String {
        switch self {
        case .enable: "enable"
        case .disable: "disable"
        case .create: "create"
        case .load(_, let images): images.isEmpty ? "shutdown" : "load"
        case .start: "start"
        case .destroy: "destroy"
        case .hold: "hold"
        }
    }

    /// One image of a load. Its bytes stay with the submitter of the request: see ``Effect/store(_:image:at:)``.
    package struct Image: Hashable, Sendable {
        package var size: UInt64
        /// By the cell's addresses.
        package var target: UInt64
        /// Whether its bytes are where the caller says.
        package var isReadable: Bool

        package init(size: UInt64, target: UInt64, isReadable: Bool = true) {
            self.size = size
            self.target = target
            self.isReadable = isReadable
        }
    }
}

/// How a command names its cell.
package enum CellReference: Hashable, Sendable {
    case id(Int)
    case name(String)
}

/// Distinguishes the requests of a machine.
package struct RequestID: Hashable, Sendable, Comparable {
    package let number: UInt64

    package static func < (left: RequestID, right: RequestID) -> Bool { left.number < right.number }
}

/// What a machine wants done outside of it.
package enum Effect: Hashable, Sendable {
    /// The request is answered; nil: 0 is returned.
    case answered(RequestID, Refusal?)
    /// An inmate is to execute in the cell of this incarnation.
    case add(CellDescriptor, SystemDescriptor?, cell: UInt64)
    /// To what executes the cell's inmate.
    case order(CellOrder, cell: UInt64)
    /// The bytes of the request's image belong at this physical address, before the cell's next order is carried out.
    case store(RequestID, image: Int, at: UInt64, cell: UInt64)
    /// The same for bytes that no client has given.
    case write([UInt8], at: UInt64, cell: UInt64)
    /// Something worth a line of the simulator's own output.
    case report(String)
}
