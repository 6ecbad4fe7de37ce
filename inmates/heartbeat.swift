// SPDX-License-Identifier: Apache-2.0

/// Two cells, or more, with an ivshmem link between them: each counts beats in its own section of the shared memory,
/// and rings the others at each.
///
/// `beats=N`: how many of each other end must be seen; 10 if it is not said. `forever`: goes on until it is asked to
/// shut down. `registers=0xf0000000` (Arm64: 0xff000000): where the device's registers appear. `last-bus=N`: how far the
/// bus is scanned.

let beat: UInt32 = 100  // in milliseconds
/// In an end's own section: how often it beat, and whether it has seen enough of the others.
let beatsPlace: UInt = 0
let contentPlace: UInt = 4

@c(inmate_main) func inmateMain() {
    var report = Report("heartbeat")
    let lastBus = UInt8(truncatingIfNeeded: CommandLine.number("last-bus") ?? 0)
    let address = CommandLine.number("registers") ?? SharedMemoryDevice.usualPlace
    let found = PCI.bus.find(
        vendor: SharedMemoryDevice.vendor, device: SharedMemoryDevice.device, through: lastBus)
    guard let function = found,
        let link = SharedMemoryDevice(function, registersAt: address, SharedMemoryDevice.doorbell(of: function))
    else {
        report.check("device", false, "no ivshmem device of version 2")
        report.finish()
    }
    report.check("device", true, "\(function.name), this is end \(link.identifier) of \(link.peers)")
    run(link, SharedMemoryDevice.doorbell(of: function), &report)
    link.set(state: 0)
    report.finish()
}

func run(_ link: SharedMemoryDevice, _ doorbell: Interrupt, _ report: inout Report) {
    let wanted = CommandLine.number("beats") ?? 10
    let own = link.output(of: link.identifier)
    own.write(0, at: beatsPlace)  // shared memory keeps what an earlier run left
    own.write(0, at: contentPlace)
    let firstRing = doorbell.arrivals
    link.set(state: 1)
    // of the others; they may have left, content, when this is reported
    var (beats, seen) = (UInt32(0), UInt32(0))
    var sinceBeat = Stopwatch()
    let isForever = CommandLine.has("forever")
    let isContent = eventually(within: isForever ? nil : 60_000) {
        enableInterrupts()
        if sinceBeat.milliseconds() >= beat {
            sinceBeat = Stopwatch()
            beats += 1
            own.write(beats, at: beatsPlace)
            seen = max(seen, fewestBeats(link))
            // rings that come fast are one interrupt
            let isRung = !link.hasInterrupt || doorbell.arrivals &- firstRing >= wanted
            if seen >= wanted && isRung { own.write(1, at: contentPlace) }
            if beats % 10 == 0 { print("heartbeat: \(beats), the others at least \(seen)") }
            for peer in 0..<link.peers where peer != link.identifier { link.ring(peer) }
        }
        disableInterrupts()
        return !isForever && own.read(contentPlace) == 1 && areContent(link)
    }
    report.check("beats", seen >= wanted, "\(seen) of the others, \(wanted) were wanted")
    report.check("agreement", isContent, "all have seen enough")
    let rings = doorbell.arrivals &- firstRing
    if link.hasInterrupt {
        report.check("doorbell", rings >= wanted, "\(rings) rings")
    } else {
        report.skip("doorbell", "the device has no MSI-X")
    }
}

/// Of the others that are there; 0 while one is not.
func fewestBeats(_ link: SharedMemoryDevice) -> UInt32 {
    var fewest: UInt32 = .max
    for peer in 0..<link.peers where peer != link.identifier {
        fewest = min(fewest, link.state(of: peer) == 0 ? 0 : link.output(of: peer).read(beatsPlace))
    }
    return fewest
}

/// Whether the others have seen enough, or have gone because of it.
func areContent(_ link: SharedMemoryDevice) -> Bool {
    for peer in 0..<link.peers where peer != link.identifier && link.output(of: peer).read(contentPlace) == 0 {
        return false
    }
    return true
}
