// SPDX-License-Identifier: Apache-2.0

/// The least that a program for an Arm64 cell is: it says hello, and answers until it is asked to shut down.

@c(inmate_main) func inmateMain() {
    let region = CommunicationRegion()
    print("hello: from processor \(hex: Processor.affinity), GICv\(region.gicVersion)")
    while true {
        attend()
        pause()
    }
}
