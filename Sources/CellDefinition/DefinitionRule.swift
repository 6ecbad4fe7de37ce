// SPDX-License-Identifier: Apache-2.0

package import ConfigurationRules

/// The rules about how cells are looked after.
package enum DefinitionRule {
    /// In the order of their numbers.
    package static let all = [
        unboundedHandshake, competingStarts, knownDependencies, dependencyCycle, simulatedOnly, ambiguousName,
        needlessAcceptance, fileTrust,
    ]

    static let unboundedHandshake = RuleText(
        id: "JH0901", severity: .error, title: "a cell that hangs does not hang Linux",
        consequence:
            "whenever this cell or any other is loaded, restarted, created or destroyed, Linux is stalled on all its CPUs "
            + "until the cell's program replies; if the program hangs, the whole machine hangs and needs a power cycle",
        remedy:
            "set message-timeout in [cell] (1000000 is about a second on x86, a fifth of one on Arm64) or, if the program "
            + "replies to no messages, passive-comm-region = true; to take the risk: [accept] JH0901 = \"the reason\", or "
            + "accept-unbounded-handshake = true in [supervision]"
    )

    static let simulatedOnly = RuleText(
        id: "JH0905", severity: .error, title: "a definition for the simulated machine is used there only",
        consequence:
            "the cell takes hardware from Linux that Linux uses, and stops CPUs of Linux: the daemon does not create it on "
            + "a real machine",
        remedy: "build the program without that hardware, then remove its ports and \"only\" from [simulation]"
    )

    static let ambiguousName = RuleText(
        id: "JH0906", severity: .error, title: "one definition describes a cell",
        consequence: "neither of them is used: whichever was meant, the other would be wrong",
        remedy: "rename one of them, or remove it"
    )

    static let needlessAcceptance = RuleText(
        id: "JH0907", severity: .note, title: "what is accepted is there to be accepted",
        consequence: "the line accepts nothing today, and would hide the same mistake if somebody makes it later",
        remedy: "remove the line from [accept], or correct the rule's id"
    )

    static let competingStarts = RuleText(
        id: "JH0902", severity: .warning, title: "cells that start by themselves have CPUs of their own",
        consequence: "the second of them cannot be created",
        remedy: "set autostart = false in one of them, or give them CPUs of their own"
    )

    static let knownDependencies = RuleText(
        id: "JH0903", severity: .error, title: "the cells that a cell requires or comes after are defined",
        consequence: "the cell it waits for can never run, so the definition is refused",
        remedy: "correct the name, or check the other cell's definition together with this one"
    )

    static let dependencyCycle = RuleText(
        id: "JH0904", severity: .error, title: "cells do not wait for each other in a cycle",
        consequence: "none of them could be started first, so the definitions are refused",
        remedy: "remove one of the names from \"requires\" or \"after\""
    )
}
