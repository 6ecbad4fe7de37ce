// SPDX-License-Identifier: Apache-2.0

/// All pages of the manual.
package enum ManualSet {
    /// The pages of formats, rules and the interface, and those of the programs.
    ///
    /// - Parameter programs: as they describe themselves.
    package static func pages(of programs: [CommandTable]) -> [ManualPage] {
        [.settingsFormat, .cellFormat, .systemFormat, .rules, .interface]
            + programs.flatMap { program in
                ManualPage.pages(
                    of: program, section: section(of: program.commandName), more: more(program.commandName),
                    see: see(program.commandName))
            }
    }

    static func section(of program: String) -> Int {
        ["jailhoused", "jailhouse-exporter"].contains(program) ? 8 : 1
    }

    private static func see(_ program: String) -> [String] {
        if program == "jailhouse-exporter" {
            return ["jailhouse-ctl-metrics(1)", "jailhoused(8)", "org.jailhoused.Manager(7)"]
        }
        return program == "jailhouse-sim"
            ? ["jailhouse-cell(5)", "jailhoused(8)", "jailhouse-ctl(1)"]
            : [
                "jailhoused(8)", "jailhouse-ctl(1)", "jailhoused.toml(5)", "jailhouse-cell(5)", "jailhouse-system(5)",
                "jailhoused-rules(7)", "org.jailhoused.Manager(7)",
            ]
    }

    private static func more(_ program: String) -> [ManualPage.Section] {
        switch program {
        case "jailhoused": [files, signals]
        case "jailhouse-ctl": [environment, files]
        case "jailhouse-sim": [simulatorEnvironment]
        default: []
        }
    }

    private static let files = ManualPage.Section(
        "FILES",
        [
            .entry("/etc/jailhoused/jailhoused.toml", [.paragraph("The daemon's settings: jailhoused.toml(5).")]),
            .entry(
                "/etc/jailhoused/cells/<name>.toml",
                [.paragraph("One cell each, with its images and its supervision: jailhouse-cell(5).")]),
            .entry(
                "/run/jailhoused/control",
                [
                    .paragraph(
                        "The socket for every method of org.jailhoused.Manager(7): for root and the group "
                            + "jailhouse-admin.")
                ]),
            .entry("/run/jailhoused/status", [.paragraph("The socket for the read-only methods: for every user.")]),
            .entry(
                "/run/jailhoused/state.json",
                [
                    .paragraph(
                        "What only the daemon knows: restart counts, what should run, the last failures. It is lost at "
                            + "the next boot, as the cells are.")
                ]),
        ])

    private static let signals = ManualPage.Section(
        "SIGNALS",
        [
            .entry(
                "SIGHUP",
                [
                    .paragraph(
                        "Reads the definitions again. A broken one is reported, and its previous version stays in force."
                    )
                ]),
            .entry("SIGTERM", [.paragraph("Ends the daemon. Cells run on, and the next daemon adopts them.")]),
        ])

    private static let environment = ManualPage.Section(
        "ENVIRONMENT",
        [
            .entry("JAILHOUSED_SOCKET", [.paragraph("The daemon's socket, unless the option --socket names another.")]),
            .entry("JAILHOUSE_SSH", [.paragraph("What --host starts instead of ssh.")]),
            .entry("NO_COLOR", [.paragraph("If it is set, no colour is used.")]),
        ])

    private static let simulatorEnvironment = ManualPage.Section(
        "ENVIRONMENT",
        [
            .entry(
                "JAILHOUSE_SIM_DIRECTORY",
                [.paragraph("The machine's directory, unless the option --directory names one.")])
        ])
}
