// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import DeviceTree

// An Arm64 system, from the device tree and what Linux says of its memory.

extension SystemProposal {
    mutating func describeArm(_ capture: MachineCapture, _ tree: DeviceNode) {
        let machine = ArmMachine(tree)
        let resources = RunningMachine(ioports: "", iomem: capture.iomem)
        if resources.hidesAddresses { note("", "Linux shows the addresses of memory to root only: run probe as root.") }
        nameRootCell(capture, machine.name)
        if capture.cpus.isEmpty, !machine.processors.isEmpty {
            system.rootCell.cpus = CPUSet(Array(machine.processors.indices))
            notes["root-cell"] = [
                "Linux's list of CPUs (/sys/devices/system/cpu/present) is not there: these are those of the device tree."
            ]
        }
        describeProcessors(machine)
        describeInterrupts(machine)
        describeConsole(machine)
        describeStreams(machine)
        let memory = systemMemory(resources, machine)
        let reserved = placeHypervisor(besides: machine, memory)
        describeMemory(memory, machine, resources, reserved)
        describeVirtualPCI(machine, memory + resources.memory.filter { $0.last > 0 }.map { $0.first...$0.last })
    }

    private mutating func describeProcessors(_ machine: ArmMachine) {
        let list = machine.processors.map { "0x" + String($0, radix: 16) }.joined(separator: ", ")
        if !list.isEmpty { note("root-cell", "The CPUs' MPIDRs, by the device tree: \(list).") }
        switch machine.firmwareCall {
        case "smc": break
        case let method?:
            note(
                "",
                "This machine cannot run it: PSCI is called by \(method), so Linux runs beneath another hypervisor, or was "
                    + "not started in hypervisor mode (QEMU: -machine virtualization=on).")
        case nil: note("", "This machine cannot run it: its firmware has no PSCI, by which CPUs are taken offline.")
        }
        note(
            "",
            "Linux must have been started in hypervisor mode (EL2); the device tree does not tell, its log does: \"started at "
                + "EL2\".")
    }

    private mutating func describeInterrupts(_ machine: ArmMachine) {
        guard let gic = machine.gic else {
            system.platform.specific = .arm(ArmPlatform())
            return note("platform", "The device tree has no GIC that is known here (v2 or v3).")
        }
        system.platform.specific = .arm(gic.platform)
        noteLimits(of: gic, machine)
        if machine.hasTranslationService {
            note(
                "platform",
                "Linux uses the GIC's translation service (ITS) for the interrupts of PCI devices, which the hypervisor does "
                    + "not have: remove its node from the device tree.")
        }
        let highest = 32 + max(machine.usedInterrupts.max() ?? 0, (machine.freeInterrupts ?? 0) + 3)
        system.rootCell.interruptChips = stride(from: 32, through: min(highest, 1019), by: 128).map {
            InterruptChip(address: gic.platform.gicdBase, id: 0, pinBase: UInt32($0), pins: $0..<$0 + 128)
        }
    }

    /// What keeps the hypervisor from enabling, or what the tree does not say.
    private mutating func noteLimits(
        of gic: (platform: ArmPlatform, windows: [ClosedRange<UInt64>]), _ machine: ArmMachine
    ) {
        if gic.platform.maintenanceInterrupt == 0 {
            note(
                "platform",
                "The device tree does not have the GIC's maintenance interrupt: find it in the processor's manual (25 is usual)."
            )
        }
        if gic.platform.gicVersion == 2, let last = system.rootCell.cpus.members.max(), last >= 8 {
            note(
                "",
                "This machine cannot run it with all CPUs: a GICv2 has interfaces for the CPUs 0 to 7, and the last one is \(last)."
            )
        }
        guard gic.platform.gicVersion == 3 else { return }
        let far = machine.processors.filter { $0 & 0xff >= 16 }.map { "0x" + String($0, radix: 16) }
        if !far.isEmpty {
            note(
                "",
                "This machine cannot run it with all CPUs: of an MPIDR the lowest byte must be below 16, but there are "
                    + "\(far.joined(separator: ", ")); enabling fails with EIO.")
        }
        let needed = UInt64(0x2_0000 * system.rootCell.cpus.members.count)
        if gic.windows.count > 1, gic.windows[1].upperBound - gic.windows[1].lowerBound + 1 < needed {
            note(
                "",
                "This machine cannot run it with all CPUs: the hypervisor looks for their redistributors from gicr-base on, without a gap; "
                    + "the device tree has them in \(machine.redistributorWindows) windows, of which the first has room for "
                    + "\((gic.windows[1].upperBound - gic.windows[1].lowerBound + 1) / 0x2_0000).")
        }
        if let stride = machine.redistributorStride, stride != 0x2_0000 {
            note(
                "",
                "This machine cannot run it: its redistributors lie 0x\(String(stride, radix: 16)) bytes apart (redistributor-stride), "
                    + "and the hypervisor expects 0x20000.")
        }
    }

    private mutating func describeConsole(_ machine: ArmMachine) {
        let uarts = machine.uarts
        guard let first = uarts.first else {
            return note("debug-console", "The device tree has no serial port that the hypervisor can use.")
        }
        system.debugConsole = first.console
        system.consoleInterrupt = first.interrupt
        if first.isLinuxConsole {
            note("debug-console", "Linux prints here, too: what both print is mixed.")
        }
        for uart in uarts.dropFirst() { note("debug-console", "Another one: \(uart.name): \(uart.console.sourceText)") }
    }

    private mutating func describeStreams(_ machine: ArmMachine) {
        for (name, compatible) in machine.otherIOMMUs {
            note(
                "platform",
                "\(name) (\(compatible)) is an IOMMU that the hypervisor does not drive: Linux keeps it, and what devices of cells do "
                    + "by DMA is not confined.")
        }
        let units = machine.smmus
        system.platform.iommuUnits = Array(units.prefix(Platform.iommuUnitLimit))
        guard !units.isEmpty else { return }
        for unit in units.dropFirst(Platform.iommuUnitLimit) {
            note(
                "platform",
                "A configuration can have \(Platform.iommuUnitLimit) IOMMUs; the one at 0x\(String(unit.base, radix: 16)) is left out: "
                    + "what its devices do by DMA is not confined.")
        }
        note(
            "iommu[0]",
            "Which stream ids a cell's devices have is not known here: see iommus and iommu-map of their nodes, and list "
                + "them in the cell's stream-ids.")
    }

    /// RAM that Linux has, or else that the device tree names.
    private func systemMemory(_ resources: RunningMachine, _ machine: ArmMachine) -> [ClosedRange<UInt64>] {
        let seen = resources.memory.filter { $0.name == "System RAM" && $0.parents.isEmpty }.map { $0.first...$0.last }
        return resources.hidesAddresses || seen.isEmpty ? machine.memory : seen
    }

    private mutating func placeHypervisor(
        besides machine: ArmMachine, _ memory: [ClosedRange<UInt64>]
    ) -> ReservedMemory? {
        let kept = machine.memoryForCells.compactMap { ReservedMemory($0) }.max { $0.size < $1.size }
        let free = memory.flatMap { $0.without(machine.reservations.flatMap(\.ranges)) }
        guard let reserved = kept ?? ReservedMemory(proposedIn: free) else {
            note("hypervisor-memory", "No place was found for it: reserve memory in the device tree and probe again.")
            return nil
        }
        system.hypervisorMemory = MemoryRegion(
            physicalStart: reserved.hypervisorStart, size: ReservedMemory.hypervisorSize)
        let node =
            "a node below /reserved-memory, with reg = <0x\(String(reserved.start >> 32, radix: 16)) "
            + "0x\(String(reserved.start & 0xffff_ffff, radix: 16)) 0x0 0x\(String(reserved.size, radix: 16))> and no-map"
        note(
            "hypervisor-memory",
            kept == nil
                ? "Linux still uses this memory. Before enabling, add to its device tree: \(node)."
                : "The end of what Linux leaves alone by \(node); the rest is for cells.")
        let others = machine.reservedMemory.filter { ReservedMemory($0.range) != nil && $0.range != kept?.range }
        if kept == nil, !others.isEmpty {
            let list = others.map {
                "\($0.name) (\($0.range.hexadecimal))"
            }
            note(
                "hypervisor-memory",
                "Linux leaves alone \(list.joined(separator: ", ")), too. If one of them is there for the hypervisor and its "
                    + "cells, and for nothing else such as a secure world, take it instead: put jailhouse into its node's "
                    + "name and probe again.")
        }
        return reserved
    }

    private mutating func describeMemory(
        _ memory: [ClosedRange<UInt64>], _ machine: ArmMachine, _ resources: RunningMachine,
        _ reserved: ReservedMemory?
    ) {
        // the hypervisor shows Linux the interrupt controller, and has the IOMMUs for itself
        let units = system.platform.iommuUnits.filter { $0.size > 0 }.map { $0.base...($0.base + UInt64($0.size) - 1) }
        var proposed = ProposedMemory(reserved: reserved, keepOut: (machine.gic?.windows ?? []) + units)
        let unmapped = machine.reservations.filter(\.isUnmapped).flatMap(\.ranges)
        for range in memory.flatMap({ $0.without(unmapped) }) {
            proposed.add("RAM", range, [.read, .write, .execute, .dma])
        }
        addReserved(machine, resources, to: &proposed)
        let lists = machine.registers
        for part in lists where !isFar(part.range) {
            proposed.add(
                part.name, part.range, part.isMemory ? [.read, .write, .execute, .dma] : [.read, .write, .io])
        }
        for part in lists where isFar(part.range) {
            let used = resources.pciFunctions(in: part.range)
            for (device, window) in used { proposed.add("PCI device \(device)", window, [.read, .write, .io]) }
            note(
                "",
                "\(part.name): the window at 0x\(String(part.range.lowerBound, radix: 16)) is left out"
                    + (used.isEmpty ? ": add what is used." : " but for what /proc/iomem has in it."))
        }
        // what drivers have without a node, or by other windows than the node's
        for resource in resources.memory where resource.parents.isEmpty && !resources.hidesAddresses {
            let range = resource.first...resource.last
            guard !["system ram", "reserved"].contains(resource.name.lowercased()), !isFar(range) else { continue }
            proposed.add(String(resource.name.prefix(40)), range, [.read, .write, .io])
        }
        system.rootCell.memoryRegions = proposed.sorted
        noteReserved(machine)
        note("memory[0]", "Devices are those of the device tree; what Linux uses without a node is missing.")
    }

    /// Windows for PCI devices with 64-bit registers are larger than all that is in them.
    private func isFar(_ range: ClosedRange<UInt64>) -> Bool {
        range.lowerBound >= 1 << 32 && range.upperBound - range.lowerBound >= 1 << 32
    }

    /// The hypervisor makes a PCI host controller of its own for ivshmem devices. It exists as traps only.
    private mutating func describeVirtualPCI(_ machine: ArmMachine, _ memory: [ClosedRange<UInt64>]) {
        let size: UInt64 = 0x20_0000
        let taken =
            memory + machine.memory + machine.registers.map(\.range) + machine.reservations.flatMap(\.ranges)
            + [system.hypervisorMemory].filter { $0.size > 0 }.map {
                $0.physicalStart...$0.physicalStart + ($0.size - 1)
            }
        let place = stride(from: UInt64(0x800_0000), to: 0xfe00_0000, by: Int(size)).first { start in
            !taken.contains { $0.overlaps(start...start + (size - 1)) }
        }
        guard let place else {
            return note(
                "platform", "No 2 MiB below 4 GiB are free for the virtual PCI host controller (mmconfig-base).")
        }
        system.platform.mmconfigBase = place
        system.platform.virtualPCI = 1
        system.platform.pciDomain = machine.freePCIDomain
        note(
            "platform",
            "mmconfig-base is 2 MiB where the device tree has nothing: check that the machine has nothing there, either."
        )
        guard let base = machine.freeInterrupts else {
            return note("root-cell", "No four interrupts behind each other are free for virtual PCI devices.")
        }
        system.rootCell.vpciInterruptBase = UInt32(base)
        for frame in machine.messageFrames where frame.interrupts == nil {
            let register = frame.address.map { " (MSI_TYPER, at 0x\(String($0 + 8, radix: 16)))" } ?? ""
            note(
                "root-cell",
                "vpci-interrupt-base: Linux gives PCI devices SPIs of \(frame.name), which the tree does not name: its register\(register) has "
                    + "the first one, as the GIC counts, in bits 25 to 16 and how many in bits 9 to 0. None of these may be among the four."
            )
        }
        note(
            "root-cell",
            "vpci-interrupt-base: no device of the tree has the SPIs \(base) to \(base + 3); check that the GIC has them."
        )
    }
}

extension Console {
    /// As a source has it: `type = "8250", address = 0x2f8`.
    var sourceText: String {
        var keys = ["type = \"\(kind.word)\""]
        if flags.contains(.mmio) { keys.append("access = \"mmio\"") }
        keys.append("address = 0x\(String(address, radix: 16))")
        if size > 0 { keys.append("size = 0x\(String(size, radix: 16))") }
        if flags.contains(.registerDistance4) { keys.append("register-distance = \"4 bytes\"") }
        return keys.joined(separator: ", ")
    }
}
