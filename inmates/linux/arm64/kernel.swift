// SPDX-License-Identifier: Apache-2.0

/// Stands in for Linux: an Image that checks everything that a loader of Linux cells hands over, against the kernel's boot
/// protocol (Documentation/arch/arm64/booting.rst) and the bindings of the nodes that it needs.
@c(inmate_main) func inmateMain() {
    var report = Report("linux")
    let state = DeviceMemory(at: addressOfEntryState())
    let tree = Tree(base: UInt(state.read64(0)))
    checkEntry(state, &report)
    guard tree.isTree else {
        report.check("tree", false, "nothing at \(hex: state.read64(0))")
        report.finish()
    }
    let arguments = tree.property(tree.child(tree.root, "chosen"), "bootargs")
    if let arguments, arguments.size > 0 { CommandLine.take(from: arguments.address, arguments.size - 1) }
    let memory = Memory(tree)
    checkPlaces(tree, memory, kernel: state.read64(56), &report)
    checkProcessors(tree, &report)
    checkDevices(tree, &report)
    checkVirtualPCI(tree, &report)
    checkChosen(tree, memory, &report)
    Ending.finish(report)
}

/// The RAM that the tree names.
struct Memory {
    private let ranges: Tree.Value?

    init(_ tree: Tree) { ranges = tree.property(tree.child(tree.root, "memory"), "reg") }

    var count: UInt { (ranges?.size ?? 0) / 16 }
    func start(_ index: UInt) -> UInt64 { ranges?.wide(index * 4) ?? 0 }
    func size(_ index: UInt) -> UInt64 { ranges?.wide(index * 4 + 2) ?? 0 }

    /// Whether all of it is RAM.
    func has(_ start: UInt64, _ size: UInt64) -> Bool {
        for index in 0..<count where start >= self.start(index) && start + size <= self.start(index) + self.size(index)
        {
            return true
        }
        return false
    }
}

private let block: UInt64 = 0x20_0000

private func checkEntry(_ state: DeviceMemory, _ report: inout Report) {
    let others = state.read64(8) | state.read64(16) | state.read64(24)
    report.check("registers", others == 0, "x0 \(hex: state.read64(0)), x1 to x3 \(hex: others)")
    report.check("mmu", state.read64(32) & 5 == 0, "SCTLR_EL1 \(hex: state.read64(32))")
    report.check("level", state.read64(40) >> 2 & 3 == 1, "CurrentEL \(hex: state.read64(40))")
    report.check("interrupts", state.read64(48) & 0x3c0 == 0x3c0, "DAIF \(hex: state.read64(48))")
}

private func checkPlaces(_ tree: Tree, _ memory: Memory, kernel: UInt64, _ report: inout Report) {
    let (start, size) = (UInt64(tree.base), UInt64(tree.size))
    for index in 0..<memory.count {
        print("memory \(hex: memory.start(index))–\(hex: memory.start(index) + memory.size(index) - 1)")
    }
    report.check("kernel", kernel & (block - 1) == 0 && memory.has(kernel, sizeOfKernel()), "\(hex: kernel)")
    report.check(
        "tree",
        start & 7 == 0 && size <= block && start / block == (start + size - 1) / block && memory.has(start, size),
        "\(size) bytes at \(hex: start)")
    report.check("apart", start >= kernel + sizeOfKernel() || start + size <= kernel, "the tree is not over the kernel")
    let region = UInt64(CommunicationRegion().address)
    report.check("region", !memory.has(region, 1), "the communication region is no RAM")
}

private func checkProcessors(_ tree: Tree, _ report: inout Report) {
    let psci = tree.child(tree.root, "psci")
    report.check(
        "psci",
        tree.property(psci, "compatible")?.has("arm,psci-0.2") == true
            && tree.property(psci, "method")?.has("smc") == true,
        "by SMC, version \(hex: UInt32(bitPattern: FirmwareCall.version.call()))")
    let cpus = tree.child(tree.root, "cpus")
    let cells = tree.property(cpus, "#address-cells")?.cell(0) ?? 0
    var (count, own, others) = (UInt32(0), false, true)
    var next = cpus.flatMap { tree.firstChild($0) }
    while let node = next {
        let reg = tree.property(node, "reg")
        let affinity = cells == 2 ? reg?.wide(0) ?? .max : UInt64(reg?.cell(0) ?? .max)
        let answer = FirmwareCall.affinityInformation.call(affinity, 0)
        print("processor \(count): affinity \(hex: affinity), \(answer)")
        own = own || affinity == Processor.affinity
        others = others && (answer == 0 || answer == 1)
        others = others && tree.property(node, "enable-method")?.has("psci") == true
        count += 1
        next = tree.sibling(node)
    }
    report.check("processors", count > 0 && own && others, "\(count)")
}

private func checkDevices(_ tree: Tree, _ report: inout Report) {
    let region = CommunicationRegion()
    report.check(
        "hypervisor", tree.property(tree.child(tree.root, "hypervisor"), "compatible")?.has("jailhouse,cell") == true,
        "a cell")
    let controller = tree.child(tree.root, "interrupt-controller")
    let reg = tree.property(controller, "reg")
    let second = UInt(reg?.wide(4) ?? 0)
    let isVersion3 = tree.property(controller, "compatible")?.has("arm,gic-v3") == true
    report.check(
        "interrupt-controller",
        UInt(reg?.wide(0) ?? 0) == region.gicDistributor && isVersion3 == (region.gicVersion == 3)
            && second == (isVersion3 ? region.gicRedistributor : region.gicInterface)
            && tree.property(tree.root, "interrupt-parent")?.cell(0) == tree.property(controller, "phandle")?.cell(0),
        "GICv\(region.gicVersion) at \(hex: reg?.wide(0) ?? 0) and \(hex: second)")
    let timer = tree.child(tree.root, "timer")
    let interrupts = tree.property(timer, "interrupts")
    report.check(
        "timer",
        tree.property(timer, "compatible")?.has("arm,armv8-timer") == true && interrupts?.size == 48
            && interrupts?.cell(7) == 11, "virtual: PPI \(interrupts?.cell(7) ?? 0)")
    let serial = tree.child(tree.root, "serial")
    let clock = tree.child(tree.root, "serial-clock")
    report.check(
        "serial",
        UInt32(truncatingIfNeeded: tree.property(serial, "reg")?.wide(0) ?? 0) == region.console.address
            && tree.property(serial, "interrupts")?.cell(0) == 0
            && tree.property(serial, "clocks")?.cell(0) == tree.property(clock, "phandle")?.cell(0)
            && tree.property(clock, "clock-frequency")?.cell(0) ?? 0 > 0,
        "SPI \(tree.property(serial, "interrupts")?.cell(1) ?? 0), \(tree.property(clock, "clock-frequency")?.cell(0) ?? 0) Hz"
    )
}

private func checkVirtualPCI(_ tree: Tree, _ report: inout Report) {
    let region = CommunicationRegion()
    guard let host = tree.child(tree.root, "pci") else {
        print("no virtual PCI")
        return
    }
    let map = tree.property(host, "interrupt-map")
    report.check(
        "pci",
        tree.property(host, "reg")?.wide(0) == region.mmconfigBase && map?.size == 128
            && map?.cell(6) == region.virtualPCIInterrupt && map?.cell(30) == region.virtualPCIInterrupt + 3
            && tree.property(host, "ranges")?.cell(0) == 0x200_0000,
        "\(hex: tree.property(host, "reg")?.wide(0) ?? 0), SPI \(map?.cell(6) ?? 0) and three more")
}

private func checkChosen(_ tree: Tree, _ memory: Memory, _ report: inout Report) {
    let chosen = tree.child(tree.root, "chosen")
    let arguments = tree.property(chosen, "bootargs")
    var line = Text()
    for index in 0..<(arguments?.size ?? 1) - 1 { line.append(Tree.byte((arguments?.address ?? 0) + index)) }
    report.check("command-line", arguments != nil, "\(arguments?.size ?? 0) bytes")
    print("command line: \(line)")
    guard let start = tree.property(chosen, "linux,initrd-start"), let end = tree.property(chosen, "linux,initrd-end")
    else {
        report.check("initrd", tree.property(chosen, "linux,initrd-start") == nil, "none")
        return
    }
    let (first, size) = (start.wide(0), end.wide(0) &- start.wide(0))
    var sum: UInt32 = 0
    for offset in 0..<UInt(size) { sum = sum &* 31 &+ UInt32(Tree.byte(UInt(first) + offset)) }
    report.check(
        "initrd", memory.has(first, size) && first & 0xfff == 0, "\(size) bytes at \(hex: first), sum \(hex: sum)")
}

@_extern(c, "address_of_entry_state") private func addressOfEntryState() -> UInt
@_extern(c, "size_of_kernel") private func sizeOfKernel() -> UInt64
