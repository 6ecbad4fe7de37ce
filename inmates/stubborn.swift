// SPDX-License-Identifier: Apache-2.0

/// A program that denies the first request to shut down, and approves the next one.
///
/// `denials=N`: how many it denies; 1 if it is not said.

@c(inmate_main) func inmateMain() {
    let region = CommunicationRegion()
    let denials = CommandLine.number("denials") ?? 1
    var denied: UInt32 = 0
    print("stubborn: running")
    while denied < denials {
        switch region.message {
        case .shutdownRequest:
            denied += 1
            print("stubborn: denied request \(denied)")
            region.reply(.denied)
        case .reconfigurationCompleted: region.reply(.received)
        case nil: region.reply(.unknown)
        case .nothing: break
        }
        pause()
    }
    print("PASS stubborn: the next one is approved")
    while true {
        attend()
        pause()
    }
}
