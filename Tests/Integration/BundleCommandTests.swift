// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Bundles from their making to a cell that runs another image, and back; with ssh-keygen's keys.
@Suite("Bundles on a machine")
struct BundleCommandTests {
    private static func ended(_ arguments: [String]) async throws -> Ended {
        try await Program.run([Place.program("jailhouse-ctl"), "bundle"] + arguments)
    }

    /// What the guide's unit measures of the definitions in force.
    private static func measurement(_ etc: String) async throws -> String {
        let page = try String(
            contentsOf: Place.source.appending(path: "docs/guide/boot.md"), encoding: .utf8)
        let command = try #require(page.firstMatch(of: /13:sha256=\$\$\((.+)\)"'\n/)).1
        let script = "cd \"$(realpath '\(etc)/cells')/..\"; \(command)"
        return try await Program.run(["sh", "-ec", script]).output
    }

    /// The name of the bundle in force.
    private static func name(_ etc: String) throws -> String {
        let cells = try FileManager.default.destinationOfSymbolicLink(atPath: etc + "/cells")
        return URL(filePath: cells).deletingLastPathComponent().lastPathComponent
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
        // what is promised is ed25519, and nobody may bring less
        let weak = try await Program.run([
            "sh", "-ec",
            """
            cd '\(directory)'; ssh-keygen -q -t rsa -b 1024 -N '' -C '' -f weak
            printf 'plant@example.org namespaces="jailhoused-bundle-1" ' > weak.signers; cat weak.pub >> weak.signers
            mkdir weak.tree; tar -xf 1-key.bundle -C weak.tree; cd weak.tree
            rm SHA256SUMS.sig; ssh-keygen -q -Y sign -f ../weak -n jailhoused-bundle-1 SHA256SUMS
            tar --format=ustar -cf ../weak.bundle SHA256SUMS SHA256SUMS.sig cells/rtems.toml images/rtems.exe
            """,
        ])
        try #require(weak.status == 0, "\(weak.errors)")
        for arguments in [
            ["create", "\(directory)/1", "--key", "\(directory)/weak", "--output", "\(directory)/never"],
            ["verify", "\(directory)/weak.bundle", "--signers", directory + "/weak.signers"],
        ] {
            let ended = try await Self.ended(arguments)
            #expect(ended.status == 1 && ended.errors.contains("ssh-rsa, not ssh-ed25519"), "\(ended)")
        }
        let verified = try await Self.ended([
            "verify", "\(directory)/1-key.bundle", "--signers", directory + "/signers",
        ])
        #expect(verified.output.contains("signed by plant@example.org"), "\(verified.errors)")

        let nowhere = try await Self.ended(["rollback", "--directory", directory + "/nowhere", "--no-reload"])
        #expect(nowhere.status == 1 && nowhere.errors.contains("no bundle is installed in"), "\(nowhere.errors)")
        #expect(!FileManager.default.fileExists(atPath: directory + "/nowhere"))
        let first = try await install("1-key")
        #expect(first.status == 0 && first.output.contains("added: rtems"), "\(first.output)\(first.errors)")
        #expect(try await Self.measurement(etc).prefix(16) == Self.name(etc))
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

        // what was changed on the disk is not taken for what was signed
        func rollBack() async throws -> Ended {
            try await Self.ended(["rollback", "--directory", etc, "--socket", socket])
        }
        func place(_ link: String) throws -> String {
            etc + "/bundles/" + (try FileManager.default.destinationOfSymbolicLink(atPath: etc + "/bundles/" + link))
        }
        let before = try place("previous")
        for change in ["echo '# tampered' >> cells/rtems.toml", "touch images/more", "chmod 600 images/rtems.exe"] {
            #expect(try await Program.run(["sh", "-ec", "cd '\(before)'; \(change)"]).status == 0)
            let refused = try await rollBack()
            #expect(refused.status == 1 && refused.errors.contains("not as it was signed"), "\(change): \(refused)")
            #expect(installed().contains("# 1"))
            let again = try await install("2-key")
            #expect(
                again.status == 0 && installed().contains("# 2\n") && !installed().contains("# tampered"), "\(again)")
            #expect(try await install("1-key").status == 0)
        }

        // a command that was killed between its two links
        let current = try FileManager.default.destinationOfSymbolicLink(atPath: etc + "/cells")
        let old = try FileManager.default.destinationOfSymbolicLink(atPath: etc + "/bundles/previous")
        #expect(try await Program.run(["ln", "-s", old, etc + "/bundles/pending"]).status == 0)
        #expect(try await Program.run(["ln", "-sfn", "nothing", etc + "/bundles/previous"]).status == 0)
        #expect(try await rollBack().status == 0 && installed().contains("# 2"), "it was ended first")
        #expect(try await rollBack().status == 0 && installed().contains("# 1"))
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: etc + "/cells") == current)
    }

    @Test("Whatever the umask is, the daemon may read it; several commands wait for each other")
    func sideBySide() async throws {
        let machine = try await LiveMachine.start()
        let directory = machine.directory.url.path
        // under an umask with which nobody else could read
        let script = """
            cd '\(directory)'; umask 022; ssh-keygen -q -t ed25519 -N '' -C '' -f key
            printf 'y ' > signers; cat key.pub >> signers
            for version in 1 2; do
                mkdir -p $version/cells $version/images; cp '\(Place.inmates.path)/rtems.exe' $version/images
                sed "s|^path = .*|path = \\"../images/rtems.exe\\"|" '\(Place.source.path)/configs/cells/rtems.toml' \
                    > $version/cells/rtems.toml
                echo "# $version" >> $version/cells/rtems.toml
            done
            ln -s /etc/hostname 1/cells/link.toml
            """
        #expect(try await Program.run(["sh", "-ec", script]).status == 0)
        let link = try await Self.ended([
            "create", directory + "/1", "--key", directory + "/key", "-o", directory + "/x",
        ])
        #expect(link.status == 1 && link.errors.contains("neither a directory nor a plain file"), "\(link)")
        try FileManager.default.removeItem(atPath: directory + "/1/cells/link.toml")
        let unsigned = try await Program.run(
            [
                Place.program("jailhouse-ctl"), "bundle", "create", directory + "/2", "--key", directory + "/key", "-o",
                directory + "/x",
            ],
            environment: ["PATH": "/nowhere"])
        #expect(unsigned.status == 1 && unsigned.errors.contains("apt install openssh-client"), "\(unsigned)")
        for version in ["1", "2"] {
            let made = try await Self.ended(
                [
                    "create", "\(directory)/\(version)", "--key", directory + "/key", "-o",
                    "\(directory)/\(version).bundle",
                ])
            #expect(made.status == 0, "\(made)")
        }
        let control = Place.program("jailhouse-ctl")
        let install = """
            cd '\(directory)'; umask 077
            '\(control)' bundle install $1.bundle --signers signers --directory etc --socket run/control
            """
        let first = try await Program.run(["sh", "-ec", install, "sh", "1"])
        #expect(first.status == 0 && first.output.contains("signed by y"), "\(first)")
        #expect(try await machine.cell("rtems") != nil, "the daemon may read it")

        // a socket that is mistyped is no sign that no daemon runs
        let inForce = { try FileManager.default.destinationOfSymbolicLink(atPath: directory + "/etc/cells") }
        let before = try inForce()
        let mistyped = install.replacing("run/control", with: "run/contol")
        let lost = try await Program.run(["sh", "-ec", mistyped, "sh", "2"])
        #expect(lost.status == 69 && lost.errors.contains("nothing is changed: cannot reach the daemon"), "\(lost)")
        #expect(try inForce() == before)

        let loops = """
            cd '\(directory)'
            for number in 1 2 3 4; do
                (for version in 1 2 1 2; do \
                    '\(control)' bundle install $version.bundle --signers signers --directory etc --socket run/control \
                    > /dev/null; done) &
            done
            for job in $(jobs -p); do wait $job; done
            test -e etc/cells/rtems.toml && '\(control)' bundle rollback --directory etc --socket run/control
            test -e etc/cells/rtems.toml
            """
        let together = try await Program.run(["bash", "-ec", loops], within: .seconds(120))
        #expect(together.status == 0, "\(together)")
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
        let bundles = directory + "/etc/bundles"
        try FileManager.default.removeItem(atPath: bundles)
        try FileManager.default.createSymbolicLink(atPath: bundles, withDestinationPath: "nowhere")
        let lost = try await Self.ended([
            "install", file, "--signers", directory + "/signers", "--directory", directory + "/etc", "--no-reload",
        ])
        #expect(lost.status == 1 && lost.errors.contains("bundles is a link that leads nowhere"), "\(lost.errors)")
        #expect(try await machine.cell("rtems") != nil)
    }
}
