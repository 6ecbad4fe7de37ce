// SPDX-License-Identifier: Apache-2.0

import ConfigurationRules
import InmateImage

// MARK: - What Linux in a cell needs

extension ImageRule {
    static let linux = [
        guestSupport, linuxIsPassive, lastBus, linuxSerialPort, linuxConsole, linuxLowMemory, linuxReach, firmwareCalls,
        secureServices, treeInterrupts, treeProcessors, dmaDriver, treeDevices, treeDeviceInterrupts, earlyConsole,
        initrd, loaderMemory,
    ]

    static let guestSupport = RuleText(
        id: "JH0851", severity: .error, title: "a Linux kernel of an x86 cell is built as a guest of Jailhouse",
        consequence:
            "it takes the cell for a PC, and ends with `FATAL: Invalid PIO write, port: 20` or a similar line before it prints "
            + "anything",
        remedy:
            "use a kernel with \(GuestSupport.option)=y (it needs HYPERVISOR_GUEST and PCI), as make guest-kernel builds one"
    )
    static let dmaDriver = RuleText(
        id: "JH0862", severity: .warning, title: "a Linux kernel of an x86 cell leaves the PC's DMA controllers alone",
        consequence: "it ends with `FATAL: Invalid PIO read, port: 87 size: 1` while it boots",
        remedy: "build the kernel with \(GuestSupport.dmaOption) off"
    )
    static let linuxIsPassive = RuleText(
        id: "JH0852", severity: .error, title: "a cell of Linux is passive",
        consequence:
            "Linux reads no messages of the hypervisor: at each stop all of the root cell's Linux is stalled until the message "
            + "times out, and the cell ends as failed",
        remedy: "set passive-comm-region = true in [cell], and remove message-timeout"
    )
    static let lastBus = RuleText(
        id: "JH0853", severity: .warning, title: "Linux in an x86 cell is told which PCI buses there are",
        consequence:
            "it asks for each function of 256 buses, 130,000 accesses that the hypervisor checks: it boots seconds later, and "
            + "reads configuration space that is not there",
        remedy: "add pci=lastbus=0 to the command line, or the last bus that the cell has a device on"
    )
    static let linuxSerialPort = RuleText(
        id: "JH0854", severity: .warning,
        title: "the serial port that Linux prints to is the cell's, with its interrupt",
        consequence: "Linux does not take the port for its own: nothing is printed, or a shell there hangs",
        remedy: "give the cell all 8 ports of it, and its pin of the interrupt controller"
    )
    static let linuxConsole = RuleText(
        id: "JH0855", severity: .warning, title: "Linux is told where to print",
        consequence: "nobody learns what it says, not even that it panicked",
        remedy: "add console= to the command line, for example console=ttyS0,115200, or console=ttyAMA0 on Arm"
    )
    static let linuxLowMemory = RuleText(
        id: "JH0856", severity: .error, title: "Linux in an x86 cell has RAM below 1 MiB",
        consequence:
            "it panics early (`Real mode trampoline was not allocated`): other processors begin there, and a wake-up would",
        remedy: "give the cell a region of RAM with virtual = 0x0, size = \"1 MiB\" and the flag dma"
    )
    static let linuxReach = RuleText(
        id: "JH0857", severity: .error, title: "Linux in an x86 cell has loadable RAM below 4 GiB",
        consequence: "the loader, which hands the kernel 32-bit addresses, cannot be loaded, nor can the kernel",
        remedy: "set \"virtual\" of its RAM to an address below 4 GiB; \"physical\" may be anywhere"
    )

    // of the device tree

    static let firmwareCalls = RuleText(
        id: "JH0858", severity: .error, title: "the device tree of a Linux cell calls the firmware by SMC",
        consequence:
            "with another method Linux ends with `FATAL: forbidden access (exception class 0x16)` when it asks for the firmware's "
            + "version; without the node it has one processor",
        remedy: "write psci { compatible = \"arm,psci-0.2\"; method = \"smc\"; }; in it"
    )
    static let secureServices = RuleText(
        id: "JH0859", severity: .error, title: "the device tree of a Linux cell names no service of the secure world",
        consequence:
            "the first call ends the cell with `FATAL: unhandled trap (exception class 0x17)`: the hypervisor answers PSCI only",
        remedy: "remove the node, or give it status = \"disabled\", for example by an overlay"
    )
    static let treeInterrupts = RuleText(
        id: "JH0860", severity: .error,
        title: "the device tree of a Linux cell has the interrupt controller as the cell sees it",
        consequence:
            "Linux finds registers that the cell does not have, and ends with `FATAL: unhandled trap (exception class 0x24)`, or "
            + "refuses virtual PCI",
        remedy:
            "describe the controller without msi-controller, with 0x20000 bytes of redistributor for each CPU of the system"
    )
    static let treeProcessors = RuleText(
        id: "JH0861", severity: .warning, title: "the device tree of a Linux cell has the cell's processors",
        consequence: "Linux does not start those that it does not find, and the hypervisor denies it those of others",
        remedy:
            "write a node for each CPU of the cell into it, with its affinity (MPIDR) as reg, and correct affinities in "
            + "[[image]]"
    )
    static let treeDevices = RuleText(
        id: "JH0863", severity: .warning, title: "the device tree of a Linux cell has no devices of others",
        consequence:
            "Linux ends with `FATAL: unhandled trap (exception class 0x24)` when a driver of such a device touches it",
        remedy:
            "give these nodes status = \"disabled\", for example by an overlay; or add the device's registers to the cell as a "
            + "region, if it is to have it"
    )
    static let treeDeviceInterrupts = RuleText(
        id: "JH0864", severity: .warning,
        title: "the devices in the device tree of a Linux cell have interrupts of the cell",
        consequence:
            "the hypervisor passes over what Linux sets up for them: no such interrupt arrives, and the driver waits",
        remedy: "add these interrupts to the pins of the cell's [[interrupt-chip]], or correct the device tree"
    )

    // of what Linux is told and given

    static let earlyConsole = RuleText(
        id: "JH0865", severity: .error, title: "the early console of Linux is the cell's",
        consequence:
            "Linux touches it before anything else, and ends with `FATAL: Invalid PIO` or `FATAL: unhandled trap`",
        remedy: "correct earlycon= in the command line, or give the cell these registers"
    )
    static let initrd = RuleText(
        id: "JH0866", severity: .warning, title: "the initrd of Linux is an archive",
        consequence:
            "Linux does not unpack it, and panics (`No working init found`, or `Unable to mount root fs`) unless its command line names another "
            + "root",
        remedy: "make it with cpio -H newc, as mkinitramfs or dracut do, packed or not"
    )
    static let loaderMemory = RuleText(
        id: "JH0867", severity: .note, title: "the memory of the loader is no RAM of Linux in an Arm64 cell",
        consequence:
            "Linux counts the region as RAM, the lowest that it has, and may keep pages there that the next load overwrites",
        remedy: "remove \"dma\" from the region where the cell begins: it is how Linux's RAM is told from the loader's"
    )
}
