// SPDX-License-Identifier: Apache-2.0

package import ConfigurationRules
import InmateImage

/// The rules about what is loaded into a cell; ``CellDefinition/imageFindings(readFile:)`` applies them.
package enum ImageRule {}

extension ImageRule {
    /// In the order of their numbers.
    package static let all = loading + beginning + memory + hardware + linux

    static func rule(for error: ImageError) -> RuleText {
        switch error.code {
        case .empty, .truncated, .damaged: sound
        case .machine: machine
        case .notExecutable, .noSegments: program
        case .addressMissing, .addressNeedless: address
        case .outsideMemory, .spansRegions: place
        case .overReserved: regionFree
        case .overlap: apart
        case .tooLarge: size
        case .start: start
        }
    }
}

// MARK: - What the driver would refuse, or load wrongly

extension ImageRule {
    static let loading = [readable, sound, machine, program, address, place, regionFree, apart, size]

    private static let stopsRunningCell =
        "the driver refuses it with EINVAL, and a cell that runs has been stopped for it by then"

    package static let readable = RuleText(
        id: "JH0801", severity: .error, title: "an image can be read",
        consequence: "the cell cannot be started", remedy: "install it, or correct its path"
    )
    static let sound = RuleText(
        id: "JH0802", severity: .error, title: "an image is not truncated or corrupt",
        consequence: "a part of the program would be missing, so it is not loaded", remedy: "build or copy it again"
    )
    static let machine = RuleText(
        id: "JH0803", severity: .error, title: "an image is for the cell's processor",
        consequence: "the processor would take other instructions for the program's, so it is not loaded",
        remedy: "build it for the cell's processor"
    )
    static let program = RuleText(
        id: "JH0804", severity: .error, title: "an image is a program that needs no operating system",
        consequence: "there is no dynamic linker in a cell, so it is not loaded",
        remedy: "link it statically, as an executable"
    )
    static let address = RuleText(
        id: "JH0805", severity: .error, title: "an image has one load address",
        consequence: "it is not loaded: its address is missing, or given twice",
        remedy: "give a flat image its \"address\"; an ELF executable says it itself"
    )
    static let place = RuleText(
        id: "JH0806", severity: .error, title: "each part of an image is inside one loadable and writable region",
        consequence: stopsRunningCell,
        remedy: "link it to an address inside such a region, or change the region"
    )
    static let regionFree = RuleText(
        id: "JH0807", severity: .error, title: "no image lies over the communication region",
        consequence: stopsRunningCell,
        remedy: "link the program so that it keeps this page free, or move the region to where it is free"
    )
    static let apart = RuleText(
        id: "JH0808", severity: .error, title: "what is loaded does not overlap",
        consequence: "what comes later overwrites what came before", remedy: "give one of the two another address"
    )
    static let size = RuleText(
        id: "JH0809", severity: .error, title: "an image fills at most 1 GiB",
        consequence: "what is loaded is first put together in the daemon's memory, so it is not loaded",
        remedy: "let the program clear its large areas itself, outside its BSS"
    )
}

// MARK: - How the cell begins

extension ImageRule {
    static let beginning = [begin, realMode, startCode, entry, executionState, start, stack, layoutOf2016]

    static let begin = RuleText(
        id: "JH0811", severity: .error, title: "something is loaded where the cell begins",
        consequence: "its processor executes whatever is left in that memory, and the program never begins",
        remedy: "set reset-address to where the program's first instruction is loaded"
    )
    static let realMode = RuleText(
        id: "JH0812", severity: .error, title: "a 32-bit program has a 16-bit start",
        consequence:
            "a cell's processor begins in 16-bit real mode and takes the program's 32-bit instructions for other ones: "
            + "it faults, or jumps to an address with no code, before anything is printed",
        remedy:
            "let a start stub enter it: start = \"protected-32\" or \"multiboot\" in its [[image]], and a free "
            + "reset-address, for example 0xf0000"
    )
    static let startCode = RuleText(
        id: "JH0813", severity: .warning, title: "the start stub knows the program's entry",
        consequence: "a stub that was linked for another program's entry jumps to an address with no code",
        remedy: "link the stub for this entry, or the program so that its entry is where the stub jumps to"
    )
    static let entry = RuleText(
        id: "JH0814", severity: .warning, title: "an Arm cell begins at the program's entry",
        consequence: "the first instruction that is executed is another one than the program wants",
        remedy: "set reset-address to the entry"
    )
    static let executionState = RuleText(
        id: "JH0815", severity: .error, title: "an Arm program is for the cell's execution state",
        consequence: "the processor faults at the first instruction",
        remedy: "set aarch32 = true in [cell] for a 32-bit program, and leave it out for a 64-bit one"
    )
    static let start = RuleText(
        id: "JH0816", severity: .error, title: "a start stub fits its program and its cell",
        consequence: "the program would not be entered, so it is not loaded",
        remedy: "correct \"start\" in its [[image]], or the cell's reset-address"
    )
    static let stack = RuleText(
        id: "JH0817", severity: .error, title: "the stack that a start stub gives is free RAM",
        consequence:
            "the program's first calls write over what was loaded, or end with `FATAL: Invalid MMIO/RAM write`",
        remedy: "set \"stack-pointer\" in its [[image]] to the end of free RAM"
    )
    static let layoutOf2016 = RuleText(
        id: "JH0818", severity: .error,
        title: "the 2016 port of RTEMS finds the PM timer's port where it looks for it",
        consequence:
            "it reads the communication region of today by the layout of 2016, takes another word for the timer's port, "
            + "and ends with `FATAL: Invalid PIO read` or never ticks",
        remedy: "set start = \"protected-32\" and communication-region-layout = 2016 in its [[image]]"
    )
}

// MARK: - What the program takes besides its image

extension ImageRule {
    static let memory = [workArea, workAreaFree, boundedMemory, lowMemory]

    static let workArea = RuleText(
        id: "JH0821", severity: .error, title: "a program's work area is RAM of the cell",
        consequence:
            "the program ends with `FATAL: Invalid MMIO/RAM write` when its heap or a stack reaches the RAM's end",
        remedy: "make the RAM larger, or the program's memory smaller"
    )
    static let workAreaFree = RuleText(
        id: "JH0822", severity: .error, title: "a program's work area does not lie over the communication region",
        consequence:
            "the program's heap overwrites messages and replies: it answers requests that were never sent, and Linux waits for an "
            + "answer that was overwritten",
        remedy: "move the region behind the work area, or let the work area end before it"
    )
    static let boundedMemory = RuleText(
        id: "JH0823", severity: .warning, title: "a program knows how much memory it has",
        consequence:
            "it looks for its memory by writing to it from 2 GiB downwards, and ends with `FATAL: Invalid MMIO/RAM "
            + "write, addr: 0x000000007ffffffc`, unless its start code hands it multiboot information",
        remedy: "set start = \"multiboot\" in its [[image]], or link it with the end of the cell's RAM"
    )
    static let lowMemory = RuleText(
        id: "JH0824", severity: .error, title: "the 2016 port of RTEMS has RAM at address 0",
        consequence: "it writes to 0x0–0x81 when it prints early, and ends with `FATAL: Invalid MMIO/RAM write`",
        remedy: "let the cell's RAM begin at virtual = 0x0"
    )
}

// MARK: - What the program expects to find

extension ImageRule {
    static let hardware = [region, answers2016, answers, legacyPorts, symbols, flatRTEMS, clock, simulatedDevices]

    static let region = RuleText(
        id: "JH0831", severity: .error, title: "the communication region is where the program looks for it",
        consequence:
            "the program reads other memory instead, or ends with an invalid access; it sees no message, answers none, "
            + "and does not find its timer",
        remedy: "set the region's \"virtual\" to that address"
    )
    static let answers2016 = RuleText(
        id: "JH0832", severity: .error, title: "a cell of the 2016 port of RTEMS is passive",
        consequence:
            "it never answers a message: at each stop all of Linux is stalled until the message times out, and "
            + "the cell ends as failed",
        remedy: "set passive-comm-region = true in [cell]"
    )
    static let answers = RuleText(
        id: "JH0833", severity: .warning, title: "a program that is asked knows the communication region",
        consequence:
            "RTEMS has no code for it: unless the application answers, all of Linux is stalled at each stop until the "
            + "message times out, and the cell ends as failed",
        remedy:
            "set passive-comm-region = true in [cell], or link the program with the layer of inmates/rtems, which answers; "
            + "if the application answers itself, say where it looks for the region: communication-region in [[image]]"
    )
    static let legacyPorts = RuleText(
        id: "JH0841", severity: .warning, title: "a cell has the ports of the PC hardware that its program drives",
        consequence: "the first access ends the cell with `FATAL: Invalid PIO write` or read",
        remedy: "\(layerRemedy), which does without; a serial port may be listed in [[ports]]"
    )
    /// What helps on a real machine, where Linux needs the hardware of the PC itself.
    static let layerRemedy = "link the program with the layer of inmates/rtems"

    static let symbols = RuleText(
        id: "JH0842", severity: .note, title: "an RTEMS executable has its symbols",
        consequence: "what hardware it drives and where its work area ends cannot be checked",
        remedy: "give the executable as it was linked; symbols are not loaded into the cell"
    )
    static let flatRTEMS = RuleText(
        id: "JH0843", severity: .warning, title: "an RTEMS program is given as its ELF executable",
        consequence:
            "a flat copy lacks its BSS: after a restart the program's variables have what was left there, and nothing "
            + "of it can be checked",
        remedy: "give the executable as it was linked, without an address"
    )
    static let clock = RuleText(
        id: "JH0844", severity: .warning, title: "an RTEMS program takes its time from hardware that reaches a cell",
        consequence:
            "the interrupts of the timer 8254 go through the 8259A to Linux, never to a cell: the program runs until "
            + "it waits for its clock, and then hangs",
        remedy: "\(layerRemedy), whose clock is the local APIC's timer, or try it in the simulated machine only"
    )
    static let simulatedDevices = RuleText(
        id: "JH0845", severity: .note, title: "a cell needs no device that only the simulated machine gives it",
        consequence: "the real hypervisor ends the cell with `FATAL: Invalid PIO write` or read at the first access",
        remedy: "once the program does without it, remove it from [simulation]"
    )
}
