// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// What Linux uses on the machine where the cells are to run, as it says itself in `/proc`.
package struct RunningMachine: Hashable, Sendable {
    /// A line of `/proc/ioports` or `/proc/iomem`.
    package struct Resource: Hashable, Sendable {
        package var first: UInt64
        /// Inclusive.
        package var last: UInt64
        package var name: String
        /// The names of those that it lies in, the outermost first.
        package var parents: [String]
        /// Whether others lie in it.
        package var hasParts = false
    }

    package var ports: [Resource]
    package var memory: [Resource]
    /// What the firmware calls the machine (`/sys/class/dmi/id/product_name`); empty when it does not.
    package var name = ""
    /// The CPUs that are online while the hypervisor is disabled (`/sys/devices/system/cpu/online`); nil when that is
    /// not known, as while it is enabled.
    package var onlineCPUs: CPUSet?
    /// The numbers of the serial ports that are Linux's consoles: 0 is `ttyS0`.
    package var serialConsoles: Set<Int> = []
    /// Interrupts that a driver of Linux has.
    package var interrupts: [InterruptUse] = []
    /// From the device tree.
    package var devices: [TreeDevice] = []
    /// Devices that Linux uses although `/proc/iomem` need not have them: those of the platform bus with a driver, and clock
    /// controllers, which have none.
    package var usedDevices: [UsedDevice] = []
    /// The names of the platform bus's devices that have a driver, such as `MSFT0101:00`.
    package var drivenDevices: Set<String> = []
    /// From the device tree; regions reserved from Linux are included.
    package var treeMemory: [ClosedRange<UInt64>] = []
    /// Registers of devices, from the device tree, also of those that Linux leaves alone.
    package var registers: [TreeRegisters] = []
    /// What Linux found on PCI buses, by its names such as `0000:00:1f.2`; empty when that is not known.
    package var pciDevices: Set<String> = []
    /// Whether the processors are a PC's, by `/proc/cpuinfo`; nil when that is not known.
    package var hasPCProcessors: Bool?
    /// Whether the processors are Intel's, by `/proc/cpuinfo`.
    package var hasIntelProcessors = false
    /// Whether Linux's command line has it translate devices' addresses by VT-d (`intel_iommu=on`).
    package var translatesByVTD = false
    /// What is known of the RAM behind Linux's list of it.
    package var keptMemory = KeptMemory()
    /// Of Arm's processors, by Linux's numbers: the affinity (MPIDR) by which firmware and interrupt controller know each,
    /// from its node of the device tree. A processor that is offline has one, too.
    package var affinities: [Int: UInt64] = [:]
    /// Whether Linux runs at EL2, the level of the hypervisor: see ``runsAtEL2(cpuInfo:commandLine:)``.
    package var runsAtEL2 = false

    /// - Parameters:
    ///   - ioports: the text of `/proc/ioports`; empty when there is none.
    ///   - iomem: the text of `/proc/iomem`. Like `ioports` it has addresses only for root.
    package init(ioports: String, iomem: String) {
        ports = RunningMachine.resources(in: ioports)
        memory = RunningMachine.resources(in: iomem)
    }

    /// Whether Linux hid all addresses, as it does from ordinary users.
    package var hidesAddresses: Bool { memory.count > 1 && memory.allSatisfy { $0.last == 0 } }

    /// Whether it is the simulated machine, by the name that it gives itself.
    package var isSimulated: Bool { name == RunningMachine.simulatedName }

    /// The product name that `jailhouse-sim` shows to the programs in its machine.
    package static let simulatedName = "jailhouse-sim"

    /// What the rules say of a system and cells on this machine, each finding with its file.
    package func findings(system: (path: String, descriptor: SystemDescriptor)?, cells: [CellGroup.Member]) -> [Finding]
    {
        let subject = MachineRules.Subject(
            machine: self, system: system?.descriptor, systemPath: system?.path, cells: cells)
        // what this machine uses says nothing of another one
        let rules = subject.isForAnotherMachine ? [MachineRules.architecture] : MachineRules.all
        return rules.flatMap { $0.findings(in: subject) }
    }

    /// Whether it is a serial port that its driver has found and that nothing uses: the driver (8250) touches it, and has its
    /// interrupt, only while something has it open.
    func isIdleSerialPort(_ driver: String, _ range: AddressRange) -> Bool {
        guard driver == "serial" else { return false }
        let number = PCPorts.serial.firstIndex { AddressRange($0.ports).overlaps(range) }
        let open = interrupts.compactMap { use in use.device.hasPrefix("ttyS") ? Int(use.device.dropFirst(4)) : nil }
        // which numbers those on PCI have cannot be seen
        guard let number else { return (open + serialConsoles).allSatisfy(PCPorts.serial.indices.contains) }
        return !open.contains(number) && !serialConsoles.contains(number)
    }

    private static func resources(in text: String) -> [Resource] {
        var resources: [Resource] = []
        var open: [(indentation: Int, index: Int)] = []
        for line in text.split(separator: "\n") {
            let indentation = line.prefix { $0 == " " }.count
            let parts = line.dropFirst(indentation).split(separator: " ", maxSplits: 2)
            guard parts.count == 3, parts[1] == ":" else { continue }
            let ends = parts[0].split(separator: "-")
            guard ends.count == 2, let first = UInt64(ends[0], radix: 16), let last = UInt64(ends[1], radix: 16),
                first <= last
            else { continue }
            open.removeAll { $0.indentation >= indentation }
            if let parent = open.last { resources[parent.index].hasParts = true }
            let parents = open.map { resources[$0.index].name }
            open.append((indentation, resources.count))
            resources.append(Resource(first: first, last: last, name: String(parts[2]), parents: parents))
        }
        return resources
    }
}

extension RunningMachine.Resource {
    var range: AddressRange? {
        last - first == .max ? nil : AddressRange(start: first, size: last - first + 1)
    }

    /// RAM that Linux gives to programs and to itself, also that of a memory device.
    package var isLinuxMemory: Bool { name == "System RAM" || isAddedMemory }

    /// `System RAM (kmem)`, `System RAM (virtio_mem)`: below the line of what it comes from.
    var isAddedMemory: Bool { name.hasPrefix("System RAM (") }

    /// Whether a driver of Linux has it, as far as its name tells: a bus, the firmware's tables and a PCI device without a
    /// driver are no drivers. Linux itself uses the ports of ACPI, at the machine's end at the latest.
    var isDriver: Bool {
        let others = [
            "PCI ", "pnp ", "ACPI Tables", "ACPI Non-volatile", "Reserved", "reserved", "System RAM", "Kernel ",
            "IOAPIC", "Local APIC",
        ]
        return !hasParts && !isPCIAddress(name) && !others.contains(where: name.hasPrefix)
            && !parents.contains { $0 == "System RAM" }
    }

    /// The PCI devices whose register range this is.
    func belongs(toAnyOf devices: Set<String>) -> Bool {
        ([name] + parents).contains(where: devices.contains)
    }

    /// `0000:00:1f.2`; behind some host bridges domains have five digits.
    private func isPCIAddress(_ text: String) -> Bool {
        (12...13).contains(text.count) && text.count { $0 == ":" } == 2
            && text.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }
}
