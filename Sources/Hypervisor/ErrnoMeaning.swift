// SPDX-License-Identifier: Apache-2.0

import SystemPackage

extension HypervisorError {
    /// What the driver and the hypervisor mean by an `errno`, which differs from command to command.
    static func meaning(of errno: Errno, for command: HypervisorCommand) -> (code: Code, text: String) {
        switch (command, errno) {
        case (.enable, .resourceBusy):
            (.enabled, "the hypervisor is enabled already, or a CPU of Linux is offline: bring all CPUs online first")
        case (.enable, .invalidArgument):
            (
                .refused,
                "the system configuration does not fit: its revision, its architecture, or memory that Linux does "
                    + "not keep free (memmap= on the kernel command line); the kernel log has the reason"
            )
        case (.enable, .noSuchFileOrDirectory):
            (.refused, "the hypervisor's firmware file is missing: install jailhouse-*.bin in /lib/firmware")
        case (.enable, .noMemory):
            (.refused, "the memory for the hypervisor cannot be mapped")
        case (.enable, .operationNotSupportedByDevice), (.enable, .noFunction):
            (.refused, "this CPU has no virtualisation that the hypervisor can use, or the firmware disabled it")
        case (.disable, .invalidArgument):
            (.disabled, "the hypervisor is not enabled")
        case (.disable, .notPermitted):
            (.denied, "a cell denied its shutdown: stop the cells first")
        case (.disable, .resourceBusy):
            (.refused, "a CPU of Linux is offline; the cells are gone, the hypervisor still runs: bring it online")
        case (.create, .invalidArgument):
            (
                .refused,
                "the hypervisor is not enabled, or it does not accept the configuration: its revision, CPU 0, "
                    + "a device or an interrupt that Linux does not have to give; its console has the reason"
            )
        case (.create, .fileExists):
            (.refused, "a cell of this name exists already")
        case (.create, .resourceBusy):
            (.refused, "a CPU that it asks for belongs to another cell, is offline or does not exist")
        case (.create, .notPermitted):
            (.otherCellLocked, "another cell is running/locked and must not be disturbed: try again when it is not")
        case (.create, .argListTooLong), (.create, .noMemory):
            (.refused, "there is not enough hypervisor memory for it (see mem_pool_used)")
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
