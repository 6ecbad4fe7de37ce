// SPDX-License-Identifier: Apache-2.0

/// All the ways in which an Arm64 cell dies, or should: `mode=NAME` on the command line.
///
/// What the hypervisor does about each stands beside it. Where it does nothing, or does not notice, the program goes
/// on, says `survived`, and ends with the state `shut down`. Without a mode it prints their names.

enum Mode: UInt8 {
    // The processor that does one of these is parked, and the hypervisor's console tells why.
    case memoryRead, memoryWrite, memoryFetch, readOnlyWrite, pairRead, exclusiveRead
    case hypercallNumber, secureOwner, secureArchitecture, controlRegister, softwareInterrupt, foreignRoute
    // These it ignores, or refuses.
    case hypercall, systemOff, systemReset, foreignInterrupt
    // These are the program's own affair: an exception that it does not survive.
    case undefinedInstruction, overflow, beyondAddresses
    // These only the communication region shows, or nothing.
    case failed, unknownState, interfaceMismatch, shutDown, hang, halt, processorOff, suspend, printForever
    case ignoreRequests

    var name: StaticString {
        switch self {
        case .memoryRead: "memory-read"
        case .memoryWrite: "memory-write"
        case .memoryFetch: "memory-fetch"
        case .readOnlyWrite: "read-only-write"
        case .pairRead: "pair-read"
        case .exclusiveRead: "exclusive-read"
        case .hypercallNumber: "hvc-number"
        case .secureOwner: "smc-owner"
        case .secureArchitecture: "smc-arch"
        case .controlRegister: "actlr"
        case .softwareInterrupt: "sgi0r"
        case .foreignRoute: "foreign-route"
        case .hypercall: "hypercall"
        case .systemOff: "system-off"
        case .systemReset: "system-reset"
        case .foreignInterrupt: "foreign-interrupt"
        case .undefinedInstruction: "undefined-instruction"
        case .overflow: "overflow"
        case .beyondAddresses: "beyond-addresses"
        case .failed: "failed"
        case .unknownState: "unknown-state"
        case .interfaceMismatch: "abi-mismatch"
        case .shutDown: "shut-down"
        case .hang: "hang"
        case .halt: "halt"
        case .processorOff: "cpu-off"
        case .suspend: "cpu-suspend"
        case .printForever: "print"
        case .ignoreRequests: "ignore"
        }
    }
}

/// Addresses and numbers that can be given on the command line.
enum Place {
    static var outside: UInt { place("outside", 0x2000_0000) }
    static var readOnly: UInt { place("read-only", 0x20_0000) }
    static var own: Interrupt { Interrupt(number: CommandLine.number("interrupt") ?? 33) }
    static var foreign: Interrupt { Interrupt(number: CommandLine.number("foreign") ?? 34) }

    private static func place(_ key: StaticString, _ other: UInt) -> UInt {
        CommandLine.number(key).map(UInt.init) ?? other
    }
}

@c(inmate_main) func inmateMain() {
    var raw: UInt8 = 0
    while let mode = Mode(rawValue: raw) {
        if CommandLine.says("mode", mode.name) {
            print("misbehave: \(mode.name)")
            act(mode)
            print("misbehave: survived")
            CommunicationRegion().set(state: .shutDown)
            return
        }
        raw += 1
    }
    raw = 0
    while let mode = Mode(rawValue: raw) {
        print("mode=\(mode.name)")
        raw += 1
    }
    print("misbehave: no such mode; \(raw) are known")
    CommunicationRegion().set(state: .failed)
}

func act(_ mode: Mode) {
    let region = CommunicationRegion()
    switch mode {
    case .memoryRead: print("read \(hex: DeviceMemory(at: Place.outside).read(0))")
    case .memoryWrite: DeviceMemory(at: Place.outside).write(1, at: 0)
    case .memoryFetch: callAddress(Place.outside)
    case .readOnlyWrite: DeviceMemory(at: Place.readOnly).write(1, at: 0)
    case .pairRead: readPair(Place.outside)
    case .exclusiveRead: SharedWord.at(Place.outside).add(1)
    case .hypercallNumber: foreignHypercall()
    // a service that nobody offers, such as a trusted system's
    case .secureOwner: print("result \(secureCall(0xb200_ff01, 0, 0, 0))")
    case .secureArchitecture: print("result \(secureCall(0x8000_0002, 0, 0, 0))")
    case .controlRegister: print("read \(readAuxiliaryControl())")
    case .softwareInterrupt: writeGroup0SoftwareInterrupt(1)
    case .foreignRoute: routeElsewhere()
    case .hypercall: print("result \(Hypercall.disable.call())")
    case .systemOff: print("result \(FirmwareCall.systemOff.call())")
    case .systemReset: print("result \(FirmwareCall.systemReset.call())")
    case .foreignInterrupt:
        InterruptController().enable(Place.foreign)
        let isEnabled: StaticString = InterruptController().isEnabled(Place.foreign) ? "enabled" : "ignored"
        print("interrupt \(Place.foreign.number): \(isEnabled)")
    case .undefinedInstruction: undefinedInstruction()
    case .overflow: overflow()
    case .beyondAddresses: print("read \(hex: DeviceMemory(at: 0x40_0000_0000_0000).read(0))")
    case .failed:
        region.set(state: .failed)
        stop()
    case .unknownState:
        region.set(rawState: 0x1234)
        stop()
    case .interfaceMismatch:
        region.set(state: .interfaceMismatch)
        stop()
    case .shutDown:
        region.set(state: .shutDown)
        stop()
    case .hang: while true { pause() }
    case .halt: stop()
    case .processorOff: FirmwareCall.off.call()
    case .suspend: FirmwareCall.suspend.call()
    case .printForever: printForever()
    case .ignoreRequests: ignoreRequests()
    }
}

/// To a processor that no cell has.
func routeElsewhere() {
    let controller = InterruptController()
    controller.route(Place.own, to: controller.version == 3 ? 0xff_0000 : 0xff)
}

/// Swift's own checks end in an undefined instruction.
func overflow() {
    let number = UInt8(truncatingIfNeeded: Processor.affinity) | 0xff
    print("\(number + 1)")
}

func printForever() {
    var line: UInt32 = 0
    while true {
        print("misbehave: line \(line)")
        line &+= 1
    }
}

/// It works, but answers nothing.
func ignoreRequests() {
    var watch = Stopwatch()
    var seconds: UInt32 = 0
    while true {
        if watch.secondHasPassed() {
            seconds += 1
            print("misbehave: \(seconds) s")
        }
        pause()
    }
}

@_extern(c, "undefined_instruction") private func undefinedInstruction()
@_extern(c, "call_address") private func callAddress(_ address: UInt)
@_extern(c, "read_pair") private func readPair(_ address: UInt)
@_extern(c, "foreign_hypercall") private func foreignHypercall()
@_extern(c, "read_auxiliary_control") private func readAuxiliaryControl() -> UInt64
@_extern(c, "write_group0_software_interrupt") private func writeGroup0SoftwareInterrupt(_ value: UInt64)
