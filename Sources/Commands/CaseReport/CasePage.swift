// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import FailureReports
import JailhouseInterface

/// A report as one page of HTML: no script, no other resource.
///
/// Its classes begin with `rp-`: the map's style sheet is in the same page.
struct CasePage {
    let file: CaseFile
    /// Names and paths will be replaced: what may hold others is left out.
    let isAnonymous: Bool

    func text() -> String {
        var body = "<header>\n<h1>\(HTML.escaped(title))</h1>\n"
        body += HTML.paragraph("Made \(file.made.rfc3339) by jailhouse-ctl \(Product.version).", kind: "rp-faint")
        body += file.cells.map { HTML.paragraph(summary(of: $0), kind: "rp-summary \(kind(of: $0))") }.joined()
        if file.cells.isEmpty { body += HTML.paragraph("There is no cell.", kind: "rp-summary") }
        body += "</header>\n<main>\n"
        body += section("CPUs that are lost", lostCPUs) + section("Enable that failed", refusedEnable)
        for cell in file.cells { body += section(cell) }
        body +=
            section("Map", map) + section("What check says", findings) + section("Console of the hypervisor", console)
        body += section("Configuration", configuration) + section("Versions and machine", machine)
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(HTML.escaped(title))</title>
            <style>
            \(Self.styleSheet)</style>
            </head>
            <body>
            \(body)</main>
            </body>
            </html>

            """
    }

    private var title: String {
        file.cells.count == 1 ? "Jailhouse report: cell \(file.cells[0].name)" : "Jailhouse report"
    }

    private func section(_ title: String, _ content: String) -> String {
        content.isEmpty ? "" : "<section>\n<h2>\(HTML.escaped(title))</h2>\n\(content)</section>\n"
    }

    // MARK: - A cell

    private func kind(of cell: CaseFile.Cell) -> String {
        switch Condition(cell.details.cell.condition) {
        case .well: "rp-well"
        case .bad: "rp-bad"
        case .changing, .atRest: "rp-other"
        }
    }

    /// `rtems gave up 3min ago. CPU 3 was parked …: Invalid PIO write. The program wrote …`
    func summary(of cell: CaseFile.Cell) -> String {
        let now = cell.details.cell
        let since = Moment(known: now.since).map { " since \($0.rfc3339)" } ?? ""
        var sentences = ["The condition of \(cell.name) is \(now.condition)\(since)."]
        if let failure = cell.failures.first {
            sentences.append(
                "Last failure \(Moment(microseconds: failure.at).age(now: file.made)) ago: \(failure.reason).")
            if let meaning = FailureReport(failure, of: cell.name).explanation?.summary { sentences.append(meaning) }
        } else {
            sentences.append("No failure is recorded.")
        }
        return sentences.joined(separator: " ")
    }

    private func section(_ cell: CaseFile.Cell) -> String {
        var content = ""
        for (index, failure) in cell.failures.enumerated() {
            let time = Moment(microseconds: failure.at).rfc3339
            let text = self.text(of: failure, of: cell)
            content +=
                index == 0
                ? "<h3>Last failure, \(time)</h3>\n" + text : HTML.folded("Failure of \(time): \(failure.reason)", text)
        }
        content += "<h3>Time line</h3>\n" + timeLine(of: cell)
        content += "<h3>State</h3>\n" + properties(of: cell)
        return section("Cell \(cell.name)", content)
    }

    private func text(of failure: Manager.Failure, of cell: CaseFile.Cell) -> String {
        let report = FailureReport(failure, of: cell.name, files: cell.files)
        var text = HTML.paragraph(failure.reason, kind: "rp-reason")
        if let explanation = report.explanation { text += self.text(of: explanation) }
        text += HTML.properties([
            ("State then", failure.state),
            ("Failed CPUs", failure.failedCpus.isEmpty ? nil : Text.ranges(failure.failedCpus)),
            ("VM exits then", failure.vmExits.map { "\($0)" }),
            ("For the hypervisor", failure.managementExits.map { "\($0) of them" }),
        ])
        for death in ConsoleText(failure.console.joined(separator: "\n")).deaths where death.cell == cell.name {
            text += registers(of: death, address: FailedAccess(failure, of: cell.name)?.address)
        }
        if !failure.console.isEmpty {
            text += "<h4>Console</h4>\n" + HTML.lines(failure.console.joined(separator: "\n"))
        }
        return text
    }

    private func text(of explanation: ExplanationReport) -> String {
        var text = HTML.paragraph(explanation.summary)
        if let place = explanation.place { text += HTML.properties([("Place", place)]) }
        for note in explanation.notes { text += HTML.paragraph(note) }
        if let entry = explanation.entry {
            text += HTML.paragraph("Entry that would allow it:") + HTML.lines(entry)
        }
        text += HTML.paragraph(explanation.advice)
        if let rule = explanation.rule {
            text += HTML.paragraph("The rule \(rule) of jailhouse-ctl check says so.")
        }
        return text
    }

    private var refusedEnable: String {
        guard let enable = file.machine.refusedEnable.map(RefusedEnableReport.init) else { return "" }
        return HTML.properties([("Tried", enable.at), ("Error", enable.errno ?? "")])
            + HTML.paragraph(enable.message)
            + (enable.console.isEmpty ? "" : HTML.lines(enable.console.joined(separator: "\n")))
    }

    /// Of Linux, and of whom the hypervisor itself failed.
    private var lostCPUs: String {
        LostCPUReport.all(of: file.machine).map { loss in
            var text = "<h3>\(HTML.escaped(loss.lines(.plain).first ?? "CPU \(loss.cpu)"))</h3>\n"
            if let reason = loss.reason { text += HTML.paragraph(reason, kind: "rp-reason") }
            if let explanation = loss.explanation(file.files) {
                text += self.text(of: explanation)
            } else if let meaning = loss.meaning {
                text += HTML.paragraph(meaning)
            }
            for death in ConsoleText(loss.console.joined(separator: "\n")).deaths where death.cpu == loss.cpu {
                text += registers(of: death, address: nil)
            }
            if !loss.console.isEmpty { text += "<h4>Console</h4>\n" + HTML.lines(loss.console.joined(separator: "\n")) }
            return text
        }.joined()
    }

    private func registers(of death: Death, address: UInt64?) -> String {
        guard !death.registers.isEmpty else { return "" }
        let entries = death.registers.sorted { Self.order($0.key) < Self.order($1.key) }.map { name, value in
            // the one that was the address is marked
            "<div\(value != 0 && value == address ? " class=\"rp-address\"" : "")><b>\(HTML.escaped(name))</b> <code>\(Text.hexadecimal(value))</code></div>"
        }
        return
            "<h4>Registers of CPU \(death.cpu)</h4>\n<div class=\"rp-registers\">\n\(entries.joined(separator: "\n"))\n</div>\n"
    }

    /// As the hypervisor prints them: the general ones by their number.
    private static func order(_ name: String) -> (Int, Int) {
        let digits = name.reversed().prefix { $0.isNumber }
        let number = Int(String(digits.reversed())) ?? -1
        let family = String(name.dropLast(digits.count))
        let place = printed.firstIndex(of: name) ?? printed.firstIndex(of: family) ?? printed.count
        return (place, number)
    }

    /// x86, Arm64 and Arm32; of registers with numbers what precedes these.
    private static let printed = [
        "pc", "lr", "spsr", "sp", "elr", "esr", "cpsr", "hsr", "rip", "rsp", "flags", "rax", "rbx", "rcx", "rdx", "rsi",
        "rdi", "r", "x", "cs", "base", "ar-bytes", "efer.lma", "cr", "efer",
    ]

    private func timeLine(of cell: CaseFile.Cell) -> String {
        var events: [(time: Int, text: String, kind: String)] = cell.failures.map { ($0.at, $0.reason, "rp-bad") }
        let now = cell.details.cell
        // the latest one is added with the state
        let history = cell.details.history ?? []
        events += history.dropLast(history.last?.condition == now.condition ? 1 : 0).map {
            ($0.at, $0.condition, Condition($0.condition) == .bad ? "rp-bad" : "rp-other")
        }
        events.append(
            (now.since, "\(now.condition)\(now.state.map { " (the hypervisor: \($0))" } ?? "")", kind(of: cell)))
        if let request = cell.details.lastShutdown, let time = request.at {
            let stall = request.stalled.map { "; Linux was stalled for \(Moment.duration($0))" } ?? ""
            events.append((time, "shutdown request: \(request.outcome)\(stall)", "rp-other"))
        }
        if let next = cell.details.supervision?.nextRestart { events.append((next, "next restart", "rp-other")) }
        // the daemon keeps failures only; its journal has all that it did, and who asked for it
        for entry in isAnonymous ? [] : cell.journal.entries {
            let time = entry.time.microseconds
            // a failure is in both
            let isKnown = cell.failures.contains {
                $0.at / 1_000_000 == time / 1_000_000 && entry.text.contains($0.reason)
            }
            if !isKnown { events.append((time, entry.text, entry.isWarning ? "rp-bad" : "rp-other")) }
        }
        events.append((file.made.microseconds, "this report", "rp-other"))
        let items = events.filter { $0.time > 0 }.enumerated()
            // to the millisecond, as they are shown; a failure comes before the condition that follows from it
            .sorted { ($0.element.time / 1000, $0.offset) < ($1.element.time / 1000, $1.offset) }.map(\.element).map {
                event in
                "<li class=\"\(event.kind)\"><time>\(Moment(microseconds: event.time).rfc3339)</time> "
                    + "\(HTML.escaped(event.text))</li>"
            }
        return "<ol class=\"rp-line\">\n\(items.joined(separator: "\n"))\n</ol>\n"
    }

    private func properties(of cell: CaseFile.Cell) -> String {
        let now = cell.details.cell
        let supervision = cell.details.supervision
        let totals = cell.statistics.filter { !$0.name.contains("/") && $0.value > 0 }
        return HTML.properties([
            ("Condition", now.condition), ("State", now.state.map { "\($0) (id \(now.id ?? -1))" } ?? "does not exist"),
            ("CPUs", CellRow(now).cpuText), ("Problem", cell.details.problem),
            (
                "Restarts",
                "\(now.restarts)"
                    + (supervision.map { "; \($0.restart), \($0.attempts) of \($0.attemptLimit) attempts" } ?? "")
            ),
            ("Images", cell.details.images.isEmpty ? nil : cell.details.images.joined(separator: "\n")),
            ("VM exits", totals.isEmpty ? nil : totals.map { "\($0.name) \($0.value)" }.joined(separator: "\n")),
            (
                "Communication region",
                cell.region.map { region in
                    let address = region.address.map { Text.hexadecimal(UInt64(bitPattern: Int64($0))) } ?? "none"
                    return
                        "\(address), ABI revision \(region.abiRevision), \(region.passive ? "passive" : "not passive")"
                }
            ),
        ])
    }

    // MARK: - The machine

    private var map: String {
        switch file.map {
        case .drawn(let svg): "<div class=\"rp-map\">\n\(svg)</div>\n"
        case .none(let reason): HTML.paragraph("There is no map: \(reason)")
        }
    }

    private var findings: String {
        file.findings.isEmpty
            ? HTML.paragraph("Nothing, as far as the files could be read.")
            : HTML.lines(file.findings.joined(separator: "\n"))
    }

    private var console: String {
        let state = file.consoleState.map { "Its state: \($0). " } ?? ""
        let lines = file.console.suffix(200).map { ($0.time.map { "\($0.rfc3339)  " } ?? "") + $0.text }
        let text = lines.joined(separator: "\n")
        return HTML.paragraph(
            state
                + "The times are those at which the daemon read it. \(Text.count(file.console.count, "line")) are known."
        )
            + (text.isEmpty ? "" : HTML.folded("The last lines", HTML.lines(text)))
    }

    private var configuration: String {
        let texts = [file.system].compactMap(\.self) + file.cells.compactMap(\.definition)
        return texts.map { text in
            let content = isAnonymous ? text.withoutComments : text.text
            return HTML.folded(text.path, content.map(HTML.lines) ?? HTML.paragraph(text.problem ?? "not read"))
        }.joined()
    }

    private var machine: String {
        let state = file.machine
        let lost = LostCPUReport.all(of: state).flatMap { $0.lines(.plain) }
        let hypervisor = file.console.last { $0.text.contains("Initializing Jailhouse hypervisor") }?.text
        return HTML.properties([
            ("Daemon", "jailhoused \(state.version)"), ("jailhouse-ctl", Product.version),
            (
                "Hypervisor",
                (state.enabled ? "enabled" : state.driver ? "disabled" : "no driver")
                    + (hypervisor.map { "\n" + $0 } ?? "")
            ),
            ("Driver", HostFacts.driverVersion.map { "srcversion \($0)" }),
            ("Linux", file.host.kernel), ("Distribution", file.host.distribution),
            ("Host", file.host.hostName), ("Processor", file.host.processor),
            ("Kernel parameters", file.host.commandLine.isEmpty ? nil : file.host.commandLine.joined(separator: " ")),
            (
                "Hypervisor memory",
                state.enabled
                    ? "\(state.memPoolUsed) of \(state.memPoolSize) pages, remapping \(state.remapPoolUsed) of "
                        + "\(state.remapPoolSize)" : nil
            ),
            ("Lost CPUs", lost.isEmpty ? nil : lost.joined(separator: "\n")),
        ])
    }
}
