// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// What lies where in a machine's physical memory and in its cells' own address spaces: the plan of a picture,
/// apart from any way of drawing it.
package struct MemoryMap: Hashable, Sendable {
    /// A cell to draw, and what is loaded into it.
    package struct Cell: Hashable, Sendable {
        /// Its file, as remarks name it.
        package var file: String
        package var descriptor: CellDescriptor
        package var images: [Image]
        /// What it did where it failed.
        package var accesses: [Access] = []

        package init(file: String, descriptor: CellDescriptor, images: [Image] = []) {
            self.file = file
            self.descriptor = descriptor
            self.images = images
        }
    }

    /// An access that the hypervisor did not allow.
    package struct Access: Hashable, Sendable {
        /// As the cell sees it.
        package var address: UInt64
        package var size: UInt64
        /// `failed write`
        package var text: String

        package init(address: UInt64, size: UInt64, text: String) {
            self.address = address
            self.size = size
            self.text = text
        }

        /// The key by which remarks name an access.
        package static func key(_ index: Int) -> String { "access[\(index)]" }
    }

    /// An image that is loaded into a cell.
    package struct Image: Hashable, Sendable {
        package struct Part: Hashable, Sendable {
            /// `segment 1`; empty when the image has one part only.
            package var name: String
            /// As the cell sees it.
            package var start: UInt64
            package var size: UInt64

            package init(name: String, start: UInt64, size: UInt64) {
                self.name = name
                self.start = start
                self.size = size
            }
        }

        /// Its file, as remarks name it.
        package var file: String
        package var parts: [Part]
        package var entry: UInt64?

        package init(file: String, parts: [Part], entry: UInt64? = nil) {
            self.file = file
            self.parts = parts
            self.entry = entry
        }
    }

    /// Of the machine.
    package private(set) var physical: AddressSpaceMap
    /// Of the cells, in the order given, as each of them sees memory.
    package private(set) var cells: [AddressSpaceMap]
    /// What is said of something in the map. Their numbers count from 1: boxes refer to them.
    package private(set) var remarks: [MapRemark]
    /// What is said, but of nothing that a map shows.
    package private(set) var otherRemarks: [MapRemark]

    /// - Parameters:
    ///   - system: with its file; nil when it is not known, the machine then has what its cells have.
    ///   - remarks: what the rules say of all these files.
    package init(system: (file: String, descriptor: SystemDescriptor)?, cells: [Cell], remarks: [MapRemark] = []) {
        physical = Self.physical(system, cells)
        self.cells = cells.indices.map { Self.space(of: cells[$0], at: $0) }
        self.remarks = []
        otherRemarks = []
        for remark in remarks { add(remark) }
    }

    private mutating func add(_ remark: MapRemark) {
        let number = remarks.count + 1
        var found = physical.mark(remark, number)
        for index in cells.indices where cells[index].mark(remark, number) { found = true }
        if found { remarks.append(remark) } else { otherRemarks.append(remark) }
    }
}

extension AddressSpaceMap {
    /// Gives the number to every box and mark that the remark is about; whether there is one.
    fileprivate mutating func mark(_ remark: MapRemark, _ number: Int) -> Bool {
        let concerned = blocks.indices.filter { blocks[$0].anchors.contains { $0.holds(remark) } }
        for index in concerned { blocks[index].remarks.append(number) }
        let marked = marks.indices.filter { marks[$0].anchors.contains { $0.holds(remark) } }
        for index in marked { marks[index].remarks.append(number) }
        return !concerned.isEmpty || !marked.isEmpty
    }
}

/// Something that is said of a place in a file, as a ``Finding`` does.
package struct MapRemark: Hashable, Sendable {
    package var severity: Finding.Severity
    /// The rule's id, when it is a rule that says it.
    package var rule: String?
    package var file: String
    /// The key: `memory[1]`.
    package var location: String
    /// Further keys of the same fault.
    package var others: [String]
    package var message: String

    package init(
        severity: Finding.Severity, rule: String?, file: String, location: String, others: [String] = [],
        message: String
    ) {
        self.severity = severity
        self.rule = rule
        self.file = file
        self.location = location
        self.others = others
        self.message = message
    }
}
