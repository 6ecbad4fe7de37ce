// SPDX-License-Identifier: Apache-2.0

/// QEMU's command line for one Arm64 cell.
struct Arm64Arguments: EmulatorCommand {
    var settings: CellMachineSettings
    var cpuCount: Int
    var gicVersion: Int
    /// Where the first processor begins, at EL2.
    var entry: UInt64
    /// Where the monitor's bell is on the PCI bus.
    var bellSlot: UInt32

    let networks: [String] = []
    let doorbellSlot: Int? = nil

    var list: [String] {
        typealias Descriptor = EmulatorDescriptor
        var list = [
            "-nodefaults", "-no-user-config", "-display", "none", "-S",
            "-machine", "virt,virtualization=on,gic-version=\(gicVersion),its=off,memory-backend=ram,usb=off",
            "-accel", "tcg,thread=multi,tb-size=16", "-cpu", "cortex-a57", "-smp", "\(cpuCount)",
            "-m", "\(settings.memorySize >> 20)M",
            "-object",
            "memory-backend-file,id=ram,size=\(settings.memorySize),mem-path=\(settings.memoryFile),share=on",
            "-device", "loader,addr=\(entry),cpu-num=0",
            // a reset restarts the machine, nothing else ends it
            "-action", "reboot=reset,shutdown=pause,panic=pause",
        ]
        list += EmulatorDescriptor.channel("control", Descriptor.control) + ["-mon", "chardev=control,mode=control"]
        list += EmulatorDescriptor.channel("bell", Descriptor.bell)
        list += ["-device", "pci-serial,chardev=bell,addr=\(bellSlot)"]
        list += EmulatorDescriptor.channel("serial", Descriptor.serial) + ["-serial", "chardev:serial"]
        // which memory has changed outside of QEMU: see MemoryChannel
        list += EmulatorDescriptor.channel("memory", Descriptor.memory)
        return list + ["-object", "qtest,id=writes,chardev=memory,log=none"]
    }
}
