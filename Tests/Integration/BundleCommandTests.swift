// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Bundles from their making to a cell that runs another image, and back; with ssh-keygen's keys.
@Suite("Bundles on a machine")
struct BundleCommandTests {
    private static func ended(_ arguments: [String]) async throws -> Ended {
        try await Program.run([Place.program("jailhouse-ctl"), "bundle"] + arguments)
    }

    @Test("Signed, verified, checked, installed as a whole, and rolled back")
    func life() async throws {
        let machine = try await LiveMachine.start()
        let directory = machine.directory.url.path
        let (etc, socket) = (directory + "/etc", directory + "/run/control")
        let script = """
            cd '\(directory)'; umask 022
            ssh-keygen -q -t ed25519 -N '' -C '' -f key; ssh-keygen -q -t ed25519 -N '' -C '' -f stranger
            printf 'plant@example.org namespaces="jailhoused-bundle-1" ' > signers; cat key.pub >> signers
            for version in 1 2 3; do
                mkdir -p $version/cells $version/images
                sed "s|^path = .*|path = \\"../images/rtems.exe\\"|" '\(Place.source.path)/configs/cells/rtems.toml' \\
                    > $version/cells/rtems.toml
                cp '\(Place.inmates.path)/rtems.exe' $version/images
                echo "# $version" >> $version/cells/rtems.toml
            done
            sed -i 's/^cpus = .*/cpus = [77]/' 3/cells/rtems.toml
            """
        let prepared = try await Program.run(["sh", "-ec", script])
        try #require(prepared.status == 0, "\(prepared.errors)")
        for (name, key) in [("1", "key"), ("2", "key"), ("3", "key"), ("2", "stranger")] {
            let file = "\(directory)/\(name)-\(key).bundle"
            let made = try await Self.ended(
                ["create", "\(directory)/\(name)", "--key", "\(directory)/\(key)", "--output", file])
            try #require(made.status == 0, "\(made.errors)")
        }
        let install = { (name: String) in
            try await Self.ended([
                "install", "\(directory)/\(name).bundle", "--signers", directory + "/signers", "--directory", etc,
                "--socket", socket,
            ])
        }
        func installed() -> String {
            (try? String(contentsOfFile: etc + "/cells/rtems.toml", encoding: .utf8)) ?? ""
        }
        let verified = try await Self.ended([
            "verify", "\(directory)/1-key.bundle", "--signers", directory + "/signers",
        ])
        #expect(verified.output.contains("signed by plant@example.org"), "\(verified.errors)")

        let first = try await install("1-key")
        #expect(first.status == 0 && first.output.contains("added: rtems"), "\(first.output)\(first.errors)")
        let started = try await machine.control("start", "rtems")
        #expect(started.status == 0, "\(started.errors)")

        // a signature of nobody, a definition that check refuses, a byte changed on the way
        let stranger = try await install("2-stranger")
        #expect(stranger.status == 1 && stranger.errors.contains("of nobody"), "\(stranger.errors)")
        let wrong = try await install("3-key")
        #expect(wrong.status == 1 && wrong.errors.contains("JH"), "\(wrong.errors)")
        let changed = try await Program.run([
            "sh", "-ec", "cd '\(directory)'; sed 's/^# 2$/# 9/' 2-key.bundle > changed.bundle",
        ])
        #expect(changed.status == 0)
        let tampered = try await install("changed")
        #expect(tampered.status == 1 && tampered.errors.contains("manifest"), "\(tampered.errors)")
        #expect(installed().contains("# 1"))

        let second = try await install("2-key")
        #expect(second.status == 0 && installed().contains("# 2"), "\(second.errors)")
        #expect(try await machine.cell("rtems")?.condition == "running")
        #expect(try await machine.control("restart", "rtems").status == 0)

        let back = try await Self.ended(["rollback", "--directory", etc, "--socket", socket])
        #expect(back.status == 0 && installed().contains("# 1"), "\(back.errors)")
        #expect(try await machine.control("restart", "rtems").status == 0)
        let bundles = try FileManager.default.contentsOfDirectory(atPath: etc + "/bundles")
        #expect(bundles.count == 3, "\(bundles)")
    }

    @Test("Definitions that are of no bundle are not taken away")
    func ownDefinitions() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        let directory = machine.directory.url.path
        let script = """
            cd '\(directory)'; ssh-keygen -q -t ed25519 -N '' -C '' -f key
            printf 'x ' > signers; cat key.pub >> signers; mkdir -p 1; cp -r etc/cells 1
            """
        #expect(try await Program.run(["sh", "-ec", script]).status == 0)
        let file = directory + "/b"
        let made = try await Self.ended(["create", directory + "/1", "--key", directory + "/key", "-o", file])
        #expect(made.status == 0, "\(made.errors)")
        let install = try await Self.ended([
            "install", file, "--signers", directory + "/signers", "--directory", directory + "/etc", "--no-reload",
        ])
        #expect(install.status == 1 && install.errors.contains("of no bundle"), "\(install.errors)")
        #expect(try await machine.cell("rtems") != nil)
    }
}
