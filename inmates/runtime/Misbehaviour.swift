// SPDX-License-Identifier: Apache-2.0

/// A way in which a cell dies, or should: one case each of a program's own list.
protocol Misdeed {
    init?(rawValue: UInt8)
    var name: StaticString { get }
    func act()
}

/// Does what `mode=NAME` says; what survives it says so, and ends with the state `shut down`. Without a mode it prints
/// their names.
func misbehave<Own: Misdeed>(as own: Own.Type) {
    guard let name = CommandLine.value(of: "mode") else { return printModes(own) }
    guard perform(Own.self, name) || perform(CommonMisdeed.self, name) else { return printModes(own) }
    print("misbehave: survived")
    CommunicationRegion().set(state: .shutDown)
}

private func perform<Some: Misdeed>(_ list: Some.Type, _ name: CommandLine.Word) -> Bool {
    var raw: UInt8 = 0
    while let mode = Some(rawValue: raw) {
        if name.count == UInt(mode.name.utf8CodeUnitCount) && name.begins(with: mode.name) {
            print("misbehave: \(mode.name)")
            mode.act()
            return true
        }
        raw += 1
    }
    return false
}

private func printModes<Own: Misdeed>(_ own: Own.Type) {
    let count = printNames(Own.self) + printNames(CommonMisdeed.self)
    print("misbehave: no such mode; \(count) are known")
    CommunicationRegion().set(state: .failed)
}

private func printNames<Some: Misdeed>(_ list: Some.Type) -> UInt32 {
    var raw: UInt8 = 0
    while let mode = Some(rawValue: raw) {
        print("mode=\(mode.name)")
        raw += 1
    }
    return UInt32(raw)
}

/// What needs nothing of the processor: only the communication region shows these, or nothing.
enum CommonMisdeed: UInt8, Misdeed {
    case failed, unknownState, interfaceMismatch, shutDown, hang, halt, printForever, ignoreRequests, mute

    var name: StaticString {
        switch self {
        case .failed: "failed"
        case .unknownState: "unknown-state"
        case .interfaceMismatch: "abi-mismatch"
        case .shutDown: "shut-down"
        case .hang: "hang"
        case .halt: "halt"
        case .printForever: "print"
        case .ignoreRequests: "ignore"
        case .mute: "mute"
        }
    }

    func act() {
        let region = CommunicationRegion()
        switch self {
        case .failed: region.set(state: .failed)
        case .unknownState: region.set(rawState: 0x1234)
        case .interfaceMismatch: region.set(state: .interfaceMismatch)
        case .shutDown: region.set(state: .shutDown)
        case .hang: while true { pause() }
        case .halt: break
        case .printForever: printForever()
        case .ignoreRequests: ignoreRequests()
        case .mute: goMute()
        }
        stop()
    }

    private func printForever() {
        var line: UInt32 = 0
        while true {
            print("misbehave: line \(line)")
            line &+= 1
        }
    }

    /// It works, but answers nothing.
    private func ignoreRequests() {
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

    /// It works, leaves to the hypervisor all the time, answers requests, and says nothing after its third beat.
    private func goMute() {
        var watch = Stopwatch()
        var beats: UInt32 = 0
        while true {
            if beats < 3, watch.secondHasPassed() {
                beats += 1
                print("misbehave: beat \(beats)")
            }
            _ = PCI.bus.read(CommonPlace.foreignFunction, 0)
            attend()
            pause()
        }
    }
}

/// Addresses that can be given on the command line; by default as in the definitions of configs/cells.
enum CommonPlace {
    static var outside: UInt { place("outside", 0x2000_0000) }
    static var readOnly: UInt { place("read-only", 0x20_0000) }
    /// A function of another cell: 00:1f.0.
    static var foreignFunction: PCIFunction { PCIFunction(number: UInt16(truncatingIfNeeded: place("bdf", 0xf8))) }

    static func place(_ key: StaticString, _ other: UInt) -> UInt { CommandLine.number(key).map(UInt.init) ?? other }
}
