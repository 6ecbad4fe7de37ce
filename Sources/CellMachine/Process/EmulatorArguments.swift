import CellConfiguration

/// QEMU's command line for one cell.
struct EmulatorArguments {
    var settings: CellMachineSettings
    /// The machine's numbers of the cell's CPUs, which are their APICs', too.
    var cpus: [Int]
    /// A file: the firmware, with the place of the monitor in it.
    var firmware: String
    var devices: [SimulatedDevice] = []
    var usesKVM = false

    /// Descriptors that QEMU inherits.
    enum Descriptor {
        static let control = 3
        static let bell = 4
        static let serial = 5
        static let count = 3
    }

    /// The machine's CPU 0 is the boot processor, which no cell has.
    var list: [String] {
        let socketCount = (cpus.max() ?? 0) + 1
        let model = usesKVM ? "host" : "max"
        var list = [
            "-nodefaults", "-no-user-config", "-display", "none", "-S",
            "-machine",
            "q35,memory-backend=ram,max-ram-below-4g=2G,vmport=off,graphics=off,usb=off,sata=off,smbus=off,hpet=off",
            "-accel", usesKVM ? "kvm" : "tcg,thread=multi,tb-size=16", "-cpu", model,
            "-smp", "1,maxcpus=\(socketCount),sockets=\(socketCount),cores=1,threads=1",
            "-m", "\(settings.memorySize >> 20)M",
            "-object",
            "memory-backend-file,id=ram,size=\(settings.memorySize),mem-path=\(settings.memoryFile),share=on",
            "-bios", firmware,
            // a reset of the machine begins anew, nothing else ends it
            "-action", "reboot=reset,shutdown=pause,panic=pause",
        ]
        for cpu in cpus where cpu > 0 {
            list += ["-device", "\(model)-x86_64-cpu,socket-id=\(cpu),core-id=0,thread-id=0"]
        }
        list += channel("control", Descriptor.control) + ["-mon", "chardev=control,mode=control"]
        list += channel("bell", Descriptor.bell) + ["-device", "isa-debugcon,iobase=0xe9,chardev=bell"]
        list += channel("serial", Descriptor.serial) + ["-device", "isa-serial,chardev=serial,iobase=0x3f8,irq=4"]
        return list
    }

    private func channel(_ name: String, _ descriptor: Int) -> [String] {
        ["-chardev", "socket,id=\(name),fd=\(descriptor)"]
    }
}
