// SPDX-License-Identifier: Apache-2.0

/// Stands in for an RTEMS application: linked as one, it prints on COM1, counts seconds, and answers the hypervisor.

@c(inmate_main) func inmateMain(_ loader: UInt32) {
    let console = SerialPort(base: 0x3f8)
    let region = CommunicationRegion()

    console.print(loader == 0x2bad_b002 ? "rtems: entered by a boot loader\n" : "rtems: entered as a cell\n")
    guard region.isPresent else {
        console.print("rtems: no communication region at ")
        console.print(hexadecimal: region.address)
        console.print("\n")
        return
    }
    guard region.revision == 2 else {
        console.print("rtems: the communication region has revision ")
        console.print(region.revision)
        console.print("\n")
        region.set(state: .interfaceMismatch)
        return
    }
    guard Scratch.isClean else {
        console.print("rtems: memory that should be zero is not\n")
        region.set(state: .failed)
        return
    }
    console.print("rtems: communication region at ")
    console.print(hexadecimal: region.address)
    console.print(", PM timer at port ")
    console.print(hexadecimal: UInt32(region.pmTimerPort))
    console.print("\n")
    region.set(state: .running)
    run(console, region)
}

/// Until the hypervisor asks for the end. It stops the processor as soon as it is answered: print first.
func run(_ console: SerialPort, _ region: CommunicationRegion) {
    var timer = PMTimer(port: region.pmTimerPort)
    var seconds: UInt32 = 0
    while true {
        switch region.message {
        case .shutdownRequest:
            console.print("rtems: shutting down\n")
            region.reply(.approved)
            region.set(state: .shutDown)
            return
        case .reconfigurationCompleted: region.reply(.received)
        case nil: region.reply(.unknown)
        case .nothing: break
        }
        if timer.secondHasPassed() {
            seconds += 1
            Scratch.store(seconds, at: seconds)
            console.print("rtems: ")
            console.print(seconds)
            console.print(" s\n")
        }
        pause()
    }
}
