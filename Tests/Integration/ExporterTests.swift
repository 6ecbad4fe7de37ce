// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `jailhouse-exporter` and `jailhouse-ctl metrics` on a simulated machine, read by curl and Prometheus' own tools.
@Suite("Metrics and their exporter")
struct ExporterTests {
    private static let rules = Place.source.appending(path: "fleet/prometheus")

    /// Starts the exporter of a machine.
    ///
    /// - Returns: it and its address, with a slash at the end.
    private static func exporter(of machine: LiveMachine) async throws -> (Program, String) {
        let exporter = try Program([
            Place.program("jailhouse-exporter"), "--port", "0", "--socket",
            machine.directory.url.appending(path: "run/status").path,
        ])
        try await eventually("it listens: \(exporter.errors)") {
            exporter.output.contains("/\n") || !exporter.isRunning
        }
        let address = try #require(exporter.output.split(whereSeparator: \.isWhitespace).last)
        return (exporter, String(address))
    }

    private static func get(_ url: String, _ options: String...) async throws -> String {
        let ended = try await Program.run(["curl", "--silent", "--show-error", "--max-time", "20"] + options + [url])
        return ended.output + ended.errors
    }

    @Test("Prometheus' own check has nothing to say, of the command and of the exporter")
    func promtool() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        _ = try await machine.control("start", "rtems")
        try await machine.inject("rtems", "fail")
        try await eventually("it runs again") {
            let cell = try await machine.cell("rtems")
            return cell?.restarts == 1 && cell?.condition == "running"
        }
        let (exporter, address) = try await Self.exporter(of: machine)
        defer { exporter.stop() }
        let file = machine.directory.url.appending(path: "metrics.prom").path
        #expect(try await machine.control("metrics", "--output", file).status == 0)
        let texts = [try String(contentsOfFile: file, encoding: .utf8), try await Self.get(address + "metrics")]
        for text in texts {
            #expect(text.contains("jailhouse_up 1\n"))
            #expect(text.contains("jailhouse_cell_restarts_total{cell=\"rtems\"} 1\n"))
            #expect(text.contains("jailhouse_cell_condition{cell=\"rtems\",condition=\"running\"} 1\n"))
            #expect(text.contains("jailhouse_cell_recorded_failures{cell=\"rtems\",kind=\"violation\"} 1\n"), "\(text)")
            #expect(text.contains("jailhouse_cell_vm_exits_total{cell=\"rtems\",reason=\"management\"}"))
            #expect(text.contains("jailhouse_cell_failures_total{cell=\"rtems\",kind=\"violation\"} 1\n"), "\(text)")
            #expect(text.contains("jailhouse_command_seconds_count{command=\"start\",result=\"done\"} 2\n"), "\(text)")
            #expect(text.contains("\njailhouse_poll_lateness_seconds_count "))
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let check = try await Program.run(["sh", "-c", "promtool check metrics < '\(file)'"])
            #expect(check.status == 0 && check.output + check.errors == "", "\(check.output)\(check.errors)")
        }
    }

    @Test("Without a daemon, a metric says so, and the command exits with 69")
    func down() async throws {
        let ended = try await Program.run([Place.program("jailhouse-ctl"), "metrics", "--socket", "/nowhere"])
        #expect(ended.status == 69)
        #expect(ended.output.hasSuffix("jailhouse_up 0\n"))
    }

    @Test("The page shows the cells, follows what happens, and nothing can be changed")
    func page() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        let (exporter, address) = try await Self.exporter(of: machine)
        defer { exporter.stop() }
        let page = try await Self.get(address)
        #expect(page.contains("<h3>rtems</h3>") && page.contains("○ absent"))
        let system = Place.source.appending(path: "configs/systems/q35.toml").path
        let cell = machine.directory.url.appending(path: "etc/cells/rtems.toml").path
        let drawn = try await Program.run([Place.program("jailhouse-ctl"), "map", "--format", "svg", system, cell])
        #expect(drawn.status == 0 && drawn.output.contains("rtems"), "\(drawn.errors)")
        #expect(try await Self.get(address + "map.svg") == drawn.output)
        let head = try await Self.get(address, "--head")
        #expect(head.contains("200 OK") && head.contains("default-src 'none'"))
        #expect(try await Self.get(address + "nothing", "--head").contains("404 Not Found"))
        for method in ["POST", "PUT", "DELETE"] {
            #expect(try await Self.get(address + "metrics", "--include", "--request", method).contains("405 Method"))
        }
        for body in ["x=1", String(repeating: "y", count: 100_000)] {
            let refused = try await Self.get(address, "--include", "--data", body)
            #expect(refused.contains("405 Method") && refused.contains("Allow: GET, HEAD"), "\(refused)")
        }

        let events = try Program(["curl", "--silent", "--no-buffer", address + "events"])
        defer { events.stop() }
        try await eventually("the present state comes") { events.output.contains("event: cells\n") }
        _ = try await machine.control("start", "rtems")
        try await eventually("the change comes: \(events.output)") { events.output.contains("● running") }
        machine.signalDaemon(SIGKILL)
        try await eventually("so does its end") { events.output.contains("does not answer") }
    }

    @Test("An address that it cannot have is named, with what to do")
    func places() async throws {
        let machine = try await LiveMachine.start()
        let (exporter, address) = try await Self.exporter(of: machine)
        defer { exporter.stop() }
        let port = String(address.split(separator: ":").last?.dropLast() ?? "")
        for (place, words) in [
            ("127.0.0.1", ":\(port): Address already in use"), ("192.0.2.1", "no network interface"),
        ] {
            let ended = try await Program.run([
                Place.program("jailhouse-exporter"), "--address", place, "--port", port,
            ])
            #expect(ended.status != 0 && ended.errors.contains(words), "\(ended)")
            #expect(!ended.errors.contains("bind("), "\(ended.errors)")
        }
    }

    @Test("A browser shows it on a phone and on a desk, light and dark, and what happens without a reload")
    func browser() async throws {
        let sorter = try Definitions.rtems(
            ("name = \"rtems\"", "name = \"sorter\""), ("[3]", "[2]"), ("0x3a000000", "0x3b000000"),
            ("0x3f8", "0x2f8"), ("attempts = 5", "attempts = 1"))
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems(), "sorter": sorter])
        for (cell, end) in [("rtems", "running"), ("sorter", "running"), ("sorter", "gave-up")] {
            if end == "running" { _ = try await machine.control("start", cell) }
            try await machine.inject(cell, "fail")
            try await eventually("\(cell) has failed") {
                let row = try await machine.cell(cell)
                return row?.restarts == 1 && row?.condition == end
            }
        }
        let (exporter, address) = try await Self.exporter(of: machine)
        defer { exporter.stop() }
        let ended = try await Program.run(
            [
                "python3", Place.source.appending(path: "Tests/Integration/status_page.py").path, address,
                Place.program("jailhouse-ctl"), machine.directory.url.appending(path: "etc/cells").path,
                Place.source.appending(path: ".build/screenshots").path,
            ],
            environment: ["JAILHOUSED_SOCKET": machine.directory.url.appending(path: "run/control").path],
            within: .seconds(120))
        #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
    }

    @Test("Clients that say nothing, or too many of them, keep no other one out for long")
    func hostile() async throws {
        let machine = try await LiveMachine.start()
        let (exporter, address) = try await Self.exporter(of: machine)
        defer { exporter.stop() }
        let port = address.split(separator: ":").last?.dropLast() ?? ""
        let script = """
            import socket, time
            clients = [socket.create_connection(("127.0.0.1", \(port))) for _ in range(100)]
            clients[0].sendall(b"GET /metrics HTTP/1.1\\r\\nX: " + b"y" * 200000)
            print("connected", flush=True)
            for client in clients:
                client.settimeout(30)
                try:
                    while client.recv(4096): pass
                except ConnectionError: pass
            print("all closed", flush=True)
            """
        let clients = try Program(["python3", "-c", script])
        try await eventually("they are there") { clients.output.contains("connected") }
        // who asks something comes before who does not
        let began = ContinuousClock.now
        #expect(try await Self.get(address + "metrics").contains("jailhouse_up 1"))
        #expect(ContinuousClock.now - began < .seconds(5))
        try await eventually("they are gone: \(clients.errors)", within: .seconds(40)) {
            clients.output.contains("all closed")
        }
        #expect(try await Self.get(address + "metrics").contains("jailhouse_up 1"))
    }

    @Test("Handshakes count, however they end")
    func handshakes() async throws {
        let definition = try Definitions.rtems((#"stop-timeout = "5 s""#, #"stop-timeout = "100 ms""#))
        let machine = try await LiveMachine.start(cells: ["rtems": definition])
        _ = try await machine.control("start", "rtems")
        func count(_ result: String) async throws -> String {
            let metrics = try await machine.control("metrics").output
            return metrics.split(separator: "\n").first {
                $0.hasPrefix("jailhouse_command_seconds_count{command=\"shut-down\",result=\"\(result)\"}")
            }.map(String.init) ?? ""
        }
        try await machine.inject("rtems", "deny")
        #expect(try await machine.control("stop", "rtems").status == 1)
        #expect(try await count("refused") != "")
        let others = [try await count("done"), try await count("unanswered")]
        #expect(others == ["", ""])
        try await machine.inject("rtems", "hang")
        _ = try await machine.control("stop", "rtems")
        #expect(try await count("unanswered").hasSuffix(" 1"), "\(machine.console)")
        #expect(try await count("done") == "")
    }

    @Test("The answer to HEAD is that to GET without its body")
    func heads() async throws {
        let machine = try await LiveMachine.start()
        let (exporter, address) = try await Self.exporter(of: machine)
        defer { exporter.stop() }
        let port = address.split(separator: ":").last?.dropLast() ?? ""
        // the second request shows where the first answer ends
        let script = """
            import re, socket
            def ask(method, path, version):
                with socket.create_connection(("127.0.0.1", \(port)), 20) as client:
                    for last in (f"{method} {path}", "HEAD /nothing"):
                        client.sendall(f"{last} HTTP/{version}\\r\\nHost: x\\r\\n\\r\\n".encode())
                    text = b""
                    while b"\\r\\n\\r\\n" not in text or method == "HEAD":
                        more = client.recv(65536)
                        text += more
                        if not more or text.count(b"HTTP/") == 2: break
                    head, _, rest = text.partition(b"\\r\\n\\r\\n")
                    # what was made meanwhile may be longer or shorter
                    return re.sub(rb"(Content-Length: )\\d+", rb"\\1N", head), rest
            for path in "/", "/metrics", "/events", "/map.svg", "/script.js", "/nothing":
                for version in "1.1", "1.0":
                    (get, _), (head, rest) = ask("GET", path, version), ask("HEAD", path, version)
                    print(path, version, "alike" if get == head else (get, head), b"Content-Length" in head,
                          "bare" if rest == b"" or rest.startswith(b"HTTP/") else rest)
            """
        let ended = try await Program.run(["python3", "-c", script], within: .seconds(120))
        let expected = ["/", "/metrics", "/events", "/map.svg", "/script.js", "/nothing"].flatMap { path in
            ["1.1", "1.0"].map { "\(path) \($0) alike \(path == "/events" ? "False" : "True") bare\n" }
        }
        #expect(ended.output == expected.joined(), "\(ended.output)\(ended.errors)")
    }

    @Test("Who has sent all requests, and says so, gets all answers; events have a head")
    func halfClosed() async throws {
        let machine = try await LiveMachine.start()
        let (exporter, address) = try await Self.exporter(of: machine)
        defer { exporter.stop() }
        let port = address.split(separator: ":").last?.dropLast() ?? ""
        let script = """
            import socket
            def ask(*lines):
                with socket.create_connection(("127.0.0.1", \(port)), 20) as client:
                    for line in lines:
                        client.sendall(f"{line} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode())
                    client.shutdown(socket.SHUT_WR)
                    text = b""
                    while more := client.recv(65536): text += more
                    print(text.count(b"HTTP/1.1 200"), text.count(b"jailhouse_up 1"), text.count(b"text/event-stream"))
            ask("GET /metrics")
            ask("GET /metrics", "GET /metrics")
            ask("HEAD /events")
            ask()
            """
        let ended = try await Program.run(["python3", "-c", script], within: .seconds(60))
        #expect(ended.output == "1 1 0\n2 2 0\n1 0 1\n0 0 0\n", "\(ended.output)\(ended.errors)")
    }

    @Test("Who asks over and over and reads nothing costs no memory")
    func pipelined() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        let (exporter, address) = try await Self.exporter(of: machine)
        defer { exporter.stop() }
        _ = try await Self.get(address + "map.svg")
        let process = ProcessFiles(identifier: exporter.identifier)
        let before = process.residentMemory
        let port = address.split(separator: ":").last?.dropLast() ?? ""
        let script = """
            import select, socket
            client = socket.create_connection(("127.0.0.1", \(port)))
            try: client.sendall(b"GET /map.svg HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" * 20000)
            except OSError: pass
            hung = select.poll()
            hung.register(client, 0)
            hung.poll()
            print("dropped", flush=True)
            """
        let client = try Program(["python3", "-c", script])
        try await eventually("it is dropped: \(client.errors)", within: .seconds(60)) {
            #expect(process.residentMemory - before < 32 << 20)
            return client.output.contains("dropped")
        }
        #expect(try await Self.get(address + "metrics").contains("jailhouse_up 1"))
    }

    @Test("Prometheus scrapes two machines, and an alert fires for the one that fails")
    func prometheus() async throws {
        let machines = [
            try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()]),
            try await LiveMachine.start(cells: [
                "rtems": try Definitions.rtems(
                    ("attempts = 5", "attempts = 1"))
            ]),
        ]
        var exporters: [(Program, String)] = []
        for machine in machines {
            _ = try await machine.control("start", "rtems")
            exporters.append(try await Self.exporter(of: machine))
        }
        defer { exporters.forEach { $0.0.stop() } }
        let directory = try TemporaryDirectory()
        let targets = exporters.map { "\"\($0.1.dropFirst("http://".count).dropLast())\"" }.joined(separator: ", ")
        try """
        global: { scrape_interval: 1s, evaluation_interval: 1s }
        rule_files: ["\(Self.rules.path)/jailhouse.rules.yml"]
        scrape_configs: [{ job_name: jailhouse, static_configs: [{ targets: [\(targets)] }] }]
        """.write(to: directory.url.appending(path: "p.yml"), atomically: true, encoding: .utf8)
        let port = try await Self.freePort()
        let prometheus = try Program([
            "prometheus", "--config.file=\(directory.url.path)/p.yml", "--storage.tsdb.path=\(directory.url.path)/data",
            "--web.listen-address=127.0.0.1:\(port)",
        ])
        defer { prometheus.stop() }
        func query(_ expression: String) async throws -> String {
            try await Self.get(
                "http://127.0.0.1:\(port)/api/v1/query", "--get", "--data-urlencode", "query=\(expression)")
        }
        try await eventually("both are scraped: \(prometheus.errors)", within: .seconds(60)) {
            try await query("sum(jailhouse_cell_condition{condition=\"running\"})").contains("\"2\"")
        }
        for _ in 0..<2 {
            try await machines[1].inject("rtems", "fail")
            try await eventually("it has failed") {
                let condition = try await machines[1].cell("rtems")?.condition
                return condition == "gave-up" || condition == "running"
            }
        }
        try await eventually("the alert fires", within: .seconds(60)) {
            let alerts = try await query("ALERTS{alertname=\"JailhouseCellGaveUp\",alertstate=\"firing\"}")
            return alerts.contains("\"cell\":\"rtems\"")
        }
    }

    @Test("The alert rules do what their own tests say")
    func alertRules() async throws {
        let ended = try await Program.run(
            ["promtool", "test", "rules", Self.rules.appending(path: "jailhouse.test.yml").path])
        #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
    }

    @Test("The dashboard shows what has happened for the first time, and nothing twice after an interruption")
    func dashboard() async throws {
        struct Dashboard: Decodable {
            struct Panel: Decodable {
                struct Target: Decodable { var expr: String }
                var title: String
                var targets: [Target]?
            }
            var panels: [Panel]
        }
        let file = Self.rules.appending(path: "../grafana/jailhouse.json")
        let dashboard = try JSONDecoder().decode(Dashboard.self, from: Data(contentsOf: file))
        let expected = [
            ("Failures by kind", "'{cell=\"rtems\",kind=\"violation\"}'", "2", "0"),
            ("Dropped accesses of devices", "'{instance=\"a\",device=\"00:1b.0\"}'", "0.01", "0"),
            ("Handshakes and other commands of the driver", "'{instance=\"a\",command=\"create\"}'", "0.25", nil),
        ]
        // nothing was heard of "a" from the 26th minute to the 45th
        var text = """
            evaluation_interval: 1m
            tests:
              - interval: 1m
                input_series:
                  - {series: 'jailhouse_up{instance="a"}', values: '1x25 _x20 1x20'}
                  - {series: 'jailhouse_cell_failures_total{instance="a",cell="rtems",kind="violation"}', values: '_x16 2x9 _x20 2x20'}
                  - {series: 'jailhouse_device_faults_total{instance="a",device="00:1b.0"}', values: '_x16 3x9 _x20 3x20'}
                  - {series: 'jailhouse_command_seconds_sum{instance="a",command="create"}', values: '_x16 0.5x9'}
                  - {series: 'jailhouse_command_seconds_count{instance="a",command="create"}', values: '_x16 2x9'}
                promql_expr_test:

            """
        for (title, labels, first, later) in expected {
            let panel = try #require(dashboard.panels.first { $0.title == title })
            let expression = try #require(panel.targets?.first?.expr)
                .replacing("$machine", with: ".*").replacing("$cell", with: ".*")
            for (time, value) in [("18m", first), ("24m", later), ("48m", later)] {
                guard let value else { continue }
                text += "      - {expr: '\(expression)', eval_time: \(time), "
                text += "exp_samples: [{labels: \(labels), value: \(value)}]}\n"
            }
        }
        let directory = try TemporaryDirectory()
        let cases = directory.url.appending(path: "dashboard.yml")
        try text.write(to: cases, atomically: true, encoding: .utf8)
        let ended = try await Program.run(["promtool", "test", "rules", cases.path])
        #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
    }

    private static func freePort() async throws -> String {
        let script = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
        return try await Program.run(["python3", "-c", script]).output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
