// SPDX-License-Identifier: Apache-2.0

/// What a word for a cell's condition, for its state, or for a death without a line on the console means.
package struct ConditionPage: Hashable, Sendable {
    /// As a user types it, the first one as it is shown.
    package let words: [String]
    package let explanation: Explanation

    init(_ words: String..., summary: String, advice: String, notes: [String] = [], rule: String? = nil) {
        self.words = words
        explanation = Explanation(summary: summary, advice: advice, notes: notes, rule: rule)
    }

    /// By its word: capitals, hyphens and blanks do not count.
    package static func named(_ word: String) -> ConditionPage? {
        let wanted = plain(word)
        return all.first { $0.words.contains { plain($0) == wanted } }
    }

    package static let all = life + deaths + machine

    private static func plain(_ word: String) -> String {
        word.lowercased().filter { !["-", " ", "_", "/"].contains($0) }
    }

    // MARK: the daemon's conditions and the hypervisor's states

    private static let life = [
        ConditionPage(
            "absent", summary: "There is no such cell in the hypervisor.",
            advice: "'jailhouse-ctl start' creates it from its definition."),
        ConditionPage(
            "created", summary: "The cell exists; nothing was loaded, or nothing was started.",
            advice: "'jailhouse-ctl start' loads its images and starts it."),
        ConditionPage(
            "starting", summary: "The cell is being created, loaded or started.",
            advice: "Wait; 'jailhouse-ctl wait CELL --for running' returns when it runs."),
        ConditionPage(
            "running",
            summary:
                "The hypervisor started the cell, and not all of its CPUs are parked. It does not mean that the program works.",
            advice:
                "To notice a program that hangs, give the cell a liveness rule; to see a dead CPU, look for failed CPUs in 'status'.",
            notes: [
                "A program stays \"running\" when it hangs, halts all its CPUs, handles its own exception by a loop, or when a Linux "
                    + "in the cell has ended by reboot, power-off or panic."
            ]),
        ConditionPage(
            "running/locked", "locked",
            summary:
                "The program asked not to be disturbed: the hypervisor refuses to create or destroy any other cell.",
            advice:
                "Wait until the program ends that state, or stop the cell; creates and destroys of others fail with EPERM until then."
        ),
        ConditionPage(
            "degraded", "one CPU failed",
            summary:
                "Some of the cell's CPUs were parked after a violation, and the others run on: the hypervisor still says \"running\".",
            advice:
                "'status' names the CPUs and what they did. A restart brings all CPUs back; [supervision] restart decides whether the "
                + "daemon does it."),
        ConditionPage(
            "silent", "no sign of life", "running but silent",
            summary:
                "The hypervisor says \"running\", and the cell has given no sign of life for longer than its liveness rule allows: a "
                + "line on the console, a heartbeat, an answer to a check.",
            advice:
                "The program hangs, waits for something that does not come, or the rule is stricter than it: compare \"within\" and "
                + "\"after-start\" with what it does when it is well. [supervision] restart and restart-silent decide whether the daemon "
                + "restarts it; without that it is \"silent\" until it gives a sign again.",
            notes: [
                "A program that is silent can still make VM exits, and one that works need not make any: only its own signs show it."
            ]),
        ConditionPage(
            "panic", "kernel panic",
            summary:
                "The Linux in the cell panicked: it printed \"Kernel panic - not syncing\", or something that watches it said so. The "
                + "hypervisor says \"running\": it does not learn what becomes of a guest.",
            advice:
                "'jailhouse-ctl failures CELL 1' has the guest's last lines, when it prints on the hypervisor's console. Without a root "
                + "file system or an init it panics at each start: look at initrd and at the command line (root=, init=)."
        ),
        ConditionPage(
            "guest reboot", "reboot",
            summary:
                "The Linux in the cell asked for a reboot. It cannot reset itself in a cell: it halts, and the hypervisor says "
                + "\"running\". With restart = \"on-failure\" or \"always\" the daemon starts it again, else it stops the cell.",
            advice: "Nothing is wrong, unless it was not asked to."),
        ConditionPage(
            "guest shutdown", "power down",
            summary:
                "The Linux in the cell powered off or halted. Its CPUs stay in the cell, and the hypervisor says \"running\"; the "
                + "daemon stops the cell, or starts it again with restart = \"always\".",
            advice: "Nothing is wrong unless it should run: 'jailhouse-ctl start CELL'."),
        ConditionPage(
            "stopping", summary: "The program was asked to end, or is being stopped.",
            advice: "If it lasts, the program does not answer: 'jailhouse-ctl explain no-answer'."),
        ConditionPage(
            "stopped", "shut down",
            summary: "The program ended itself, or approved a shutdown request; its CPUs are parked.",
            advice:
                "Nothing is wrong unless it should run; restart = \"always\" starts it again. A cell that is loaded and not "
                + "started is \"shut down\", too."),
        ConditionPage(
            "own failed", "declared failed",
            summary: "The program itself wrote \"failed\" into its communication region; none of its CPUs was parked.",
            advice:
                "It gave up by itself: read its own output (a check that failed, a missing device). Load it again before it is started: "
                + "its RAM has changed."),
        ConditionPage(
            "failed",
            summary:
                "All of the cell's CPUs are parked after violations, or the program itself wrote \"failed\" into its "
                + "communication region.",
            advice:
                "'jailhouse-ctl failures CELL 1' has what the console said. Without parked CPUs, the program gave up by itself: "
                + "read its own output (a check that failed, a missing device). Load it again before it is started: its RAM has changed."
        ),
        ConditionPage(
            "violation", "parked",
            summary:
                "A CPU of the cell did what the cell has no right to, and the hypervisor parked it. No known line of the console says "
                + "what it did.",
            advice:
                "The hypervisor's console keeps 2 KB only: keep it with 'jailhouse-ctl console --follow' until it happens again, or see "
                + "it on a serial port. In the simulated machine, 'serve --stop-on-violation' holds the CPU for a debugger.",
            notes: ["Its memory is as it was until the next load."]),
        ConditionPage(
            "unverified",
            summary: "The cell's exit counters cannot be read, so nothing shows whether a start takes effect.",
            advice:
                "Read /sys/devices/jailhouse/cells/ID/statistics/vmexits_total as the daemon's user; the journal has the kernel's error."
        ),
        ConditionPage(
            "backing-off",
            summary: "The cell failed, and the daemon waits before it starts it again; the wait doubles each time.",
            advice: "'jailhouse-ctl start' starts it at once; 'failures' says why it failed."),
        ConditionPage(
            "gave-up",
            summary: "The cell failed more often than its limit allows, so the daemon no longer restarts it.",
            advice: "Correct what 'failures' shows, then 'jailhouse-ctl start' (or 'reset-failed' to forget the count)."
        ),
        ConditionPage(
            "foreign", summary: "The cell exists and has no definition: another tool created it.",
            advice: "Add a definition to let the daemon look after it, or destroy it with the tool that created it."),
        ConditionPage(
            "Comm ABI mismatch", "abi mismatch", "other abi",
            summary:
                "The program does not know the revision of the communication region that this hypervisor has, and stopped.",
            advice:
                "Compare the two numbers: the region's is what 'jailhouse-ctl comm CELL' shows as its revision (the 16 bits at offset 6; 2 since v0.12, 1 in v0.10 and v0.11, 0 before), the "
                + "program's is COMM_REGION_ABI_REVISION of the headers it was built with. Rebuild the program and its copy of the inmate "
                + "library from the sources of the hypervisor that runs ('cat /sys/module/jailhouse/version'), or install the hypervisor that "
                + "the program was built for. On x86 the regions 1 and 2 are laid out alike, so that a program of your own may accept both; on "
                + "Arm they are not. Give the cell a message-timeout or passive-comm-region: such a program answers no request, and Linux "
                + "would hang.",
            rule: "JH0901"),
        ConditionPage(
            "invalid", "unknown state",
            summary:
                "The program wrote a number into its communication region's state that means nothing, or something overwrote the "
                + "region.",
            advice:
                "Compare the region's address in the cell with where the program's data, heap and stacks are; the state is the word at "
                + "offset 8.",
            notes: ["While a cell is created or destroyed, \"invalid\" is shown for a moment; that is no failure."],
            rule: "JH0304"),
    ]

    // MARK: deaths that are no violation

    private static let deaths = [
        ConditionPage(
            "triple fault",
            summary:
                "Triple fault: an exception of the program could not be delivered, nor could those that followed; it accessed "
                + "nothing outside its cell.",
            advice:
                "Install an interrupt descriptor table first of all; then look at RIP, RSP and CR3 of the dump: stack, tables and the "
                + "address that was accessed must be in memory that the page tables map.",
            notes: ["AMD shows it as #VMEXIT 0x7f, Intel as VM exit reason 2."]),
        ConditionPage(
            "no vectors", "exception without vectors", "vbar 0",
            summary:
                "An exception of an Arm program with VBAR_EL1 = 0: the CPU went to address 0x200, where nothing is mapped.",
            advice:
                "Set VBAR_EL1 at the start of the program; the exception before it is the actual fault. With RAM at address 0 the same "
                + "mistake is silent: the cell stays \"running\" and executes whatever is at 0x200."),
        ConditionPage(
            "jump into nowhere", "jump", "fetch",
            summary: "The program jumped to an address at which the cell has no executable memory.",
            advice:
                "Check function pointers, the return address on the stack, the reset address, and the address that the image is "
                + "linked for.", rule: "JH0811"),
        ConditionPage(
            "no answer", "timed out", "did not answer",
            summary:
                "The program did not answer a message of the hypervisor; all of Linux stood still until the message-timeout ran out.",
            advice:
                "Let the program poll its communication region, or set passive-comm-region = true. Keep message-timeout small: it is the "
                + "time that Linux hangs.", rule: "JH0901"),
        ConditionPage(
            "lost start", summary: "The hypervisor accepted the start, and no CPU of the cell ever ran.",
            advice:
                "The daemon starts it again by itself. By hand: start it again; a short pause between load and start prevents it.",
            notes: ["It is a race in the hypervisor: a start can be lost that follows a load too soon."]),
        ConditionPage(
            "stalled",
            summary:
                "The cell made no VM exit for longer than its liveness rule allows, although the hypervisor says \"running\".",
            advice: "The program hangs, or it is one that never exits when it is well: then use another liveness rule.",
            notes: [
                "A healthy x86 program that uses only what it was given makes no exits at all; on Arm each timer tick is one."
            ]),
        ConditionPage(
            "vanished", summary: "Another program destroyed the cell.",
            advice:
                "The journal names who did it if it was a client of the daemon; else look for scripts that call another tool."
        ),
        ConditionPage(
            "replaced", "started unloaded",
            summary: "Another tool replaced the cell while it was started: it may run with nothing loaded.",
            advice: "Let one program control the cells; then 'jailhouse-ctl restart'."),
        ConditionPage(
            "refused load", "load refused", summary: "The hypervisor or the driver did not load the cell's images.",
            advice:
                "'jailhouse-ctl explain load ERRNO' lists the causes: most often an image lies in no region that is loadable and "
                + "writable. The cell that ran has been stopped by then.", rule: "JH0806"),
        ConditionPage(
            "refused", summary: "The hypervisor or the driver refused the command.",
            advice:
                "The reason ends with an error number: 'jailhouse-ctl explain COMMAND ERRNO' lists its causes for this command."
        ),
        ConditionPage(
            "not given", "held back",
            summary:
                "The daemon did not give the command: the driver and the hypervisor were not asked, and the cell is as it was.",
            advice:
                "The reason says what is in the way, most often another cell that may leave Linux waiting. 'jailhouse-ctl status' shows it."
        ),
        ConditionPage(
            "unusable definition", "unusable image", "not loaded",
            summary:
                "The cell's definition, or a file that it names, cannot be used. The hypervisor was not asked, and the cell is as it was.",
            advice: "Correct what the reason names; 'jailhouse-ctl check DEFINITION' judges it beforehand."),
        ConditionPage(
            "config_jailhouse_guest", "guest", "linux guest", "lvt", "extint",
            summary:
                "A Linux in the cell uses a PC's hardware (ports 0x20 and 0x70, LINT0 as ExtINT), because it does not know that it is in a "
                + "cell.",
            advice:
                "Build the guest's kernel with CONFIG_JAILHOUSE_GUEST, and start it by the loader for Linux, which passes it the setup "
                + "data by which it notices."),
        ConditionPage(
            "hvc", "psci", "psci method",
            summary: "The program made its PSCI calls with HVC; in a cell the hypervisor answers them by SMC only.",
            advice: "Set method = \"smc\" in the device tree's node psci."),
        ConditionPage(
            "op-tee", "optee", "scmi", "smc",
            summary:
                "The program called a secure service (OP-TEE, SCMI, a vendor's) by SMC, which a cell does not have.",
            advice:
                "Remove the node (firmware/optee, firmware/scmi) from the cell's device tree, or the driver from its kernel."
        ),
    ]

    // MARK: the machine

    private static let machine = [
        ConditionPage(
            "frozen", "hang", "linux hangs",
            summary:
                "Linux stands still on all CPUs: the hypervisor waits for the answer of a cell that does not give one.",
            advice:
                "Only a reset ends it when the cell has no message-timeout. Set one, or passive-comm-region = true, in every cell.",
            rule: "JH0901"),
        ConditionPage(
            "lost cpu", "linux lost cpu",
            summary:
                "The hypervisor parked a CPU of Linux, which touched what a cell owns or what nobody gave to Linux.",
            advice:
                "Save your work and reboot: Linux usually hangs soon, and the hypervisor must not be disabled. 'jailhouse-ctl status' and "
                + "the journal say what it touched and which driver it was.", rule: "JH1302"),
        ConditionPage(
            "hypervisor failed", "stopping cpu",
            summary:
                "The hypervisor itself failed on a CPU, which answers nothing any more; the cell goes on saying what it said last.",
            advice:
                "Save your work and reset the machine: any command could wait for that CPU for ever, so the daemon gives none. The "
                + "console's lines say where it failed; an access to what is not there (a region without a device) is the most frequent cause."
        ),
        ConditionPage(
            "dma fault", "iommu fault",
            summary:
                "A device accessed memory that its cell does not have for DMA; the IOMMU dropped the access, and no CPU was parked.",
            advice: "Give the device to the cell that drives it, and the access \"dma\" to that cell's RAM.",
            rule: "JH1015"),
        ConditionPage(
            "enable", "enable failed", "unit",
            summary:
                "A refused enable ends after the last part that could be initialised: the console's last line names the one that could not.",
            advice:
                "Read it with 'jailhouse-ctl explain - < console.txt', and the kernel's log (dmesg); 'jailhouse-ctl explain enable ERRNO' "
                + "lists the causes."),
    ]

    /// What follows from the reason that the daemon recorded of a failure: of a refusal, what its error number means.
    ///
    /// - Parameters:
    ///   - reason: as the daemon's records have it, see `Supervision.FailureCause`.
    ///   - known: what is known of the cell that failed.
    package static func explanation(
        ofFailure reason: String, in known: Surroundings = Surroundings()
    ) -> Explanation? {
        if let error = CommandError.ofFailure(reason: reason) { return error.explanation(in: known) }
        return ofFailure(reason: reason)?.explanation.naming(onlyOf: known.findings)
    }

    /// What follows from the reason that the daemon recorded of a failure.
    ///
    /// - Parameter reason: as the daemon's records have it, see `Supervision.FailureCause`.
    package static func ofFailure(reason: String) -> ConditionPage? {
        // a refusal by the driver or the hypervisor ends with its error number
        if reason.contains(" was refused: "), !reason.hasSuffix(")") { return named("not given") }
        let beginnings = [
            ("the inmate declared itself failed", "own failed"),
            ("the inmate does not know this revision", "abi mismatch"),
            ("the inmate wrote an unknown state", "invalid"),
            ("it was destroyed by another program", "vanished"), ("its start was lost", "lost start"),
            ("another tool replaced it", "replaced"), ("it made no VM exit", "stalled"),
            ("it gave no sign of life", "silent"),
            ("its Linux panicked", "panic"), ("its Linux asked for a reboot", "guest reboot"),
            ("its Linux shut down", "guest shutdown"),
            ("it shut itself down", "stopped"),
            ("its exit counters cannot be read", "unverified"), ("CPU", "violation"),
            ("load was refused", "refused load"), ("it was not ", "unusable definition"),
            ("create was refused", "refused"), ("start was refused", "refused"), ("shutdown was refused", "refused"),
            ("destroy was refused", "refused"), ("it did not answer", "no answer"),
            ("the hypervisor itself failed", "hypervisor failed"),
        ]
        return beginnings.first { reason.hasPrefix($0.0) }.flatMap { named($0.1) }
    }
}
