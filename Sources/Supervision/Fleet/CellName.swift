// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

/// A cell's name as the hypervisor has it: up to 31 bytes of any kind, not necessarily text, possibly none.
package struct CellName: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// The name, if it is one that a definition can have and a person can type: UTF-8, not empty, one line, no control
    /// characters.
    package var text: String? {
        guard !bytes.isEmpty, !bytes.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// In quotation marks, with everything that is not printable ASCII as `\xNN`.
    package var escaped: String {
        let digits = Array("0123456789abcdef")
        let characters = bytes.map { byte in
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): "\\" + String(UnicodeScalar(byte))
            case 0x20...0x7e: String(UnicodeScalar(byte))
            default: "\\x\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return "\"\(characters.joined())\""
    }
}

/// A cell that cannot be addressed by its name, because that is empty or not text. It never has a definition; it is
/// shown, and counts whenever the daemon decides whether a command could stall Linux.
package struct NamelessCell: Hashable, Sendable {
    /// Nil when the name cannot be read.
    package var name: CellName?
    package var observation: Observation
    /// When it was first seen.
    package var since: Moment

    package init(name: CellName?, observation: Observation, since: Moment) {
        self.name = name
        self.observation = observation
        self.since = since
    }

    /// What it is called in lists and messages, for example `#2 "\xff"`.
    package var label: String { "#\(observation.id) \(name?.escaped ?? "(name unreadable)")" }
}

/// One pass over everything that the hypervisor shows.
package struct Look: Hashable, Sendable {
    package enum Hypervisor: Hashable, Sendable {
        case noDriver, disabled, enabled
    }

    package struct Guest: Hashable, Sendable {
        /// Nil when its directory has been unreadable for so long that it is not just passing.
        package var name: CellName?
        package var observation: Observation
        /// False if ``observation`` is older than this look.
        package var isCurrent: Bool

        package init(name: CellName?, observation: Observation, isCurrent: Bool = true) {
            self.name = name
            self.observation = observation
            self.isCurrent = isCurrent
        }
    }

    package var hypervisor: Hypervisor
    /// Whether everything could be read; only then is a cell that is not listed absent.
    package var isComplete: Bool
    /// All cells but the root cell.
    package var guests: [Guest]
    /// Linux's CPUs that are online, ascending; nil when they were not asked for or cannot be read.
    package var onlineCPUs: [Int]?

    package init(
        _ hypervisor: Hypervisor, isComplete: Bool = true, guests: [Guest] = [], onlineCPUs: [Int]? = nil
    ) {
        self.hypervisor = hypervisor
        self.isComplete = isComplete
        self.guests = guests
        self.onlineCPUs = onlineCPUs
    }

    /// Whether both looks show the same cells in the same states, so that a command notifies or asks the same cells as
    /// before.
    ///
    /// - Parameter name: of a cell to leave out; nil: none.
    package func hasSameCells(as other: Look, besides name: String?) -> Bool {
        guard hypervisor == other.hypervisor, isComplete, other.isComplete else { return false }
        func seen(_ look: Look) -> [Int: (name: CellName?, cell: Observation)]? {
            var found: [Int: (name: CellName?, cell: Observation)] = [:]
            for guest in look.guests where name == nil || guest.name != name.map(CellName.init) {
                guard guest.isCurrent else { return nil }
                found[guest.observation.id] = (guest.name, guest.observation)
            }
            return found
        }
        guard let before = seen(other), let now = seen(self), before.count == now.count else { return false }
        return now.allSatisfy { id, guest in
            guard let old = before[id] else { return false }
            return old.name == guest.name && old.cell.isSameCell(as: guest.cell) && old.cell.state == guest.cell.state
        }
    }

    /// What it shows of the cell of this name; nil if that is not reliable.
    package func sighting(of name: String) -> Sighting? {
        if let guest = guests.first(where: { $0.name?.bytes.elementsEqual(name.utf8) == true }) {
            return guest.isCurrent ? .present(guest.observation) : nil
        }
        guard isComplete else { return nil }
        return hypervisor == .enabled ? .absent : .disabled
    }

    /// Whether every existing cell was seen, so that it is known which cells a command would notify.
    var showsAll: Bool { isComplete && guests.allSatisfy(\.isCurrent) }
}
