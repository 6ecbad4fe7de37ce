// SPDX-License-Identifier: Apache-2.0

/// All the ways in which a cell dies, or should: `mode=NAME` on the command line.
///
/// What the hypervisor does about each stands beside it. Where it does nothing, or does not notice, the program goes
/// on, says `survived`, and ends with the state `shut down`. Without a mode it prints their names.

enum Mode: UInt8, Misdeed {
    // The processor that does one of these is parked, and the hypervisor's console tells why.
    case portRead, portWrite, memoryRead, memoryWrite, memoryFetch, readOnlyWrite, dataFetch
    case registerRead, registerWrite, efer, pagingBits, tripleFault
    case pciWrite, mmconfigWrite, ioapicPin, ioapicIdentifier, apicShorthand, apicDelivery, apicReserved
    case oneProcessor
    // These park it, raise an exception or do nothing, as the processor is and the mode of its APIC.
    case cacheBits, controlBits, extendedControl, apicWindow
    // These it ignores, or refuses.
    case pciRead, mmconfigRead, foreignInterrupt, hypercall, dma
    // These are the program's own affair: an exception that it does not survive.
    case undefinedInstruction, divideError, generalProtection, pageFault, stackOverflow

    var name: StaticString {
        switch self {
        case .portRead: "port-read"
        case .portWrite: "port-write"
        case .memoryRead: "memory-read"
        case .memoryWrite: "memory-write"
        case .memoryFetch: "memory-fetch"
        case .readOnlyWrite: "read-only-write"
        case .dataFetch: "data-fetch"
        case .registerRead: "msr-read"
        case .registerWrite: "msr-write"
        case .tripleFault: "triple-fault"
        case .cacheBits: "cr0-cache"
        case .pagingBits: "cr0-paging"
        case .extendedControl: "xsetbv"
        case .efer: "efer"
        case .pciWrite: "pci-write"
        case .mmconfigWrite: "mmconfig-write"
        case .ioapicPin: "ioapic-pin"
        case .ioapicIdentifier: "ioapic-id"
        case .apicWindow: "apic-window"
        case .apicShorthand: "apic-shorthand"
        case .apicDelivery: "apic-delivery"
        case .apicReserved: "apic-reserved"
        case .oneProcessor: "one-processor"
        case .pciRead: "pci-read"
        case .mmconfigRead: "mmconfig-read"
        case .foreignInterrupt: "foreign-interrupt"
        case .hypercall: "hypercall"
        case .dma: "dma"
        case .undefinedInstruction: "undefined-instruction"
        case .divideError: "overflow"
        case .generalProtection: "general-protection"
        case .pageFault: "page-fault"
        case .stackOverflow: "stack-overflow"
        case .controlBits: "cr4-reserved"
        }
    }
}

/// Addresses that can be given on the command line; by default as in configs/cells/misbehave.toml.
private typealias Place = CommonPlace

extension CommonPlace {
    static var notExecutable: UInt { place("not-executable", 0x21_0000) }
    static var port: UInt16 { UInt16(truncatingIfNeeded: place("port", 0x70)) }
    static var foreignPin: UInt8 { UInt8(truncatingIfNeeded: place("pin", 1)) }
}

@c(inmate_main) func inmateMain() { misbehave(as: Mode.self) }

extension Mode {
    func act() { perform(self) }
}

private func perform(_ mode: Mode) {
    switch mode {
    case .portRead: print("read \(hex: Port.read(Place.port))")
    case .portWrite: Port.write(0, to: Place.port)
    case .memoryRead: print("read \(hex: DeviceMemory(at: Place.outside).read(0))")
    case .memoryWrite: DeviceMemory(at: Place.outside).write(1, at: 0)
    case .memoryFetch: callAddress(Place.outside)
    case .readOnlyWrite: DeviceMemory(at: Place.readOnly).write(1, at: 0)
    case .dataFetch: fetchData()
    case .registerRead: print("read \(hex: ModelSpecificRegister(number: 0x4000_0000).low)")
    case .registerWrite: ModelSpecificRegister(number: 0x200).write(low: 0)
    case .tripleFault:
        Interrupt.forgetTable()
        undefinedInstruction()
    // a cache that is on, but not written through: no processor can do that; on AMD's the hypervisor clears the bit
    case .cacheBits: writeControl0(readControl0() & ~0x4000_0000 | 0x2000_0000)
    // paging without protected mode
    case .pagingBits: writeControl0(readControl0() & ~1)
    // bit 0, the x87 state, must be set
    case .extendedControl:
        writeControl4(readControl4() | 1 << 18)
        writeExtendedControl(0)
    // bits that no processor has
    case .efer: ModelSpecificRegister(number: 0xc000_0080).write(high: .max, low: .max)
    case .pciWrite: PCI.ports.write(0, to: Place.foreignFunction, 4)
    case .mmconfigWrite: PCI.window(through: 0)?.write(0, to: Place.foreignFunction, 4)
    case .ioapicPin: IOAPIC().mask(pin: Place.foreignPin)
    case .ioapicIdentifier: IOAPIC().write(0, at: 0)
    case .apicWindow: print("read \(hex: LocalAPIC(.xAPIC).read(.version))")
    case .apicShorthand: LocalAPIC().send(.nonMaskableToAll, vector: 0x70, to: 0)
    case .apicDelivery: LocalAPIC().send(.systemManagement, to: LocalAPIC().identifier)
    case .apicReserved: LocalAPIC().write(.max, to: .taskPriority)
    case .oneProcessor: loseOneProcessor()
    case .pciRead: print("read \(hex: PCI.ports.read(Place.foreignFunction, 0))")
    case .mmconfigRead: print("read \(hex: PCI.window(through: 0)?.read(Place.foreignFunction, 0) ?? 0)")
    // processor 0 is Linux's
    case .foreignInterrupt: LocalAPIC().send(.fixed, vector: 0x70, to: 0)
    case .hypercall: askTheHypervisor()
    case .dma: readOutsideByDevice()
    case .undefinedInstruction: undefinedInstruction()
    case .divideError: overflow()
    case .generalProtection: loadMissingSegment()
    case .pageFault: print("read \(hex: DeviceMemory(at: stackGuard()).read(0))")
    case .stackOverflow: print("\(consumeStack(0))")
    case .controlBits: writeControl4(readControl4() | 1 << 31)
    }
}

/// One call that is not a cell's, and what a cell may ask.
private func askTheHypervisor() {
    print("result \(Hypercall.disable.call())")
    print("cells \(Hypercall.hypervisorInformation.call(4)), of more \(Hypercall.hypervisorInformation.call(5))")
    print("pages \(Hypercall.hypervisorInformation.call(0)), used \(Hypercall.hypervisorInformation.call(1))")
    print("processor 0 \(Hypercall.processorInformation.call(0)), 99 \(Hypercall.processorInformation.call(99))")
}

/// Puts a return instruction where nothing may be executed, and goes there.
func fetchData() {
    DeviceMemory(at: Place.notExecutable).write8(0xc3, at: 0)
    callAddress(Place.notExecutable)
}

/// The cell goes on with the others, and its state stays `running`.
func loseOneProcessor() {
    guard eventually(within: 10_000, { Processors.ready > 1 }), Processors.start(1, by: LocalAPIC(), lostMain) else {
        return print("misbehave: there is no other processor")
    }
    print("misbehave: the first processor goes on")
    while true {
        attend()
        pause()
    }
}

@c func lostMain() {
    print("misbehave: processor \(LocalAPIC().identifier) reads port \(hex: Place.port)")
    _ = Port.read(Place.port)
}

/// An e1000e is told to send a frame that lies outside the cell. The IOMMU keeps it from reading it; the cell goes on.
func readOutsideByDevice() {
    guard let function = PCI.ports.find(vendor: 0x8086, device: 0x10d3, through: 0) else {
        return print("misbehave: there is no e1000e")
    }
    guard var card = NetworkCard(function) else { return print("misbehave: its registers have no address") }
    guard card.waitForLink(milliseconds: 5_000) else { return print("misbehave: it has no link") }
    let isSent = card.send(from: Place.outside, length: 64)
    let words: StaticString = isSent ? "the device says that it sent it" : "the device did not send it"
    print("misbehave: \(words)")
}

/// Swift's own checks end in an undefined instruction.
func overflow() {
    let number = UInt8(truncatingIfNeeded: Processors.ready) | 0xff
    print("\(number + 1)")
}

/// Each call takes more of the stack than it gives back before the last one returns.
@inline(never) func consumeStack(_ depth: UInt32) -> UInt32 {
    guard depth < .max else { return 0 }
    var text = Text()
    text.append(decimal: UInt(depth))
    return (consumeStack(depth + 1) ^ UInt32(text.count)) &* 3
}

@_extern(c, "undefined_instruction") private func undefinedInstruction()
@_extern(c, "load_missing_segment") private func loadMissingSegment()
@_extern(c, "call_address") private func callAddress(_ address: UInt)
@_extern(c, "control_read0") private func readControl0() -> UInt
@_extern(c, "control_write0") private func writeControl0(_ value: UInt)
@_extern(c, "control_read4") private func readControl4() -> UInt
@_extern(c, "control_write4") private func writeControl4(_ value: UInt)
@_extern(c, "extended_control_write") private func writeExtendedControl(_ value: UInt32)
/// The lowest page of the first stack, which is not mapped.
@_extern(c, "address_of_stacks") private func stackGuard() -> UInt
