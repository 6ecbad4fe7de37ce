// SPDX-License-Identifier: Apache-2.0

/// A program that must not be disturbed while it works: it sets the state `running/locked`, in which the hypervisor
/// lets no other cell be created or destroyed, and asks nothing. Afterwards it unlocks, and runs until it is asked to
/// shut down.
///
/// `seconds=N`: how long it works; 3 if it is not said. `denials=N`: until it has denied so many requests instead.

@c(inmate_main) func inmateMain() {
    let region = CommunicationRegion()
    let seconds = CommandLine.number("seconds") ?? 3
    let denials = CommandLine.number("denials")
    region.set(state: .runningLocked)
    if let denials { print("locked: for \(denials) requests") } else { print("locked: for \(seconds) s") }
    var watch = Stopwatch()
    var (passed, denied) = (UInt32(0), UInt32(0))
    while denials.map({ denied < $0 }) ?? (passed < seconds) {
        // load and start of this cell ask all the same
        switch region.message {
        case .shutdownRequest:
            denied += 1
            region.reply(.denied)
        case .reconfigurationCompleted: region.reply(.received)
        case nil: region.reply(.unknown)
        case .nothing: break
        }
        if watch.secondHasPassed() {
            passed += 1
            print("locked: \(passed) s")
        }
        pause()
    }
    print("locked: denied \(denied) requests")
    print("PASS locked: unlocked after \(passed) s")
    region.set(state: .running)
    while true {
        attend()
        pause()
    }
}
