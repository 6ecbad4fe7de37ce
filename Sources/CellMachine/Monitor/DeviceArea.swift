// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// A cell's PCI devices and its ends of links in the monitor's memory, whatever the architecture.
struct DeviceArea {
    let cell: CellDescriptor
    /// Which of the machine's parts for monitors is the cell's.
    let slot: Int

    private typealias Parameter = MonitorMemory.Parameter

    /// - Parameter devices: those of the cell's that the monitor has.
    func storeDevices(_ devices: [PCIDevice], into area: inout Bytes) throws(CellMachineError) {
        guard devices.count <= MonitorMemory.Device.limit,
            cell.pciCapabilities.count <= MonitorMemory.Capability.limit
        else { throw CellMachineError(.configuration, "the cell has too many PCI devices or capabilities") }
        area.store(UInt32(devices.count), at: Parameter.pciDevices)
        for (index, device) in devices.enumerated() {
            let entry = Parameter.deviceList + index * MonitorMemory.Device.size
            area.store(device.address.rawValue, at: entry)
            area.store(device.kind.rawValue, at: entry + MonitorMemory.Device.kind)
            area.store(device.msiFlags.rawValue, at: entry + MonitorMemory.Device.messageFlags)
            for (number, mask) in device.barMasks.prefix(PCIDevice.barCount).enumerated() {
                area.store(mask, at: entry + MonitorMemory.Device.bars + number * 4)
            }
            area.store(device.firstCapability, at: entry + MonitorMemory.Device.firstCapability)
            area.store(device.capabilityCount, at: entry + MonitorMemory.Device.capabilities)
            area.store(device.msixAddress, at: entry + MonitorMemory.Device.vectorTable)
            area.store(UInt32(device.msixRegionSize), at: entry + MonitorMemory.Device.vectorTableSize)
            area.store(device.msixVectors, at: entry + MonitorMemory.Device.vectors)
        }
        area.store(UInt32(cell.pciCapabilities.count), at: Parameter.pciCapabilities)
        for (index, capability) in cell.pciCapabilities.enumerated() {
            let entry = Parameter.capabilityList + index * MonitorMemory.Capability.size
            area.store(capability.id, at: entry)
            area.store(capability.start, at: entry + 2)
            area.store(capability.length, at: entry + 4)
            area.store(capability.flags.rawValue, at: entry + 6)
        }
    }

    /// - Parameter place: where a physical address is in the machine; nil when there is no memory.
    func storeLinks(into area: inout Bytes, place: (UInt64) -> UInt64?) throws(CellMachineError) {
        typealias Link = MonitorMemory.Link
        let devices = cell.pciDevices.filter { $0.kind == .sharedMemory }
        guard devices.count <= Link.limit, devices.allSatisfy({ $0.msixVectors <= Link.vectorLimit }) else {
            throw CellMachineError(
                .configuration, "the cell has too many ivshmem devices, or one with too many vectors")
        }
        area.store(UInt32(slot), at: Parameter.slot)
        area.store(UInt32(devices.count), at: Parameter.links)
        for (index, device) in devices.enumerated() {
            guard let link = SharedMemoryLink(device, in: cell.memoryRegions), let table = place(link.physicalStart)
            else {
                throw CellMachineError(
                    .configuration, "the ivshmem device \(device.address) does not fit the cell's memory regions")
            }
            let entry = MonitorMemory.links + index * Link.size
            area.store(1 as UInt32, at: entry + Link.isThere)
            area.store(UInt32(device.address.rawValue), at: entry + Link.function)
            area.store(table, at: entry + Link.stateTable)
            area.store(UInt32(link.peerID), at: entry + Link.identifier)
            area.store(UInt32(link.peers), at: entry + Link.peers)
            area.store(UInt32(link.msixVectors), at: entry + Link.vectors)
            area.store(UInt32(link.linkProtocol), at: entry + Link.linkProtocol)
            area.store(link.stateTableSize, at: entry + Link.stateTableSize)
            area.store(link.commonSize, at: entry + Link.commonSize)
            area.store(link.outputSize, at: entry + Link.outputSize)
            area.store(link.virtualStart, at: entry + Link.address)
            for vector in 0..<Link.vectorLimit {
                area.store(1 as UInt32, at: entry + Link.vectorTable + vector * 16 + 12)  // masked
            }
        }
    }
}
