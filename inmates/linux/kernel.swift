// SPDX-License-Identifier: Apache-2.0

/// Stands in for Linux: a bzImage that checks everything that a loader of Linux cells hands over, against the kernel's
/// boot protocol (Documentation/arch/x86/boot.rst) and what its guest support for Jailhouse demands.
struct ZeroPage {
    /// One entry of the memory map.
    struct Entry {
        var start: UInt64
        var size: UInt64
        var type: UInt32
    }

    let address = addressOfZeroPage()

    func byte(_ offset: UInt) -> UInt8 { DeviceMemory(at: address).read8(offset) }
    func half(_ offset: UInt) -> UInt16 { DeviceMemory(at: address).read16(offset) }
    func word(_ offset: UInt) -> UInt32 { DeviceMemory(at: address).read(offset) }
    func long(_ offset: UInt) -> UInt64 { UInt64(word(offset + 4)) << 32 | UInt64(word(offset)) }

    var entries: UInt { UInt(byte(0x1e8)) }
    func entry(_ index: UInt) -> Entry {
        let offset = 0x2d0 + index * 20
        return Entry(start: long(offset), size: long(offset + 8), type: word(offset + 16))
    }

    /// Whether all of the range is RAM by the memory map.
    func isRAM(_ start: UInt64, _ size: UInt64) -> Bool {
        for index in 0..<entries {
            let entry = entry(index)
            if entry.type == 1, start >= entry.start, start + size <= entry.start + entry.size { return true }
        }
        return false
    }

    /// Whether any of the range is RAM by the memory map.
    func touchesRAM(_ start: UInt64, _ size: UInt64) -> Bool {
        for index in 0..<entries {
            let entry = entry(index)
            if entry.type == 1, start < entry.start + entry.size, entry.start < start + size { return true }
        }
        return false
    }

    var commandLine: (address: UInt, length: UInt) {
        let address = UInt(word(0x228))
        var length: UInt = 0
        while length <= 2047, DeviceMemory(at: address).read8(length) != 0 { length += 1 }
        return (address, length)
    }

    /// The communication region is listed as reserved; it is known by its signature.
    var communicationRegion: UInt64? {
        for index in 0..<entries {
            let entry = entry(index)
            guard entry.type == 2 else { continue }
            let memory = DeviceMemory(at: UInt(entry.start))
            if memory.read(0) == 0x4f43_484a, memory.read16(4) == 0x4d4d { return entry.start }
        }
        return nil
    }
}

@c(prepare_kernel) func prepareKernel() {
    guard let region = ZeroPage().communicationRegion else { stop() }
    SharedWord.regionAddress.store(UInt32(truncatingIfNeeded: region))
    let line = ZeroPage().commandLine
    CommandLine.take(from: line.address, line.length)
    Console().prepare()
}

@c(inmate_main) func inmateMain() {
    var report = Report("linux")
    let page = ZeroPage()
    checkEntry(&report)
    checkHeader(page, &report)
    checkMemory(page, &report)
    checkSetupData(page, &report)
    checkCommandLine(page, &report)
    checkInitrd(page, &report)
    Ending.finish(report)
}

private func checkEntry(_ report: inout Report) {
    let state = DeviceMemory(at: addressOfEntryState())
    report.check(
        "segments", state.read(0) == 0x10 && state.read(4) == 0x18, "CS \(hex: state.read(0)), DS \(hex: state.read(4))"
    )
    report.check("interrupts", state.read(8) & 0x200 == 0, "RFLAGS \(hex: state.read(8))")
    let isGuest = Processor.information(1, 2) & 0x8000_0000 != 0
    let signature = Processor.information(0x4000_0000, 1)
    report.check("hypervisor", isGuest && signature == 0x6c69_614a, "CPUID leaf 40000000: \(hex: signature)")  // "Jail"
}

private func checkHeader(_ page: ZeroPage, _ report: inout Report) {
    report.check(
        "signature", page.half(0x1fe) == 0xaa55 && page.word(0x202) == 0x5372_6448, "boot flag \(hex: page.half(0x1fe))"
    )
    report.check("version", page.half(0x206) == 0x020f, "\(hex: page.half(0x206))")
    report.check("loader", page.byte(0x210) == 0xff, "type \(hex: page.byte(0x210))")
    report.check("loadflags", page.byte(0x211) & 1 == 1, "\(hex: page.byte(0x211))")
    report.check("preferred-address", page.long(0x258) == 0x100_0000, "\(hex: page.long(0x258))")
    report.check(
        "no-firmware", page.word(0x70) == 0 && page.word(0x74) == 0 && page.word(0x1c0) == 0, "no ACPI, no EFI")
    report.check("zero-page-in-ram", page.isRAM(UInt64(page.address), 0x1000), "\(hex: page.address)")
}

private func checkMemory(_ page: ZeroPage, _ report: inout Report) {
    var previousEnd: UInt64 = 0
    var isOrdered = true
    var total: UInt64 = 0
    for index in 0..<page.entries {
        let entry = page.entry(index)
        print("memory \(hex: entry.start)–\(hex: entry.start + entry.size - 1) type \(entry.type)")
        if entry.type == 1 { total += entry.size }
        isOrdered = isOrdered && entry.start >= previousEnd
        previousEnd = entry.start + entry.size
    }
    report.check("memory-map", page.entries >= 2 && isOrdered, "\(page.entries) entries, \(total >> 10) KiB of RAM")
    report.check("kernel-in-ram", page.isRAM(0x100_0000, UInt64(page.word(0x260))), "\(page.word(0x260)) bytes")
    // what Linux takes for RAM it overwrites: the processors that wait for INIT would execute it
    let region = page.communicationRegion ?? 0
    report.check("region-reserved", region != 0 && !page.touchesRAM(region, 0x1000), "\(hex: region)")
}

private func checkSetupData(_ page: ZeroPage, _ report: inout Report) {
    let node = UInt(page.long(0x250))
    let memory = DeviceMemory(at: node)
    let region = CommunicationRegion()
    report.check(
        "setup-data", page.isRAM(UInt64(node), 300) && memory.read(8) == 6, "\(hex: node), type \(memory.read(8))")
    report.check("setup-length", memory.read(0) == 0 && memory.read(12) == 284, "\(memory.read(12)) bytes")
    report.check(
        "setup-version", memory.read16(16) == 2 && memory.read16(18) == 1,
        "\(memory.read16(16)), compatible with \(memory.read16(18))")
    report.check("pm-timer", memory.read16(20) == region.pmTimerPort, "port \(hex: memory.read16(20))")
    report.check("tsc", memory.read(32) == region.tscKHz, "\(memory.read(32)) kHz")
    report.check("apic-timer", memory.read(36) == region.apicTimerKHz, "\(memory.read(36)) kHz")
    let window = UInt64(memory.read(28)) << 32 | UInt64(memory.read(24))
    report.check("mmconfig", window == region.mmconfigBase, "\(hex: window)")
    print("flags \(hex: memory.read(296)), standard IOAPIC \(memory.read8(40))")
    if memory.read8(40) == 1 {
        // the registers by which Linux sees whether there is one: identity, version, arbitration
        let ioapic = IOAPIC()
        let values = (ioapic.read(0), ioapic.read(1), ioapic.read(2))
        report.check("ioapic", values.1 & 0xff == 0x11 || values.1 & 0xff == 0x20, "version \(hex: values.1)")
    }
    let count = UInt(memory.read16(22))
    var isDistinct = true
    var hasOwn = false
    for index in 0..<count {
        let identifier = memory.read8(41 + index)
        print("processor \(index): APIC id \(identifier)")
        hasOwn = hasOwn || UInt32(identifier) == Processor.identifier
        for other in 0..<index where memory.read8(41 + other) == identifier { isDistinct = false }
    }
    report.check(
        "processors",
        count == UInt(region.processors) && isDistinct && hasOwn && UInt32(memory.read8(41)) == Processor.identifier,
        "\(count)")
}

private func checkCommandLine(_ page: ZeroPage, _ report: inout Report) {
    let (address, length) = page.commandLine
    var line = Text()
    for offset in 0..<length { line.append(DeviceMemory(at: address).read8(offset)) }
    report.check("command-line", page.isRAM(UInt64(address), UInt64(length + 1)) && length <= 2047, "\(length) bytes")
    print("command line: \(line)")
}

private func checkInitrd(_ page: ZeroPage, _ report: inout Report) {
    let (start, size) = (page.word(0x218), page.word(0x21c))
    guard size > 0 else {
        report.check("initrd", start == 0, "none")
        return
    }
    var sum: UInt32 = 0
    for offset in 0..<UInt(size) { sum = sum &* 31 &+ UInt32(DeviceMemory(at: UInt(start)).read8(offset)) }
    let isFree = UInt64(start) + UInt64(size) <= 0x100_0000 || start >= 0x100_0000 + page.word(0x260)
    report.check(
        "initrd",
        page.isRAM(UInt64(start), UInt64(size)) && start & 0xfff == 0 && isFree && start + size <= 0x7fff_ffff,
        "\(size) bytes at \(hex: start), sum \(hex: sum)")
}

@_extern(c, "address_of_zero_page") private func addressOfZeroPage() -> UInt
@_extern(c, "address_of_entry_state") private func addressOfEntryState() -> UInt
