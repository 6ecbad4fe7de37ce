// SPDX-License-Identifier: Apache-2.0

/// All the ways in which an Arm64 cell dies, or should: `mode=NAME` on the command line; those that are no processor's are
/// in runtime/Misbehaviour.swift.
///
/// What the hypervisor does about each stands beside it. Where it does nothing, or does not notice, the program goes
/// on, says `survived`, and ends with the state `shut down`. Without a mode it prints their names.

enum Mode: UInt8, Misdeed {
    // The processor that does one of these is parked, and the hypervisor's console tells why.
    case memoryRead, memoryWrite, memoryFetch, readOnlyWrite, userWrite, stackOutside, halfLine
    // Accesses of which the processor does not say enough: as if they were of one byte.
    case pairRead, pairWrite, indexedRead, exclusiveRead, blockZero
    case partWrite, partWidth, partBehind, partAcross
    case hypercallNumber, secureOwner, secureArchitecture, secureWorkaround, secureMitigation, secureZero
    case controlRegister, controlRegisterWrite, softwareInterrupt, aliasSoftwareInterrupt
    case foreignRoute, anyRoute, foreignFrame
    case mmconfigWrite, mmconfigWide, protectedRegister, beyondRegisters, vectorTable, foreignMessage
    // One of several processors.
    case oneProcessor, firstProcessor, allProcessors, startNowhere
    // These it ignores, or refuses.
    case hypercall, systemOff, systemReset, secureImmediate, foreignInterrupt, mmconfigRead, partRead, regionEnd
    // These are the program's own affair: an exception that it does not survive.
    case undefinedInstruction, overflow, beyondAddresses, userHypercall, hypervisorRegister, floatingPoint, deviceFetch
    // Nothing shows these: the state stays `running`, and no counter grows.
    case processorOff, suspend, noVectors, noStack

    var name: StaticString {
        switch self {
        case .memoryRead: "memory-read"
        case .memoryWrite: "memory-write"
        case .memoryFetch: "memory-fetch"
        case .readOnlyWrite: "read-only-write"
        case .userWrite: "user-write"
        case .stackOutside: "stack-outside"
        case .halfLine: "half-line"
        case .pairRead: "pair-read"
        case .pairWrite: "pair-write"
        case .indexedRead: "indexed-read"
        case .exclusiveRead: "exclusive-read"
        case .blockZero: "block-zero"
        case .partWrite: "part-write"
        case .partWidth: "part-width"
        case .partBehind: "part-behind"
        case .partAcross: "part-across"
        case .hypercallNumber: "hvc-number"
        case .secureOwner: "smc-owner"
        case .secureArchitecture: "smc-arch"
        case .secureWorkaround: "smc-workaround"
        case .secureMitigation: "smc-mitigation"
        case .secureZero: "smc-zero"
        case .controlRegister: "actlr"
        case .controlRegisterWrite: "actlr-write"
        case .softwareInterrupt: "sgi0r"
        case .aliasSoftwareInterrupt: "asgi1r"
        case .foreignRoute: "foreign-route"
        case .anyRoute: "any-route"
        case .foreignFrame: "foreign-frame"
        case .mmconfigWrite: "mmconfig-write"
        case .mmconfigWide: "mmconfig-wide"
        case .protectedRegister: "pci-protected"
        case .beyondRegisters: "pci-beyond"
        case .vectorTable: "vector-table"
        case .foreignMessage: "foreign-message"
        case .oneProcessor: "one-processor"
        case .firstProcessor: "first-processor"
        case .allProcessors: "all-processors"
        case .startNowhere: "start-nowhere"
        case .hypercall: "hypercall"
        case .systemOff: "system-off"
        case .systemReset: "system-reset"
        case .secureImmediate: "smc-immediate"
        case .foreignInterrupt: "foreign-interrupt"
        case .mmconfigRead: "mmconfig-read"
        case .partRead: "part-read"
        case .regionEnd: "region-end"
        case .undefinedInstruction: "undefined-instruction"
        case .overflow: "overflow"
        case .beyondAddresses: "beyond-addresses"
        case .userHypercall: "user-hvc"
        case .hypervisorRegister: "el2-register"
        case .floatingPoint: "floating-point"
        case .deviceFetch: "device-fetch"
        case .processorOff: "cpu-off"
        case .suspend: "cpu-suspend"
        case .noVectors: "no-vectors"
        case .noStack: "no-stack"
        }
    }

    func act() { perform(self) }
}

private func perform(_ mode: Mode) {
    switch mode {
    case .memoryRead: readOutside()
    case .memoryWrite: writeOutside()
    case .memoryFetch: callAddress(Place.outside)
    case .readOnlyWrite: DeviceMemory(at: Place.readOnly).write(1, at: 0)
    case .userWrite: userWrite(Place.outside)
    case .stackOutside: pushBelow(Place.outside)
    case .halfLine: printHalfALine()
    case .pairRead: readPair(Place.outside)
    case .pairWrite: writePair(Place.outside)
    case .indexedRead: readIndexed(Place.outside)
    case .exclusiveRead: SharedWord.at(Place.outside).add(1)
    case .blockZero: zeroBlock(Place.outside)
    case .partWrite: DeviceMemory(at: Place.part).write(1, at: 4)
    case .partWidth: print("read \(DeviceMemory(at: Place.part).read8(4))")
    case .partBehind: print("read \(DeviceMemory(at: Place.part).read(Place.partSize))")
    case .partAcross: print("read \(DeviceMemory(at: Place.part).read64(Place.partSize - 4))")
    case .hypercallNumber: foreignHypercall()
    // a service that nobody offers, such as a trusted system's
    case .secureOwner: print("result \(secureCall(0xb200_ff01, 0, 0, 0))")
    case .secureArchitecture: print("result \(secureCall(0x8000_0002, 0, 0, 0))")
    case .secureWorkaround: print("result \(secureCall(0x8000_7fff, 0, 0, 0))")
    // of processors that need it
    case .secureMitigation: print("result \(secureCall(0x8000_8000, 0, 0, 0))")
    case .secureZero: print("result \(secureCall(0, 0, 0, 0))")
    case .controlRegister: print("read \(readAuxiliaryControl())")
    case .controlRegisterWrite: writeAuxiliaryControl(0)
    case .softwareInterrupt: writeGroup0SoftwareInterrupt(1)
    case .aliasSoftwareInterrupt: writeAliasSoftwareInterrupt(1)
    case .foreignRoute: routeElsewhere()
    // to whichever processor is free
    case .anyRoute: InterruptController().route(Place.own, to: Processor.affinity | 1 << 31)
    case .foreignFrame: readForeignFrame()
    case .mmconfigWrite: PCI.bus.write(0, to: CommonPlace.foreignFunction, 4)
    case .mmconfigWide: print("read \(hex: Place.configuration(CommonPlace.foreignFunction).read64(0))")
    case .protectedRegister: withLink { PCI.bus.write(0, to: $0, 8) }
    case .beyondRegisters: withLink { PCI.bus.write(0, to: $0, 0x80) }
    case .vectorTable: withVectors { $0.write8(0, at: 1) }
    case .foreignMessage: withVectors { $0.write(Place.foreign.number, at: 8) }
    case .oneProcessor: loseTheOther()
    case .firstProcessor:
        startTheOther(attendMain)
        writeOutside()
    case .allProcessors:
        startTheOther(lostMain)
        writeOutside()
    case .startNowhere: startNowhere()
    case .hypercall: askTheHypervisor()
    case .systemOff: print("result \(FirmwareCall.systemOff.call())")
    case .systemReset: print("result \(FirmwareCall.systemReset.call())")
    case .secureImmediate: print("result \(hex: UInt32(truncatingIfNeeded: oddSecureCall(0x8400_0000)))")
    case .foreignInterrupt:
        InterruptController().enable(Place.foreign)
        let isEnabled: StaticString = InterruptController().isEnabled(Place.foreign) ? "enabled" : "ignored"
        print("interrupt \(Place.foreign.number): \(isEnabled)")
    case .mmconfigRead: print("read \(hex: PCI.bus.read(CommonPlace.foreignFunction, 0))")
    case .partRead: print("read \(DeviceMemory(at: Place.part).read(4))")
    case .regionEnd: print("read \(CommunicationRegion().lastWord)")
    case .undefinedInstruction: undefinedInstruction()
    case .overflow: overflow()
    case .beyondAddresses: print("read \(hex: DeviceMemory(at: 0x40_0000_0000_0000).read(0))")
    case .userHypercall: userHypercall()
    case .hypervisorRegister: print("read \(hex: readHypervisorConfiguration())")
    // it executes the registers of its serial port
    case .deviceFetch: callAddress(0x0900_0000)
    case .floatingPoint: print("read \(hex: readFloatingPoint())")
    case .processorOff: FirmwareCall.off.call()
    case .suspend: FirmwareCall.suspend.call()
    case .noVectors: forgetVectors()
    case .noStack: pushBelow(0)
    }
}

/// Addresses and numbers that can be given on the command line; by default as in configs/cells/arm64/misbehave.toml.
private typealias Place = CommonPlace

extension CommonPlace {
    static var own: Interrupt { Interrupt(number: CommandLine.number("interrupt") ?? 33) }
    static var foreign: Interrupt { Interrupt(number: CommandLine.number("foreign") ?? 34) }
    /// A region that is less than a page, to be read in words.
    static var part: UInt { place("part", 0x30_0000) }
    static let partSize: UInt = 0x20

    static func configuration(_ function: PCIFunction) -> DeviceMemory {
        DeviceMemory(at: UInt(CommunicationRegion().mmconfigBase) + UInt(function.number) << 12)
    }
}

@c(inmate_main) func inmateMain() { misbehave(as: Mode.self) }

/// `size=N`: 1, 2, 4 or 8 bytes; 4 if it is not said.
func readOutside() {
    let memory = DeviceMemory(at: Place.outside)
    switch CommandLine.number("size") ?? 4 {
    case 1: print("read \(hex: memory.read8(0))")
    case 2: print("read \(hex: memory.read16(0))")
    case 8: print("read \(hex: memory.read64(0))")
    default: print("read \(hex: memory.read(0))")
    }
}

func writeOutside() {
    let memory = DeviceMemory(at: Place.outside)
    switch CommandLine.number("size") ?? 4 {
    case 1: memory.write8(1, at: 0)
    case 2: memory.write16(1, at: 0)
    case 8: memory.write64(1, at: 0)
    default: memory.write(1, at: 0)
    }
}

func printHalfALine() {
    let console = Console()
    let text: StaticString = "half a line"
    text.withUTF8Buffer { for byte in $0 { console.write(byte) } }
    writeOutside()
}

/// To a processor that no cell has.
func routeElsewhere() {
    let controller = InterruptController()
    controller.route(Place.own, to: controller.version == 3 ? 0xff_0000 : 0xff)
}

/// Of the first processor that the machine has not; `processors=N`: how many it has.
func readForeignFrame() {
    let number = UInt(CommandLine.number("processors") ?? 4)
    print("read \(hex: DeviceMemory(at: CommunicationRegion().gicRedistributor + number * 0x2_0000).read64(8))")
}

// MARK: the link

func withLink(_ body: (PCIFunction) -> Void) {
    guard let function = PCI.bus.find(vendor: SharedMemoryDevice.vendor, device: SharedMemoryDevice.device, through: 0)
    else { return print("misbehave: there is no link") }
    body(function)
}

/// Its vectors, of which the first is set up.
func withVectors(_ body: (DeviceMemory) -> Void) {
    withLink { function in
        let place = SharedMemoryDevice.usualPlace
        guard SharedMemoryDevice(function, registersAt: place, Place.own) != nil else {
            return print("misbehave: the link cannot be used")
        }
        body(DeviceMemory(at: UInt(place) + 0x1000))
    }
}

// MARK: several processors

/// The affinity of another processor of the cell; nil when it has but one.
private var other: UInt64? {
    let (own, denied) = (Processor.affinity, Int32(-3))
    for number in UInt64(0)..<16 where number != own & 0xff {
        let affinity = own & ~0xff | number
        if FirmwareCall.affinityInformation.call(affinity, 0) != denied { return affinity }
    }
    return nil
}

func startTheOther(_ program: @convention(c) () -> Void) {
    guard let other, Processors.start(1, affinity: other, program) == 0 else {
        return print("misbehave: there is no other processor")
    }
}

/// The cell goes on with the first, and its state stays `running`.
func loseTheOther() {
    startTheOther(lostMain)
    print("misbehave: the first processor goes on")
    attendForever()
}

func startNowhere() {
    guard let other else { return print("misbehave: there is no other processor") }
    print("result \(FirmwareCall.on.call(other, 0x6000_0000, 0))")
    attendForever()
}

func attendForever() {
    while true {
        attend()
        pause()
    }
}

@c func lostMain() { writeOutside() }
@c func attendMain() { attendForever() }

/// Swift's own checks end in an undefined instruction.
func overflow() {
    let number = UInt8(truncatingIfNeeded: Processor.affinity) | 0xff
    print("\(number + 1)")
}

@_extern(c, "undefined_instruction") private func undefinedInstruction()
@_extern(c, "call_address") private func callAddress(_ address: UInt)
@_extern(c, "user_write") private func userWrite(_ address: UInt)
@_extern(c, "user_hypercall") private func userHypercall()
@_extern(c, "push_below") private func pushBelow(_ address: UInt)
@_extern(c, "read_pair") private func readPair(_ address: UInt)
@_extern(c, "write_pair") private func writePair(_ address: UInt)
@_extern(c, "read_indexed") private func readIndexed(_ address: UInt)
@_extern(c, "zero_block") private func zeroBlock(_ address: UInt)
@_extern(c, "foreign_hypercall") private func foreignHypercall()
@_extern(c, "odd_secure_call") private func oddSecureCall(_ function: UInt64) -> UInt64
@_extern(c, "read_auxiliary_control") private func readAuxiliaryControl() -> UInt64
@_extern(c, "write_auxiliary_control") private func writeAuxiliaryControl(_ value: UInt64)
@_extern(c, "write_group0_software_interrupt") private func writeGroup0SoftwareInterrupt(_ value: UInt64)
@_extern(c, "write_alias_software_interrupt") private func writeAliasSoftwareInterrupt(_ value: UInt64)
@_extern(c, "read_hypervisor_configuration") private func readHypervisorConfiguration() -> UInt64
@_extern(c, "read_floating_point") private func readFloatingPoint() -> UInt64
@_extern(c, "forget_vectors") private func forgetVectors()

/// One call that is not a cell's, and what a cell may ask.
private func askTheHypervisor() {
    print("result \(Hypercall.disable.call())")
    print("cells \(Hypercall.hypervisorInformation.call(4)), of more \(Hypercall.hypervisorInformation.call(5))")
    print("pages \(Hypercall.hypervisorInformation.call(0)), used \(Hypercall.hypervisorInformation.call(1))")
    print("processor 0 \(Hypercall.processorInformation.call(0)), 99 \(Hypercall.processorInformation.call(99))")
    // the sum, the last, and one more
    for statistic in [0, 8, 9] as [UInt32] {
        print("statistic \(statistic): \(Hypercall.processorInformation.call(1, 1000 + statistic))")
    }
}
