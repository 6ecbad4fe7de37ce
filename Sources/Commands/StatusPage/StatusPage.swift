// SPDX-License-Identifier: Apache-2.0

import ConfigurationRules
package import ControlInterface
package import Metrics

/// The page of jailhouse-exporter: the machine and its cells, for a person to look at. It changes nothing.
package struct StatusPage {
    /// Nil: the daemon cannot be reached.
    private let sample: MachineSample?

    package init(_ sample: MachineSample?) {
        self.sample = sample
    }

    /// The whole page, which ``script`` keeps up to date.
    ///
    /// - Parameter host: the machine's name.
    package func document(host: String) -> String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Cells of \(HTML.escaped(host))</title>
        <style>
        \(CasePage.styleSheet)\(Self.styleSheet)</style>
        <script src="script.js" defer></script>
        </head>
        <body>
        <header>
        <h1>Cells of \(HTML.escaped(host))</h1>
        <p class="rp-faint" id="connection" role="status">as of the last reload</p>
        </header>
        <main id="cells">
        \(fragment)</main>
        <section>
        <h2>Memory</h2>
        <p class="sp-map"><a href="map.svg"><img src="map.svg" alt="Map of the memory of the machine and its cells"></a></p>
        </section>
        </body>
        </html>

        """
    }

    /// What is inside `main`. It has no ages, so that it changes only when something happens.
    package var fragment: String {
        guard let sample else {
            return HTML.paragraph("The daemon does not answer: systemctl status jailhoused", kind: "rp-summary rp-bad")
        }
        var text = HTML.paragraph(
            Self.sentence(about: sample.machine), kind: "rp-summary \(Self.kind(of: sample.machine))")
        text += (sample.machine.deviceFaults ?? []).map { fault in
            HTML.paragraph(
                "An IOMMU dropped \(fault.count == 1 ? "an access" : "\(fault.count) accesses") of \(fault.device).",
                kind: "rp-summary rp-bad")
        }.joined()
        if sample.machine.deviceFaultOverflows != nil {
            text += HTML.paragraph("It dropped more than it could report.", kind: "rp-summary rp-bad")
        }
        if sample.cells.isEmpty { text += HTML.paragraph("There is no cell.") }
        return text + "<div class=\"sp-cells\">\n" + sample.cells.map(Self.card).joined() + "</div>\n"
    }

    private static func sentence(about machine: Manager.Machine) -> String {
        let hypervisor =
            machine.enabled
            ? "The hypervisor is enabled." : machine.driver ? "The hypervisor is disabled." : "There is no driver."
        guard let lost = LostCPUReport.sentence(about: LostCPUReport.all(of: machine)) else { return hypervisor }
        return hypervisor + " " + lost.prefix(1).uppercased() + lost.dropFirst()
            + ": save your work and reset the machine."
    }

    private static func kind(of machine: Manager.Machine) -> String {
        if !LostCPUReport.all(of: machine).isEmpty || !machine.driver { return "rp-bad" }
        return machine.enabled ? "rp-well" : ""
    }

    private static func card(_ cell: MachineSample.Cell) -> String {
        let shown = cell.details.cell
        let condition = Condition(shown.condition)
        let kind =
            switch condition {
            case .well: "rp-well"
            case .bad: "rp-bad"
            case .changing: "sp-changing"
            case .atRest: "sp-rest"
            }
        var text = "<article class=\"sp-cell \(kind)\">\n<h3>\(HTML.escaped(shown.name))</h3>\n"
        text += HTML.element("p", "\(condition.bullet) \(HTML.escaped(shown.condition))", kind: "sp-condition") + "\n"
        text += HTML.properties([
            ("Since", Moment(known: shown.since)?.rfc3339), ("State", shown.state),
            ("CPUs", Text.ranges(shown.cpus)),
            ("Failed CPUs", shown.failedCpus.isEmpty ? nil : Text.ranges(shown.failedCpus)),
            ("Restarts", "\(shown.restarts)"), ("VM exits", cell.details.vmExits.map(String.init)),
            ("Problem", cell.details.problem),
        ])
        for (index, failure) in cell.failures.reversed().enumerated() {
            text += Self.failure(failure, of: shown.name, isLast: index == 0)
        }
        return text + "</article>\n"
    }

    private static func failure(_ failure: Manager.Failure, of cell: String, isLast: Bool) -> String {
        let report = FailureReport(failure, of: cell)
        let time = Moment(microseconds: failure.at).rfc3339
        var content = ""
        if let explanation = report.explanation {
            content += HTML.paragraph(explanation.summary) + HTML.paragraph(explanation.advice)
        }
        if !failure.console.isEmpty { content += HTML.lines(failure.console.joined(separator: "\n")) }
        let title =
            "\(isLast ? "Last failure" : "Failure"), <time datetime=\"\(time)\">\(time)</time>: "
            + HTML.escaped(failure.reason)
        // its id lets the script keep it open
        let id = HTML.escaped("\(cell)-\(failure.at)")
        return "<details id=\"\(id)\"><summary>\(title)</summary>\n\(content)</details>\n"
    }

    /// The map of the memory, with what the daemon's check says.
    ///
    /// - Parameter configurations: nil: the daemon cannot be asked.
    package static func map(of configurations: Manager.Configurations.Reply?, _ findings: [Manager.Finding]) -> String {
        guard let configurations else { return emptyMap("the daemon does not say its configuration") }
        guard configurations.system != nil || !configurations.cells.isEmpty else {
            return emptyMap("neither a system nor a cell is configured")
        }
        return SVGMap(MemoryMap(configurations, findings)).text()
    }

    private static func emptyMap(_ reason: String) -> String {
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 40" width="720" height="40" role="img">
        <style>text { font: 15px sans-serif; fill: #5f6b76; }
        @media (prefers-color-scheme: dark) { text { fill: #9aa5b1; } }</style>
        <text x="4" y="24">There is no map: \(HTML.escaped(reason))</text></svg>

        """
    }
}
