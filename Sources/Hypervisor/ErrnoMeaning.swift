// SPDX-License-Identifier: Apache-2.0

import SystemPackage

extension HypervisorError {
    /// What the driver and the hypervisor mean by an `errno`, which differs from command to command.
    static func meaning(of errno: Errno, for command: HypervisorCommand) -> (code: Code, text: String) {
        switch (command, errno) {
        case (.enable, .resourceBusy):
            (
                .enabled,
                "KVM has the processor's virtualisation in use (unload kvm_intel or kvm_amd), or Linux the IOMMU (boot it "
                    + "with intel_iommu=off or amd_iommu=off), or another program has just enabled the hypervisor"
            )
        case (.enable, .invalidArgument):
            (
                .refused,
                "the system configuration does not fit: its revision or architecture is another, Linux does not keep the "
                    + "memory free (memmap= on the kernel command line), a unit rejects it, or a CPU has just come or gone: "
                    + "'jailhouse-ctl check --root /' and the kernel log have the reason"
            )
        case (.enable, .ioError):
            (
                .refused,
                "the processor or an IOMMU lacks a feature, or the APICs are in another mode than apic-mode: the last "
                    + "line of the hypervisor's console names the unit"
            )
        case (.enable, .notPermitted):
            (
                .refused,
                "the firmware has switched virtualisation off, or locked an AMD IOMMU at another address than the "
                    + "configuration has"
            )
        case (.enable, .outOfRange):
            (.refused, "an APIC id is above 254, or the machine has too many IOAPICs")
        case (.enable, .argListTooLong):
            (.refused, "the hypervisor's code does not fit the page that is mapped to itself: move its memory")
        case (.enable, .fileExists):
            (.refused, "a file of the driver exists in sysfs already: unload and load its module again")
        case (.enable, .noSuchFileOrDirectory):
            (.refused, "the hypervisor's firmware file is missing: install jailhouse-*.bin in /lib/firmware")
        case (.enable, .noMemory):
            (.refused, "the hypervisor's memory is too small for the system, or Linux has none left for the driver")
        case (.enable, .operationNotSupportedByDevice), (.enable, .noFunction):
            (.refused, "this CPU has no virtualisation that the hypervisor can use, or the firmware disabled it")
        case (.disable, .invalidArgument):
            (.disabled, "the hypervisor is not enabled")
        case (.disable, .notPermitted):
            (.denied, "a cell denied its shutdown: stop the cells first")
        case (.disable, .resourceBusy):
            (.refused, "a CPU of Linux is offline: bring it online. Cells may be gone by now: see jailhouse-ctl list")
        case (.create, .invalidArgument):
            (
                .refused,
                "the hypervisor does not accept the configuration: its revision, CPU 0, an interrupt chip, a cache region "
                    + "or an ivshmem device ('jailhouse-ctl check' names the line); or it has just been disabled"
            )
        case (.create, .fileExists):
            (.refused, "a cell of this name exists already")
        case (.create, .resourceBusy):
            (.refused, "a CPU that it asks for belongs to another cell, is offline or does not exist")
        case (.create, .notPermitted):
            (.otherCellLocked, "another cell is running/locked and must not be disturbed: try again when it is not")
        case (.create, .noMemory):
            (.refused, "there is not enough hypervisor memory for it (see mem_pool_used)")
        case (.create, .argListTooLong):
            (
                .refused,
                "the configuration has more than 64 KiB, or VT-d's interrupt entries are used up (vtd-interrupt-limit)"
            )
        case (.create, .outOfRange):
            (.refused, "an IOMMU's number, the number of IOAPICs or that of VT-d's domains is exceeded")
        case (.create, .badAddress):
            (.refused, "the configuration could not be read")
        case (.load, .notPermitted), (.shutDown, .notPermitted), (.start, .notPermitted):
            (.denied, "the inmate denied the shutdown request and runs on")
        case (.load, .invalidArgument):
            (
                .refused,
                "an image does not lie wholly inside one loadable and writable region; the cell has been stopped"
            )
        case (.load, .noMemory):
            (.refused, "Linux has no memory to map the cell's regions; the cell has been stopped")
        case (.load, .resourceBusy):
            (.refused, "the window for the image cannot be mapped; the cell has been stopped")
        case (.start, .noMemory):
            (.refused, "the hypervisor has no memory left for page tables: make [hypervisor-memory] larger")
        case (.load, .badAddress):
            (.refused, "an image could not be read; the cell has been stopped")
        case (.load, .noSuchFileOrDirectory), (.start, .noSuchFileOrDirectory), (.shutDown, .noSuchFileOrDirectory),
            (.destroy, .noSuchFileOrDirectory):
            (.refused, "there is no such cell")
        case (.start, .invalidArgument), (.shutDown, .invalidArgument):
            (.refused, "the hypervisor is not enabled, or this is the root cell")
        case (.destroy, .notPermitted):
            (.denied, "the inmate denied the shutdown request and runs on, or another cell is running/locked")
        case (.destroy, .invalidArgument):
            (.refused, "the hypervisor is not enabled, or this is the root cell, which only `disable` removes")
        case (_, .interrupted):
            (.refused, "it was interrupted while it waited for another command")
        default:
            (.refused, "the driver refused it: \(errno)")
        }
    }
}
