// SPDX-License-Identifier: Apache-2.0

/// Why the driver or the hypervisor refuses a command, by the error number that it returns.
package struct CommandError: Hashable, Sendable {
    package struct Cause: Hashable, Sendable {
        /// A sentence.
        package let what: String
        package let advice: String
        /// The rule of `check` that finds it beforehand.
        package let rule: String?
        /// Where an enable is refused for it.
        let stage: Stage
        /// What of a configuration it is about: a key of the cell's (`cell.cpus`) or of the system's (`root-cell.cpus`).
        package let key: String?

        init(
            _ what: String, _ advice: String, _ rule: String? = nil, at stage: Stage = .anywhere, key: String? = nil
        ) {
            self.what = what
            self.advice = advice
            self.rule = rule
            self.stage = stage
            self.key = key
        }
    }

    /// Where a command can be refused; an enable goes through its stages in this order.
    enum Stage: Hashable, Sendable {
        case anywhere
        /// The driver, before the hypervisor is entered.
        case driver
        /// What the daemon has excluded before it gives the command.
        case excludedByDaemon
        /// The hypervisor, before it prepares the CPUs.
        case early
        /// A CPU of the machine.
        case cpu
        /// A unit, as the console names it.
        case unit(String)
    }

    /// `enable`, `create`, `load`, `start`, `destroy`, `disable`, `console`.
    package let command: String
    /// `EBUSY`.
    package let errno: String
    /// The most frequent one first.
    package let causes: [Cause]
    /// The only cause is what it was, by what was seen of the machine when it was refused.
    package private(set) var isCauseKnown = false

    init(_ command: String, _ errno: String, known cause: Cause) {
        self.init(command, errno, [cause])
        isCauseKnown = true
    }

    init(_ command: String, _ errno: String, _ causes: Cause...) {
        self.init(command, errno, causes)
    }

    init(_ command: String, _ errno: String, _ causes: [Cause]) {
        self.command = command
        self.errno = errno
        self.causes = causes
    }

    package static let commands = ["enable", "create", "load", "start", "shutdown", "destroy", "disable", "console"]

    /// Nil when the command does not return it. A shutdown is a load of no images.
    package static func of(_ command: String, _ errno: String) -> CommandError? {
        let (command, errno) = (command.lowercased(), errno.uppercased())
        let name = ["shutdown", "stop"].contains(command) ? "load" : command
        return all.first { $0.command == name && $0.errno == errno } ?? general(name, errno)
    }

    /// What every command can return.
    private static func general(_ command: String, _ errno: String) -> CommandError? {
        guard commands.contains(command) else { return nil }
        switch errno {
        case "EFAULT":
            return CommandError(
                command, errno,
                Cause("The caller's memory cannot be read.", "It is a mistake of the calling program; report it."))
        case "EINTR":
            return CommandError(
                command, errno,
                Cause(
                    "A signal came while the command waited for the driver's lock; nothing was done.",
                    "Repeat the command."))
        case "ENOENT" where command != "enable":
            return CommandError(
                command, errno, Cause("There is no such cell.", "'jailhouse-ctl list' shows the cells."))
        case "EACCES":
            return CommandError(
                command, errno,
                Cause(
                    "The user may not open /dev/jailhouse.",
                    "Use a member of the group jailhouse-admin, through the daemon."))
        default: return nil
        }
    }

    package static let all: [CommandError] = enableErrors + createErrors + otherErrors

    private static let createErrors = [
        CommandError(
            "create", "EBUSY",
            Cause(
                "A CPU of the cell is not Linux's to give: another cell has it, or it does not exist.",
                "'jailhouse-ctl list' shows who has it.", "JH0502", key: "cell.cpus"),
            Cause(
                "Linux cannot take a CPU offline (the last one, or one that is pinned).",
                "Look at the kernel's log (dmesg).", key: "cell.cpus"),
            Cause(
                "The id of an ivshmem end is taken on that device, or no class of cache is left.",
                "Give this end another peer-id.", "JH0610")),
        CommandError(
            "create", "EINVAL",
            Cause("The hypervisor is not enabled.", "'jailhouse-ctl enable'.", at: .excludedByDaemon),
            Cause(
                "Signature or revision of the configuration are not the driver's.", "Compile it for this release.",
                "JH0510"),
            Cause("The cell has CPU 0 of an x86 machine.", "Give it another CPU.", "JH0104", key: "cell.cpus"),
            Cause(
                "An interrupt chip, a cache region or an ivshmem device is not possible.",
                "'jailhouse-ctl check' with the system names the line.", "JH1003"),
            Cause(
                "The test device without a communication region.", "Add the region, or leave out test-device.", "JH0302"
            )),
        CommandError(
            "create", "EEXIST",
            Cause(
                "A cell of this name exists, or the root cell is called so.",
                "Give it another name, or destroy the other one.", "JH0503", key: "cell.name"),
            Cause(
                "A cell of this id exists.", "Leave the id 0: the driver sets it.", at: .excludedByDaemon)),
        CommandError(
            "create", "EPERM",
            Cause(
                "Another cell is running/locked and must not be disturbed.",
                "Wait, or stop that cell: 'jailhouse-ctl explain locked'.")),
        CommandError(
            "create", "ENOMEM",
            Cause(
                "The hypervisor's page pool is used up by the cells' page tables.",
                "Make [hypervisor-memory] larger, or align RAM to 2 MiB.", "JH0613", key: "hypervisor-memory"),
            Cause(
                "The configuration is larger than the kernel allocates.", "Give the driver a cell's file.",
                at: .excludedByDaemon)),
        CommandError(
            "create", "E2BIG",
            Cause(
                "The configuration has more than 64 KiB.", "Leave out regions, or join them.", "JH0111",
                key: "memory[0]"),
            Cause(
                "VT-d: interrupt entries are used up, or a DMA region is beyond the IOMMU's width.",
                "Raise vtd-interrupt-limit.", key: "platform.vtd-interrupt-limit")),
        CommandError(
            "create", "ERANGE",
            Cause(
                "An IOMMU's number, the number of IOAPICs or of VT-d domains is exceeded.",
                "Correct the device's \"iommu\".", "JH1011", key: "pci-device[0]")),
        CommandError(
            "create", "0",
            Cause(
                "The call returns success, and no cell exists: the configuration is for another architecture.",
                "Compile it for this one.", "JH0501")),
    ]

    private static let otherErrors = [
        CommandError(
            "load", "EINVAL",
            Cause(
                "An image lies in no region that is both loadable and writable, or goes beyond its end; the first region that contains the "
                    + "address decides.",
                "'jailhouse-ctl check' names the image and the region. The cell has been stopped already.", "JH0806",
                key: "image[0]"),
            Cause(
                "The hypervisor is not enabled, or the cell is the root cell.", "'jailhouse-ctl status'.",
                at: .excludedByDaemon)),
        CommandError(
            "load", "EPERM",
            Cause(
                "The program rejected the shutdown request, or wrote an unexpected reply; it still runs.",
                "Let the program approve it, or set passive-comm-region = true.")),
        CommandError(
            "load", "EBUSY",
            Cause(
                "The window for the image cannot be mapped: the driver is out of address space.",
                "Repeat; report it if it stays.")),
        CommandError(
            "load", "ENOMEM",
            Cause(
                "The cell's memory cannot be mapped for Linux again.", "Make [hypervisor-memory] larger.", "JH0512",
                key: "hypervisor-memory")),
        CommandError(
            "start", "EPERM",
            Cause(
                "The program rejected the shutdown request; it still runs.",
                "Stop it first, or set passive-comm-region = true.")),
        CommandError(
            "start", "EINVAL",
            Cause("The hypervisor is not enabled, or the cell is the root cell.", "'jailhouse-ctl status'.")),
        CommandError(
            "start", "ENOMEM",
            Cause(
                "Taking the cell's memory from Linux needs page tables, and the pool is empty.",
                "Make [hypervisor-memory] larger.", "JH0512", key: "hypervisor-memory")),
        CommandError(
            "destroy", "EPERM",
            Cause(
                "The program rejected the shutdown request; it still runs.",
                "Let it approve, or set passive-comm-region = true."),
            Cause("Another cell is running/locked.", "Wait, or stop that cell.")),
        CommandError(
            "destroy", "EINVAL",
            Cause("The root cell cannot be destroyed, or the hypervisor is not enabled.", "Use disable for the whole.")),
        CommandError(
            "disable", "EBUSY",
            Cause(
                "A CPU of Linux is offline. The cells, and Linux's virtual PCI devices, are gone by now.",
                "Bring the CPU online (/sys/devices/system/cpu), then disable again. A CPU that the hypervisor parked cannot come back: reboot."
            )),
        CommandError(
            "disable", "EPERM",
            Cause(
                "A cell rejected the shutdown request, or one is running/locked; those destroyed before it are gone.",
                "Stop that cell first.")),
        CommandError("disable", "EINVAL", Cause("The hypervisor is not enabled.", "Nothing is to be done.")),
        CommandError(
            "console", "EPERM",
            Cause(
                "The system configuration does not let Linux read the console.",
                "Set virtual-debug-console = true in [system].", "JH0703")),
        CommandError(
            "console", "EAGAIN",
            Cause(
                "The hypervisor is disabled, and the descriptor does not block.",
                "Enable it, or read without O_NONBLOCK.")),
    ]
}
