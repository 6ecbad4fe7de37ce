// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// QEMU's command line for one x86 cell.
struct EmulatorArguments: EmulatorCommand {
    var settings: CellMachineSettings
    /// The machine's numbers of the cell's CPUs, which are their APICs', too.
    var cpus: [Int]
    /// A file: the firmware, with the place of the monitor in it.
    var firmware: String
    /// Which of the machine's memory for monitors is this cell's; a part of its devices' addresses.
    var slot = 0
    var devices: [SimulatedDevice] = []
    /// Whether the monitor translates the devices' accesses: it waits for the IOMMU, also when no slot is filled.
    var remapsDMA = false
    var usesKVM = false
    /// Whether the monitor rings those of other cells.
    var hasDoorbell = false

    /// Where the device is by which monitors ring each other: nothing of a cell's.
    enum Doorbell {
        static let registers: UInt64 = 0xfe80_0000
        static let vectors: UInt64 = 0xfe80_1000
        static let device: UInt16 = 0x1e
    }

    private typealias Descriptor = EmulatorDescriptor

    var networks: [String] { devices.compactMap(\.network) }
    var doorbellSlot: Int? { hasDoorbell ? slot : nil }

    /// The machine's CPU 0 is the boot processor, which no cell has.
    var list: [String] {
        let socketCount = (cpus.max() ?? 0) + 1
        let model = usesKVM ? "host" : "max"
        // no machine on which the hypervisor runs has page tables of five levels, and its cells' are of four
        let features = usesKVM ? model : model + ",la57=off"
        var list = [
            "-nodefaults", "-no-user-config", "-display", "none", "-S",
            "-machine",
            "q35,memory-backend=ram,max-ram-below-4g=2G,vmport=off,graphics=off,usb=off,sata=off,smbus=off,hpet=off",
            "-accel", usesKVM ? "kvm" : "tcg,thread=multi,tb-size=16", "-cpu", features,
            "-smp", "1,maxcpus=\(socketCount),sockets=\(socketCount),cores=1,threads=1",
            "-m", "\(settings.memorySize >> 20)M",
            "-object",
            "memory-backend-file,id=ram,size=\(settings.memorySize),mem-path=\(settings.memoryFile),share=on",
            "-bios", firmware,
            // a reset restarts the machine, nothing else ends it
            "-action", "reboot=reset,shutdown=pause,panic=pause",
        ]
        for cpu in cpus where cpu > 0 {
            list += ["-device", "\(model)-x86_64-cpu,socket-id=\(cpu),core-id=0,thread-id=0"]
        }
        list += deviceList
        if hasDoorbell { list += doorbellDevice }
        list += channel("control", Descriptor.control) + ["-mon", "chardev=control,mode=control"]
        list += channel("bell", Descriptor.bell) + ["-device", "isa-debugcon,iobase=0xe9,chardev=bell"]
        list += channel("serial", Descriptor.serial) + ["-device", "isa-serial,chardev=serial,iobase=0x3f8,irq=4"]
        // which memory has changed outside of QEMU: see MemoryChannel
        list += channel("memory", Descriptor.memory) + ["-object", "qtest,id=writes,chardev=memory,log=none"]
        return list
    }

    /// The IOMMU must be there before what it translates for.
    private var deviceList: [String] {
        var list = !remapsDMA && devices.isEmpty ? [] : ["-device", "intel-iommu,intremap=off"]
        var networks = 0
        for (index, device) in devices.enumerated() {
            let place = "bus=pcie.0,addr=\(String(device.address.device, radix: 16)).\(device.address.function)"
            var text = "\(device.model),id=device\(index),\(place)"
            if device.network != nil {
                let descriptor = Descriptor.firstNetwork + networks
                networks += 1
                list += ["-netdev", "dgram,id=network\(index),local.type=fd,local.str=\(descriptor)"]
                text +=
                    ",netdev=network\(index),mac=52:54:00:4a:\(twoDigits(index)):\(twoDigits(slot * 16 + index + 1))"
                text += ",romfile="
            }
            list += ["-device", text]
            if device.model.hasSuffix("intel-hda") {
                // a controller without a codec has nothing to say
                list += ["-audiodev", "none,id=sound\(index)"]
                list += ["-device", "hda-output,audiodev=sound\(index),bus=device\(index).0"]
            }
        }
        return list
    }

    /// Its descriptor comes behind those of the networks.
    private var doorbellDevice: [String] {
        let networks = devices.count { $0.network != nil }
        let place = "bus=pcie.0,addr=\(String(Doorbell.device, radix: 16))"
        return channel("doorbell", Descriptor.firstNetwork + networks)
            + ["-device", "ivshmem-doorbell,chardev=doorbell,vectors=1,\(place)"]
    }

    /// Registers and vectors at their places; MSI-X on; memory and mastery of the bus.
    var doorbellPlaces: [ConfigurationWrite] {
        let function = Doorbell.device << 3
        return [
            ConfigurationWrite(function: function, register: 0x10, size: 4, value: UInt32(Doorbell.registers)),
            ConfigurationWrite(function: function, register: 0x14, size: 4, value: UInt32(Doorbell.vectors)),
            ConfigurationWrite(function: function, register: 0x42, size: 2, value: 0x8000),
            ConfigurationWrite(function: function, register: 0x04, size: 2, value: 6),
        ]
    }

    private func twoDigits(_ number: Int) -> String {
        let digits = String(number & 0xff, radix: 16)
        return digits.count < 2 ? "0" + digits : digits
    }

    private func channel(_ name: String, _ descriptor: Int) -> [String] {
        EmulatorDescriptor.channel(name, descriptor)
    }
}
