// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Synchronization
import SystemCalls

/// A cell's ends of links through shared memory, as the other ends see them when the cell's machine is gone.
final class LinkEnds: Sendable {
    /// The state table by its machine address.
    private let links: [(function: UInt16, stateTable: UInt64, identifier: UInt8)]
    private let slot: Int
    private let machine: String
    /// All monitors' memory, and the state tables; nothing when the cell has no links.
    private let monitors: MappedFile?
    private let tables: [MappedFile]

    private typealias Link = MonitorMemory.Link

    init(of cell: CellDescriptor, slot: Int, settings: CellMachineSettings) throws(CellMachineError) {
        self.slot = slot
        machine = settings.directory
        let size = settings.memorySize
        let layout = MachineLayout(cell.architecture)
        var links: [(function: UInt16, stateTable: UInt64, identifier: UInt8)] = []
        var tables: [MappedFile] = []
        for device in cell.pciDevices {
            guard let link = SharedMemoryLink(device, in: cell.memoryRegions) else { continue }
            let begin = link.physicalStart
            guard let offset = layout.fileOffset(of: begin, count: PageTables.pageSize, size: size),
                let table = layout.machineAddress(of: begin, count: PageTables.pageSize, size: size),
                offset & (PageTables.pageSize - 1) == 0
            else { throw CellMachineError(.configuration, "a link's state table is not in the machine's memory") }
            links.append((device.address.rawValue, table, link.peerID))
            tables.append(
                try MappedFile.part(of: settings.memoryFile, at: Int(offset), size: Int(PageTables.pageSize)))
        }
        self.links = links
        self.tables = tables
        monitors =
            links.isEmpty
            ? nil
            : try MappedFile.part(
                of: settings.memoryFile, at: Int(layout.monitors(size: size)),
                size: MonitorMemory.slotLimit * MonitorMemory.size)
    }

    /// For a monitor that cannot ring another one by itself.
    func ring(slot: Int) {
        if (0..<MonitorMemory.slotLimit).contains(slot) { DoorbellExchange.ring(machine, slot: slot) }
    }

    /// State 0, and the other ends are interrupted; they cannot reach this one any more.
    func disconnect() {
        guard let monitors else { return }
        for index in links.indices {
            tables[index].start.storeBytes(of: 0, toByteOffset: Int(links[index].identifier) * 4, as: UInt32.self)
            set(monitors, place(slot, index) + Link.isThere, 0)
        }
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        for other in 0..<MonitorMemory.slotLimit where other != slot {
            for index in 0..<Link.limit where isPeer(monitors, place(other, index)) {
                set(monitors, place(other, index) + Link.pending, 1)
                DoorbellExchange.ring(machine, slot: other)
            }
        }
    }

    private func isPeer(_ monitors: MappedFile, _ place: Int) -> Bool {
        let function = monitors.start.load(fromByteOffset: place + Link.function, as: UInt32.self)
        let table = monitors.start.load(fromByteOffset: place + Link.stateTable, as: UInt64.self)
        return monitors.start.load(fromByteOffset: place + Link.isThere, as: UInt32.self) == 1
            && links.contains { UInt32($0.function) == function && $0.stateTable == table }
    }

    private func place(_ slot: Int, _ index: Int) -> Int {
        slot * MonitorMemory.size + MonitorMemory.links + index * Link.size
    }

    private func set(_ mapping: MappedFile, _ offset: Int, _ value: UInt32) {
        mapping.start.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
    }
}
