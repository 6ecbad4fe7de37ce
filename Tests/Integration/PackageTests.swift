// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The Debian packages in a booted Debian that is bare, from their installation by apt, with what they depend on, to their
/// end; one test at a time.
@Suite("Debian packages", .serialized, .madePackages)
struct PackageTests {
    private static let apt = "DEBIAN_FRONTEND=noninteractive apt-get --yes --quiet"
    private static let all = "jailhoused jailhouse-sim jailhoused-exporter"

    @Test("Installed, used, upgraded beneath a running cell, removed, purged: nothing is left, and no cell was touched")
    func life() async throws {
        let container = try await Container.boot(
            packages: try #require(MadePackages.current).appending(path: "new"),
            root: Place.source.appending(path: ".build/bare-debian.tar"))
        // node_exporter's, for the metrics as a file
        try await container.output("mkdir -p /var/lib/prometheus/node-exporter")
        let files =
            "find /etc /usr /lib /var /opt /srv -xdev -not -path '/var/lib/dpkg*' -not -path '/var/lib/apt*' "
            + "-not -path '/var/log*' "
            + "-not -path '/var/cache/*' -not -path '/var/tmp/systemd-private-*' | sort"
        let before = try await container.output(files)
        let users = try await container.output("cut -d: -f1 /etc/passwd /etc/group | sort")

        // the only source is what they depend on
        try await container.output("\(Self.apt) update && \(Self.apt) install /root/packages/*_0.0.1_*.deb")
        for unit in [
            "jailhoused.service", "jailhoused.socket", "jailhoused-status.socket", "jailhouse-shutdown.service",
            "jailhouse-exporter.socket",
        ] {
            #expect(try await container.output("systemctl is-active \(unit)") == "active", "\(unit)")
            #expect(try await container.output("systemctl is-enabled \(unit)") == "enabled", "\(unit)")
        }
        for page in [
            "8 jailhoused", "1 jailhouse-ctl-start", "5 jailhouse-cell", "7 jailhoused-rules", "1 jailhouse-sim",
        ] {
            try await container.output("man --where \(page)")
        }
        // the notices of what is linked in
        for command in [
            "test -s /usr/share/doc/jailhoused/NOTICE.swift-nio.txt",
            "grep -q Indutny /usr/share/doc/jailhoused-exporter/copyright",
            "grep -q '^ 2014 Thomas Nixon$' /usr/share/doc/jailhoused/copyright",
            #"grep -q '"llhttp"' /usr/share/doc/jailhoused-exporter/sbom.spdx.json"#,
            #"grep -q '"cpp_magic.h"' /usr/share/doc/jailhoused/sbom.spdx.json"#,
        ] { try await container.output(command) }
        // what the installed pages link to is there
        try await container.output(
            #"""
            cd /usr/share/doc/jailhoused; for page in README.md guide/*.md /usr/share/jailhoused/examples/README.md; do
                for link in $(grep -o ']([^)#:]*[)#]' $page | tr -d '])#('); do
                    (cd $(dirname $page) && test -e $link) || { echo "$page: $link"; exit 1; }
                done
            done
            """#)
        #expect(
            try await container.output(
                """
                bash -c 'exec 3<>/dev/tcp/127.0.0.1/9842; printf "GET /metrics HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3'
                """
            ).contains("jailhouse_up 1\n"))
        // nobody asked for a hypervisor
        #expect(try await container.output("jailhouse-ctl status --json").contains(#""enabled": false"#))
        #expect(
            try await container.output("dpkg-query --show --showformat='${Conffiles}' jailhoused")
                .contains(" /etc/jailhoused/jailhoused.toml "))

        for command in [
            "cp /usr/share/jailhoused/examples/cells/rtems.toml /etc/jailhoused/cells/",
            "echo 'poll-interval = \"20 ms\"' >> /etc/jailhoused/jailhoused.toml",
            "systemctl reload jailhoused.service",
            "jailhouse-ctl enable /usr/share/jailhoused/examples/systems/q35.toml",
            "systemctl enable --now jailhouse-cell@rtems.service",
            "systemctl enable jailhouse-check@rtems.service",
            "systemctl start jailhouse-metrics.service",
            "test -e /var/lib/prometheus/node-exporter/jailhouse.prom",
        ] { try await container.output(command) }
        let unit = "systemctl show --property=MainPID,ActiveState jailhouse-cell@rtems.service"
        let follower = try await container.output(unit)
        #expect(follower.contains("=active"))
        let cell = try await Self.cell(container)
        #expect(cell.contains("running"))
        let daemon = try await container.output("systemctl show --property=MainPID jailhoused.service")

        // the status socket is everybody's
        #expect(
            try await container.output(
                """
                runuser --user nobody -- bash -c '. /usr/share/bash-completion/completions/jailhouse-ctl
                COMP_WORDS=(jailhouse-ctl start r) COMP_CWORD=2 COMP_LINE="jailhouse-ctl start r" COMP_POINT=21
                _jailhouse-ctl; echo "${COMPREPLY[*]}"'
                """) == "rtems")

        let upgrade = try await container.output("\(Self.apt) install /root/packages/*_0.0.2_*.deb")
        #expect(!upgrade.contains("rror"), "\(upgrade)")
        #expect(try await container.output("systemctl is-active jailhoused.service") == "active")
        #expect(try await container.output("systemctl show --property=MainPID jailhoused.service") != daemon)
        #expect(try await Self.cell(container) == cell)
        #expect(try await container.output(unit) == follower)
        #expect(try await container.output("cat /etc/jailhoused/jailhoused.toml").contains("20 ms"))

        try await container.output("\(Self.apt) remove jailhoused-exporter jailhoused")
        #expect(try await container.run("systemctl is-active jailhoused.service").output != "active\n")
        // the cell's unit has ended, the cell has not
        #expect(try await !container.output(unit).contains("=active"))
        let machine = try await container.output("jailhouse-sim state --directory /run/jailhouse-sim --json")
        #expect(machine.contains(#""starts" : 1,\#n      "state" : "running""#), "\(machine)")
        try await container.output("test -f /etc/jailhoused/cells/rtems.toml")
        try await container.output("test ! -e /var/lib/prometheus/node-exporter/jailhouse.prom")

        // the driver's node, which nothing of Linux's removes
        let node = "/dev/jailhouse"
        try await container.output("mknod \(node) c 1 3; chgrp jailhouse \(node); chmod 0660 \(node)")
        try await container.output("systemctl stop jailhouse-sim.service; \(Self.apt) purge \(Self.all)")
        try await container.output("\(Self.apt) autoremove --purge")
        #expect(try await container.output("stat --format='%U:%G %a' \(node)") == "root:root 600")
        #expect(try await Self.difference(before, container.output(files)) == [])
        #expect(try await container.output("cut -d: -f1 /etc/passwd /etc/group | sort") == users)
        #expect(try await container.run("test -e /run/jailhoused").status != 0)
        try await container.end()
    }

    /// The name, number, state, restarts and VM exits of the cell.
    private static func cell(_ container: Container) async throws -> String {
        struct Status: Decodable {
            var cell: CellRow
            var vmExits: Int
        }
        let text = try await container.output("jailhouse-ctl status rtems --json")
        let status = try JSONDecoder().decode(Status.self, from: Data(text.utf8))
        let cell = status.cell
        return "\(cell.name) \(cell.id ?? 0) \(cell.state ?? "") \(cell.condition) \(cell.restarts) \(status.vmExits)"
    }

    /// Lines of one text alone.
    private static func difference(_ one: String, _ other: String) -> [String] {
        Set(one.split(separator: "\n").map(String.init))
            .symmetricDifference(other.split(separator: "\n").map(String.init))
            .filter { line in
                // systemd's own; apt asks logind not to end the machine meanwhile
                !["catalog", "timers", "linger"].contains { line.hasPrefix("/var/lib/systemd/\($0)") }
            }.sorted()
    }
}
