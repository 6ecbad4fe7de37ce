// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Foundation
import Testing

@testable import Commands

@Suite("report")
struct CaseReportTests {
    @Test("A name is replaced as a whole word, and always by the same one")
    func names() {
        var pseudonyms = Pseudonyms(cells: ["rtems", "rtems-2", "a<b"], others: ["board": "host"])
        let hidden = pseudonyms.hide("rtems rtems-2 my_rtems \"rtems\" on board, boards; rtems")
        #expect(hidden == "cell-1 cell-2 my_rtems \"cell-1\" on host, boards; cell-1")
        let cut = pseudonyms.hide("Cell rtems-…, rte…")
        #expect(cut == "Cell cell-2…, rte…")
        let markup = pseudonyms.hide(markup: "<p class=\"rtems\">a&lt;b</p><style>.rtems {}</style>rtems")
        #expect(markup == "<p class=\"rtems\">cell-3</p><style>.rtems {}</style>cell-1")
    }

    @Test("A name that is a word of the texts leaves them as they are")
    func commonNames() {
        var pseudonyms = Pseudonyms(cells: ["write", "System RAM", "read-write"])
        let text = "Invalid PIO write: System RAM; read-write"
        #expect(pseudonyms.hide(text) == "Invalid PIO write: System RAM; cell-3")
        #expect(pseudonyms.hide("Parking CPU 3 (Cell: \"write\")") == "Parking CPU 3 (Cell: \"cell-1\")")
        #expect(
            pseudonyms.hide(markup: "<td>write</td><p>&quot;System RAM&quot; write</p>")
                == "<td>cell-1</td><p>&quot;cell-2&quot; write</p>")
    }

    @Test("Paths are replaced, but not those that every machine has")
    func paths() {
        var pseudonyms = Pseudonyms(cells: [])
        let hidden = pseudonyms.hide(
            "/etc/x/a.toml:12: no /home/joe/b.exe. /etc/x/a.toml (/dev/jailhouse, /proc/iomem) MMIO/RAM read/write "
                + "https://example.org/x /")
        #expect(
            hidden
                == "/path-1.toml:12: no /path-2.exe. /path-1.toml (/dev/jailhouse, /proc/iomem) MMIO/RAM read/write "
                + "https://example.org/x /")
    }

    @Test("What a definition tells a guest or a program is hidden, wherever it stands; so is its own name")
    func secrets() throws {
        let text = """
            accept = { JH0901 = "Meier in Kassel wants it" }
            [cell]
            name = "customer-a"
            [[image]]
            path = "vmlinuz"
            command-line = "root=/dev/nfs nfsroot=192.0.2.4:/srv/customer password=\\"secret\\""
            [supervision]
            liveness = { kind = "command", within = "1 s", command = ["/usr/bin/look", "--token=secret", "-q"] }
            """
        let secrets = try #require(ConfigurationSecrets(text))
        #expect(secrets.name == "customer-a")
        var pseudonyms = Pseudonyms(cells: ["customer-a"], secrets: secrets.values)
        let hidden = pseudonyms.hide(text)
        for word in ["Meier", "customer", "192.0.2.4", "secret", "/usr", "-q"] {
            #expect(!hidden.contains(word), "\(hidden)")
        }
        #expect(hidden.contains("command = [\"hidden\", \"hidden\", \"hidden\"]"), "\(hidden)")
        #expect(pseudonyms.hide(markup: "<p>nfsroot at 192.0.2.4:/srv/customer</p>") == "<p>nfsroot at hidden</p>")
        let probe = try #require(
            ConfigurationSecrets("[supervision]\nliveness = { kind = \"probe\", target = \"tcp://192.0.2.7:4711\" }\n"))
        var others = Pseudonyms(cells: [], secrets: probe.values)
        #expect(others.hide("no answer from 192.0.2.7:4711") == "no answer from hidden")
        #expect(others.hide("192.0.2.7 is down") == "hidden is down")
        #expect(pseudonyms.hide("Kernel command line: BOOT=x password=secret").hasSuffix("password=hidden"))
        #expect(ConfigurationSecrets("customer = [") == nil)
        var folded = CaseFile.ConfigurationText(path: "/nowhere")
        folded.text = "command-line = \"\"\"root=customer \\\n  quiet\"\"\"\n"
        #expect(folded.withoutComments?.contains("customer") == false)
    }

    @Test("Comments are left out, but not what only looks like one")
    func comments() {
        var text = CaseFile.ConfigurationText(path: "/nowhere")
        #expect(text.text == nil && text.problem?.contains("cannot read /nowhere") == true)
        text.text = "# mine\na = \"x # y\" # z\n\nb = '#'\n"
        #expect(text.withoutComments == "a = \"x # y\"\n\nb = '#'\n")
    }

    /// A daemon with a failed cell whose files exist.
    private func daemon(_ directory: String) throws -> ScriptedDaemon {
        let definition = directory + "/secret-cell.toml"
        try """
        # the customer's
        [cell]
        name = "rtems"
        architecture = "x86"
        cpus = [3]

        [[memory]]
        name = "ram"
        physical = 0x3a000000
        virtual = 0x0
        size = "8 MiB"
        access = ["read", "write", "execute", "loadable"]
        """.write(toFile: definition, atomically: true, encoding: .utf8)
        let failure = Manager.Failure(
            at: Samples.time, reason: "CPU 3 was parked after a violation: <Invalid>", state: "failed", failedCpus: [3],
            console: [
                "FATAL: Invalid MMIO/RAM write, addr: 0x0000000020000000 size: 4",
                "RIP: 0x0000000000100020 RSP: 0x0000000000007ff0 FLAGS: 2", "Parking CPU 3 (Cell: \"rtems\")",
                "secret.exe: segment 0 of secret",
            ])
        var machine = Samples.machine
        machine.losses = [
            Manager.LostCPU(
                cpu: 1, cell: "q35", stopped: false, reason: "Invalid PIO write, port: 70 size: 1",
                meaning: "a sentence",
                console: [
                    "FATAL: Invalid PIO write, port: 70 size: 1",
                    "RIP: 0xffffffff81000020 RSP: 0x0000000000007ff0 FLAGS: 2", "Parking CPU 1 (Cell: \"q35\")",
                ])
        ]
        let details = Manager.Details(
            cell: Samples.cell(state: "failed", "gave-up", failed: [3]), definition: definition,
            images: ["/usr/lib/secret.exe"], supervision: Samples.supervision, lastFailure: failure,
            console: failure.console)
        return try ScriptedDaemon { [machine] call in
            switch call.method {
            case Manager.Describe.qualifiedName: .reply(Manager.Describe.self, .init(details: details))
            case Manager.Failures.qualifiedName: .reply(Manager.Failures.self, .init(failures: [failure]))
            case Manager.Statistics.qualifiedName:
                .reply(Manager.Statistics.self, .init(statistics: [.init(name: "vmexits_mmio", value: 7)]))
            case Manager.CommunicationRegion.qualifiedName:
                .reply(Manager.CommunicationRegion.self, .init(region: Samples.region))
            case Manager.Console.qualifiedName:
                ScriptedDaemon.Answer(
                    messages: [
                        Manager.Console.Reply(text: "Started cell \"rtems\"\n", at: Samples.time, state: "readable"),
                        .init(text: "", at: Samples.time, state: "readable"),
                    ].enumerated().compactMap {
                        try? VarlinkReply.message(of: Manager.Console.self, $0.element, continues: $0.offset == 0)
                    })
            default:
                .reply(Manager.List.self, .init(machine: machine, cells: [details.cell]))
            }
        }
    }

    @Test("The page has the failure, its meaning, the registers, the map with the address, and the configuration")
    func page() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let daemon = try daemon(directory)
        let file = directory + "/out.html"
        let outcome = try Executable.run(["report", "rtems", "-o", file, "--socket", daemon.socket])
        #expect(outcome == .init(status: 0, output: file + "\n", error: ""))
        let page = try String(contentsOfFile: file, encoding: .utf8)
        for part in [
            "The condition of rtems is gave-up", "violation: &lt;Invalid&gt;",
            "The program wrote 4 bytes at 0x20000000", "behind &quot;ram&quot; (0x0–0x7fffff)",
            "<b>rip</b> <code>0x100020</code>", "failed write", "the customer's", "<svg", "prefers-color-scheme: dark",
            "vmexits_mmio 7", "Started cell &quot;rtems&quot;", "CPUs that are lost",
            "Linux wrote 1 byte to the CMOS clock (port 0x70)", "<b>rip</b> <code>0xffffffff81000020</code>",
        ] { #expect(page.contains(part), "\(part)") }
        // nothing is loaded from elsewhere, and nothing runs
        for part in ["<script", "src=", "<link", "@import", "url(http"] { #expect(!page.contains(part), "\(part)") }
    }

    @Test("The time line has the daemon's journal, but for what is in it already, and not anonymously")
    func journal() throws {
        let lines = """
            {"MESSAGE":"rtems: restarting in 100 ms","__REALTIME_TIMESTAMP":"1792000000000001","PRIORITY":"5"}
            {"MESSAGE":[1,2],"__REALTIME_TIMESTAMP":"1792000000000002","PRIORITY":"5"}
            {"MESSAGE":"rtems: CPU 3 was parked","__REALTIME_TIMESTAMP":"1792000000000003","PRIORITY":"3"}
            nonsense
            """
        let journal = JournalEntries(lines: lines)
        #expect(journal.entries.map(\.text) == ["rtems: restarting in 100 ms", "rtems: CPU 3 was parked"])
        #expect(journal.entries.map(\.isWarning) == [false, true])
        let daemon = try daemon(try temporaryDirectory())
        var file = try CaseFile(from: Daemon(chosenSocket: daemon.socket), about: "rtems")
        file.cells[0].journal = journal
        file.cells[0].failures = [Manager.Failure(at: 1_792_000_000_000_009, reason: "CPU 3 was parked", console: [])]
        let page = CasePage(file: file, isAnonymous: false).text()
        #expect(page.contains("rtems: restarting in 100 ms") && !page.contains("rtems: CPU 3 was parked"))
        #expect(!CasePage(file: file, isAnonymous: true).text().contains("restarting in"))
    }

    @Test("Anonymous, neither page nor archive have a name or a path")
    func anonymous() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let daemon = try daemon(directory)
        let file = directory + "/out.tar.gz"
        let outcome = try Executable.run(["report", "--anonymous", "-o", file, "--socket", daemon.socket])
        #expect(outcome.status == 0, "\(outcome.error)")
        let place = directory + "/unpacked"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        let tar = Process()
        tar.executableURL = URL(filePath: "/usr/bin/env")
        tar.arguments = ["tar", "-xzf", file, "-C", place]
        try tar.run()
        tar.waitUntilExit()
        let names = try FileManager.default.subpathsOfDirectory(atPath: place)
        #expect(names.contains { $0.hasSuffix("/report.html") })
        #expect(names.contains { $0.hasSuffix("/cells/cell-1/failures.json") })
        #expect(names.contains { $0.hasSuffix("/cells/cell-1/definition.toml") })
        for name in names where name.contains(".") && !name.contains("/machine/") {
            guard let text = try? String(contentsOfFile: place + "/" + name, encoding: .utf8) else { continue }
            for secret in ["rtems", "secret", "customer", directory] {
                #expect(!text.contains(secret), "\(name): \(secret)")
            }
            #expect(!name.contains("rtems"))
        }
    }
}
