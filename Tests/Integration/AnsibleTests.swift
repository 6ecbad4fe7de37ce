// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The collection in `fleet/ansible`, by Debian's Ansible: two simulated machines with a daemon each, which Ansible takes
/// for two hosts.
@Suite("Ansible")
struct AnsibleTests {
    private static let collection = Place.source.appending(path: "fleet/ansible")

    struct Fleet {
        let machines: [LiveMachine]
        let directory: TemporaryDirectory

        func path(_ name: String) -> String { directory.url.appending(path: name).path }

        /// Runs a program of Ansible's with the two hosts.
        func run(_ program: String, _ arguments: String...) async throws -> Ended {
            try await run(program, arguments)
        }

        func run(_ program: String, _ arguments: [String]) async throws -> Ended {
            try await Program.run(
                [program, "-i", path("inventory")] + arguments,
                environment: [
                    "ANSIBLE_COLLECTIONS_PATH": path("collections"), "ANSIBLE_HOME": path("home"),
                    "ANSIBLE_LOCALHOST_WARNING": "False", "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8",
                ], within: .seconds(180))
        }

        /// The module for the cell of the first host.
        func cell(_ arguments: String, _ options: String...) async throws -> String {
            let common =
                "name=rtems socket={{ jailhouse_socket }} executable={{ jailhouse_executable }} healthy_for=0 "
                + "directory={{ jailhouse_directory }} "
            let ended = try await Program.run(
                [
                    "ansible", "-i", path("inventory"), "board-0", "-m", "jailhoused.jailhoused.jailhouse_cell",
                    "-a", common + arguments,
                ] + options,
                environment: [
                    "ANSIBLE_COLLECTIONS_PATH": path("collections"), "ANSIBLE_HOME": path("home"),
                    "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8",
                ])
            return ended.output + ended.errors
        }
    }

    /// - Parameter rules: what comes in front of `restart` in the definitions.
    static func fleet(rules: String = "") async throws -> Fleet {
        let directory = try TemporaryDirectory()
        let path = { (name: String) in directory.url.appending(path: name).path }
        var machines: [LiveMachine] = []
        var inventory = "[all]\n"
        for number in 0..<2 {
            let image = path("image-\(number).exe")
            try FileManager.default.copyItem(atPath: Place.inmates.appending(path: "rtems.exe").path, toPath: image)
            let definition = try Definitions.rtems(
                ("\(Place.inmates.path)/rtems.exe", image), ("restart = ", "\(rules)restart = "))
            let machine = try await LiveMachine.start(cells: ["rtems": definition])
            #expect(try await machine.control("start", "rtems").status == 0)
            inventory +=
                "board-\(number) ansible_connection=local jailhouse_image_path=\(image) "
                + "jailhouse_socket=\(machine.directory.url.path)/run/control jailhouse_stage=\(path("stage-\(number)")) "
                + "jailhouse_directory=\(machine.directory.url.path)/etc "
                + "ansible_python_interpreter=/usr/bin/python3\n"
            try FileManager.default.createDirectory(atPath: path("stage-\(number)"), withIntermediateDirectories: true)
            machines.append(machine)
        }
        inventory += "[all:vars]\njailhouse_executable=\(Place.program("jailhouse-ctl"))\njailhouse_cell=rtems\n"
        try inventory.write(toFile: path("inventory"), atomically: true, encoding: .utf8)
        let place = path("collections/ansible_collections/jailhoused")
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: place + "/jailhoused", withDestinationPath: collection.path)
        return Fleet(machines: machines, directory: directory)
    }

    static func starts(_ machine: LiveMachine) async throws -> Int? {
        try await machine.state().cells.first { $0.name == "rtems" }?.starts
    }

    @Test("An image goes from machine to machine; a bad one goes no further than the first, which goes back")
    func rolling() async throws {
        let fleet = try await Self.fleet()
        let rtems = try Data(contentsOf: Place.inmates.appending(path: "rtems.exe"))
        let rolling = Self.collection.appending(path: "playbooks/rolling.yml").path
        // the same program, with something behind it
        try (rtems + Data("2".utf8)).write(to: URL(filePath: fleet.path("good.exe")))
        try rtems.prefix(300).write(to: URL(filePath: fleet.path("bad.exe")))

        for (image, isGood) in [("bad.exe", false), ("good.exe", true)] {
            let check = try await fleet.run(
                "ansible-playbook", rolling, "--check", "-e", "jailhouse_image=\(fleet.path(image))")
            #expect((check.status == 0) == isGood, "\(check.output)\(check.errors)")
            #expect(check.output.contains(isGood ? "changed=" : "JH0802"), "\(check.output)")
            #expect(try Data(contentsOf: URL(filePath: fleet.path("image-0.exe"))) == rtems)
        }
        let good = try await fleet.run(
            "ansible-playbook", rolling, "-e", "jailhouse_image=\(fleet.path("good.exe"))", "-e",
            "jailhouse_healthy_for=1")
        #expect(good.status == 0, "\(good.output)\(good.errors)")
        for (number, machine) in fleet.machines.enumerated() {
            #expect(try await Self.starts(machine) == 2)
            #expect(try Data(contentsOf: URL(filePath: fleet.path("image-\(number).exe"))).count == rtems.count + 1)
        }
        let again = try await fleet.run(
            "ansible-playbook", rolling, "-e", "jailhouse_image=\(fleet.path("good.exe"))")
        #expect(again.output.contains("changed=0"), "\(again.output)")

        let bad = try await fleet.run(
            "ansible-playbook", rolling, "-e", "jailhouse_image=\(fleet.path("bad.exe"))", "-e",
            "jailhouse_healthy_for=1")
        #expect(bad.status != 0 && bad.output.contains("are in force again"), "\(bad.output)")
        #expect(!bad.output.contains("board-1 "), "\(bad.output)")
        #expect(try await Self.starts(fleet.machines[1]) == 2)
        for (number, machine) in fleet.machines.enumerated() {
            #expect(try await machine.cell("rtems")?.condition == "running")
            #expect(try Data(contentsOf: URL(filePath: fleet.path("image-\(number).exe"))).count == rtems.count + 1)
        }
    }

    @Test("The module says what it would do, does it, and then has nothing to do")
    func module() async throws {
        let fleet = try await Self.fleet()
        #expect(try await fleet.cell("state=stopped", "--check").contains("CHANGED"))
        #expect(try await fleet.machines[0].cell("rtems")?.condition == "running")
        #expect(try await fleet.cell("state=stopped").contains("CHANGED"))
        #expect(try await fleet.machines[0].cell("rtems")?.condition == "stopped")
        #expect(try await fleet.cell("state=stopped").contains("SUCCESS"))
        #expect(try await fleet.cell("state=running").contains("CHANGED"))
        #expect(try await fleet.cell("state=running").contains("SUCCESS"))
        #expect(try await fleet.cell("state=absent").contains("CHANGED"))
        #expect(try await fleet.machines[0].cell("rtems")?.id == nil)
    }

    @Test("A silent cell runs, and gets another image all the same")
    func silent() async throws {
        let fleet = try await Self.fleet(
            rules: "restart-silent = false\nliveness = { kind = \"external\", within = \"2 s\" }\n")
        let machine = fleet.machines[0]
        try await eventually("it is silent") { try await machine.cell("rtems")?.condition == "silent" }
        #expect(try await fleet.cell("state=running").contains("SUCCESS"))
        let image = try Data(contentsOf: URL(filePath: fleet.path("image-0.exe"))) + Data("2".utf8)
        try image.write(to: URL(filePath: fleet.path("new.exe")))
        let changed = try await fleet.cell("image=\(fleet.path("new.exe")) image_path=\(fleet.path("image-0.exe"))")
        #expect(changed.contains("CHANGED"), "\(changed)")
        #expect(try await Self.starts(machine) == 2)
    }

    /// The argument of the module for the first host's definition with these changes.
    static func definition(_ fleet: Fleet, _ changes: (String, String)...) throws -> String {
        let old = fleet.machines[0].directory.url.appending(path: "etc/cells/rtems.toml")
        var text = try String(contentsOf: old, encoding: .utf8)
        for (one, other) in changes {
            try #require(text.contains(one), "\(one)")
            text = text.replacingOccurrences(of: one, with: other)
        }
        try text.write(toFile: fleet.path("definition.toml"), atomically: true, encoding: .utf8)
        return "definition={{ lookup('file', '\(fleet.path("definition.toml"))', rstrip=false) }} "
    }

    @Test("A cell whose definition has other hardware is created again with it, and with the old one when it goes back")
    func hardware() async throws {
        let fleet = try await Self.fleet()
        let machine = fleet.machines[0]
        let two = try await fleet.cell(Self.definition(fleet, ("cpus = [3]", "cpus = [2]")))
        #expect(two.contains("CHANGED"), "\(two)")
        #expect(try await machine.cell("rtems")?.cpus == [2])
        #expect(try await fleet.cell(Self.definition(fleet)).contains("SUCCESS"))

        // somebody else has changed it
        _ = try Self.definition(fleet, ("cpus = [2]", "cpus = [3]"))
        try machine.write(String(contentsOfFile: fleet.path("definition.toml"), encoding: .utf8), toCell: "rtems")
        #expect(try await machine.control("reload").status == 0)
        #expect(try await fleet.cell("state=running", "--check").contains("CHANGED"))
        #expect(try await fleet.cell("state=running").contains("CHANGED"))
        #expect(try await machine.cell("rtems")?.cpus == [3])

        // it runs, and gives no sign of life
        let silent = "restart-silent = false\nliveness = { kind = \"external\", within = \"1 s\" }\nrestart = "
        let back = try await fleet.cell(
            Self.definition(fleet, ("cpus = [3]", "cpus = [2]"), ("\nrestart = ", "\n\(silent)")) + "healthy_for=4")
        #expect(back.contains("are in force again"), "\(back)")
        #expect(try await machine.cell("rtems")?.cpus == [3])
        #expect(try await machine.cell("rtems")?.condition == "running")
    }

    @Test("Nothing is written where the daemon does not read it, or into a signed bundle")
    func places() async throws {
        let fleet = try await Self.fleet()
        let etc = fleet.machines[0].directory.url.appending(path: "etc")
        let image = "image=\(fleet.path("image-1.exe")) "
        for option in ["--one-line", "--check"] {
            let mistyped = try await fleet.cell(image + "image_path=\(fleet.path("imgae-0.exe"))", option)
            #expect(mistyped.contains("imgae-0.exe is no image of rtems: its definition has "), "\(mistyped)")
        }
        for name in ["../rtems", "-rtems", ".rtems"] {
            let misnamed = try await fleet.cell(Self.definition(fleet) + "name=\(name)", "--check")
            #expect(misnamed.contains("name: \(name) is no name of a cell"), "\(misnamed)")
        }
        let unnamed = try await fleet.cell(
            Self.definition(fleet, ("image-0.exe", "image-2.exe")) + image + "image_path=\(fleet.path("image-0.exe"))")
        #expect(unnamed.contains("is no image of rtems"), "\(unnamed)")
        #expect(!FileManager.default.fileExists(atPath: fleet.path("imgae-0.exe")))

        let changed = ("cpus = [3]", "cpus = [2]")
        try FileManager.default.createDirectory(
            atPath: fleet.path("other/cells"), withIntermediateDirectories: true)
        let elsewhere = try await fleet.cell(
            Self.definition(fleet, changed) + "directory=\(fleet.path("other"))")
        #expect(elsewhere.contains("the daemon does not read "), "\(elsewhere)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: fleet.path("other/cells")).isEmpty)

        try FileManager.default.createDirectory(
            atPath: etc.path + "/bundles/0123456789abcdef", withIntermediateDirectories: true)
        try FileManager.default.moveItem(
            atPath: etc.path + "/cells", toPath: etc.path + "/bundles/0123456789abcdef/cells")
        try FileManager.default.createSymbolicLink(
            atPath: etc.path + "/cells", withDestinationPath: "bundles/0123456789abcdef/cells")
        let bundle = try await fleet.cell(Self.definition(fleet, changed))
        #expect(bundle.contains("a signed bundle is not changed file by file"), "\(bundle)")
        let inside = try await fleet.cell(
            image + "image_path=\(etc.path)/bundles/0123456789abcdef/cells/../image.exe")
        #expect(inside.contains("a signed bundle is not changed file by file"), "\(inside)")
        #expect(try await fleet.machines[0].cell("rtems")?.cpus == [3])
        #expect(try await Self.starts(fleet.machines[0]) == 1)
    }

    @Test("A rolling update that lacks something is not begun")
    func lacking() async throws {
        let fleet = try await Self.fleet()
        let ended = try await fleet.run(
            "ansible-playbook", Self.collection.appending(path: "playbooks/rolling.yml").path, "-e",
            "jailhouse_image=there-is-none.exe")
        #expect(ended.status != 0 && ended.output.contains("There is no file /"), "\(ended.output)")
        let inventory = try String(contentsOfFile: fleet.path("inventory"), encoding: .utf8)
        // that the second machine lacks it is enough
        try inventory.replacingOccurrences(of: " jailhouse_image_path=\(fleet.path("image-1.exe"))", with: "")
            .write(toFile: fleet.path("inventory"), atomically: true, encoding: .utf8)
        let unsaid = try await fleet.run(
            "ansible-playbook", Self.collection.appending(path: "playbooks/rolling.yml").path, "-e",
            "jailhouse_image=\(fleet.path("image-0.exe"))")
        #expect(unsaid.status != 0, "\(unsaid.output)")
        #expect(unsaid.output.contains("jailhouse_image_path of board-1;"), "\(unsaid.output)")
        #expect(!FileManager.default.fileExists(atPath: fleet.path("stage-0/rtems.new")))
    }

    @Test("Playbooks and the role are what Ansible can read")
    func syntax() async throws {
        let fleet = try await Self.fleet()
        let check = try await fleet.run(
            "ansible-playbook", "--syntax-check", Self.collection.appending(path: "playbooks/rolling.yml").path)
        #expect(check.status == 0, "\(check.errors)")
        let version = try await Program.run([Place.program("jailhouse-ctl"), "--version"]).output
        let galaxy = try String(contentsOf: Self.collection.appending(path: "galaxy.yml"), encoding: .utf8)
        #expect(galaxy.contains("\nversion: \(version)"))
        let documents = try await Program.run(
            ["ansible-doc", "jailhoused.jailhoused.jailhouse_cell"],
            environment: [
                "ANSIBLE_COLLECTIONS_PATH": fleet.path("collections"), "ANSIBLE_HOME": fleet.path("home"),
                "LC_ALL": "C.UTF-8", "ANSIBLE_PAGER": "cat",
            ])
        #expect(documents.status == 0 && documents.output.contains("healthy_for"), "\(documents.errors)")
    }
}
