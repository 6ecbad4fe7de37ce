// SPDX-License-Identifier: Apache-2.0

/// The PCI bus as a cell sees it: its devices are found by ports and by the window in memory, their base addresses are
/// read and sized, and one of them announces an interrupt by a message.
///
/// `last-bus=N`: how far the bus is scanned; bus 0 alone if it is not said. The message comes from the first e1000e or
/// Intel HD Audio controller; the cell needs its memory.

@c(inmate_main) func inmateMain() {
    var report = Report("pci")
    let lastBus = UInt8(truncatingIfNeeded: CommandLine.number("last-bus") ?? 0)
    compareAccesses(lastBus, &report)
    baseAddresses(lastBus, &report)
    message(lastBus, &report)
    report.finish()
}

/// Whether each function's header is the same by both ways.
func compareAccesses(_ lastBus: UInt8, _ report: inout Report) {
    var (count, next) = (UInt32(0), UInt32(0))
    while let function = PCI.ports.function(from: next, through: lastBus) {
        print(
            "\(function.name) \(hex: function.vendor, digits: 4):\(hex: function.device, digits: 4) class \(hex: function.classCode, digits: 4)"
        )
        next = UInt32(function.number) + 1
        count += 1
    }
    report.check("scan", count > 0, "\(count) functions by ports")
    guard let window = PCI.window(through: lastBus) else {
        return report.skip("mmconfig", "the machine has no such window, or not where this program reaches")
    }
    var (differences, number) = (UInt32(0), UInt32(0))
    while number <= UInt32(lastBus) << 8 | 0xff {
        let function = PCIFunction(number: UInt16(number))
        let isThere = PCI.ports.read(function, 0) & 0xffff != 0xffff
        // of one that is not there, the identifiers are enough
        for register in stride(from: UInt16(0), to: isThere ? 0x40 : 4, by: 4)
        where PCI.ports.read(function, register) != window.read(function, register) { differences += 1 }
        number += 1
    }
    let base = CommunicationRegion().mmconfigBase
    report.check("mmconfig", differences == 0, "\(differences) differences to ports, window at \(hex: base)")
}

func baseAddresses(_ lastBus: UInt8, _ report: inout Report) {
    var (count, wrong, next) = (UInt32(0), UInt32(0), UInt32(0))
    while let function = PCI.ports.function(from: next, through: lastBus) {
        next = UInt32(function.number) + 1
        var index: UInt8 = 0
        while index < function.baseAddresses {
            defer { index += 1 }
            let before = PCI.ports.read(function, 0x10 + UInt16(index) * 4)
            guard let bar = function.baseAddress(index) else { continue }
            let kind: StaticString = bar.isPort ? "ports" : "memory"
            print(
                "\(function.name) BAR \(index): \(kind) at \(hex: UInt32(truncatingIfNeeded: bar.address)), \(UInt32(truncatingIfNeeded: bar.size)) bytes"
            )
            count += 1
            // a power of two, the address a multiple of it, and nothing changed by looking
            if bar.size & (bar.size &- 1) != 0 || bar.address & (bar.size &- 1) != 0
                || PCI.ports.read(function, 0x10 + UInt16(index) * 4) != before
            {
                wrong += 1
            }
            if bar.is64Bit { index += 1 }
        }
    }
    guard count > 0 else { return report.skip("bars", "no function has one") }
    report.check("bars", wrong == 0, "\(count) read and sized, \(wrong) wrong")
}

/// A device is made to announce an interrupt.
func message(_ lastBus: UInt8, _ report: inout Report) {
    let interrupt = Interrupt(vector: 0x60)
    let processor = LocalAPIC().identifier
    var next: UInt32 = 0
    while let function = PCI.ports.function(from: next, through: lastBus) {
        next = UInt32(function.number) + 1
        let isNetwork = function.vendor == 0x8086 && function.classCode == 0x0200
        let isAudio = function.vendor == 0x8086 && function.classCode == 0x0403
        guard isNetwork || isAudio, let bar = function.baseAddress(0), bar.address != 0,
            let address = AddressSpace.map(bar.address, bar.size, isCached: false)
        else { continue }
        let before = function.command
        function.set(command: 6)  // memory, mastery of the bus
        guard function.enableMSI(interrupt, processor: processor) else { continue }
        let registers = DeviceMemory(at: address)
        let count = interrupt.arrivals
        if isNetwork { makeNetworkInterrupt(registers) } else { makeAudioInterrupt(registers) }
        let came = interrupt.arrives(within: 10_000, after: count)
        if isNetwork { registers.write(.max, at: 0xd8) } else { registers.write(0, at: 0x20) }
        function.disableMSI()
        function.set(command: before)
        return report.check("msi", came, "from \(function.name)")
    }
    report.skip("msi", "no device that this program knows")
}

/// An e1000e announces what it is told to: a link change.
func makeNetworkInterrupt(_ registers: DeviceMemory) {
    registers.write(.max, at: 0xd8)  // mask all
    _ = registers.read(0xc0)  // causes until now
    registers.write(1 << 2, at: 0xd0)  // let this one through
    registers.write(1 << 2, at: 0xc8)  // and set it
}

/// An Intel HD Audio controller announces the codecs that it finds when it leaves its reset.
func makeAudioInterrupt(_ registers: DeviceMemory) {
    registers.write(0, at: 0x08)
    _ = eventually(within: 100) { registers.read(0x08) & 1 == 0 }
    registers.write16(0x7fff, at: 0x0c)  // changes of state wake it
    registers.write(0xc000_0000, at: 0x20)  // interrupts: all, of the controller
    registers.write(1, at: 0x08)
    _ = eventually(within: 100) { registers.read(0x08) & 1 == 1 }
    registers.write16(0x7fff, at: 0x0c)
}
