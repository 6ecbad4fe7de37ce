// SPDX-License-Identifier: Apache-2.0

/// The command line and the communication region, before anything else.
func prepareRegion() {
    CommandLine.take()
    if let address = CommandLine.number("region") { SharedWord.regionAddress.store(address) }
    let region = CommunicationRegion()
    // without one there is nowhere to say it
    guard region.isPresent else { stop() }
    guard region.revision == 2 else {
        region.set(state: .interfaceMismatch)
        stop()
    }
}

/// Called when the program returned.
@c(runtime_finish) func runtimeFinish() {
    CommunicationRegion().set(state: .shutDown)
}

/// Answers what the hypervisor asks; to be called wherever a program waits. A request to shut down ends it here.
func attend() {
    let region = CommunicationRegion()
    switch region.message {
    case .shutdownRequest:
        print("asked to shut down")  // the processor is stopped as soon as the answer stands there
        region.reply(.approved)
        region.set(state: .shutDown)
        stop()
    case .reconfigurationCompleted: region.reply(.received)
    case nil: region.reply(.unknown)
    case .nothing: break
    }
}

/// Waits, and answers meanwhile, until something is so.
///
/// - Parameter milliseconds: a quarter of an hour at most; nil: for ever.
/// - Returns: whether it was so in time.
func eventually(within milliseconds: UInt32?, _ condition: () -> Bool) -> Bool {
    var watch = Stopwatch()
    while !condition() {
        if let milliseconds, watch.milliseconds() >= milliseconds { return false }
        attend()
        pause()
    }
    return true
}

/// What a self-checking program found: a line each, and a state at the end that tells the whole.
struct Report {
    let program: StaticString
    private var passed: UInt32 = 0
    private var failed: UInt32 = 0
    private var skipped: UInt32 = 0

    init(_ program: StaticString) {
        self.program = program
        #if arch(arm64) || arch(x86_64)
            let width: StaticString = "64-bit"
        #else
            let width: StaticString = "32-bit"
        #endif
        print("\(program): \(width), communication region at \(hex: CommunicationRegion().address, digits: 8)")
    }

    mutating func check(_ name: StaticString, _ holds: Bool, _ found: Text) {
        if holds {
            passed += 1
            print("PASS \(name): \(found)")
        } else {
            failed += 1
            print("FAIL \(name): \(found)")
        }
        attend()
    }

    /// What cannot be tried here.
    mutating func skip(_ name: StaticString, _ why: Text) {
        skipped += 1
        print("SKIP \(name): \(why)")
    }

    func summarize() { print("\(program): \(passed) passed, \(failed) failed, \(skipped) skipped") }

    /// The last line, then the state: `shut down` when nothing failed.
    func finish() -> Never {
        summarize()
        CommunicationRegion().set(state: failed == 0 && passed > 0 ? .shutDown : .failed)
        stop()
    }
}
