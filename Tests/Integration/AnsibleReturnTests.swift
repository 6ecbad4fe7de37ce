// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What is left after a change that was not kept, or not begun.
extension AnsibleTests {
    @Test("A cell that did not run before does not run after going back; one that nothing was done to is not restarted")
    func asBefore() async throws {
        let fleet = try await Self.fleet()
        let machine = fleet.machines[0]
        let image = URL(filePath: fleet.path("image-0.exe"))
        let good = try Data(contentsOf: image)
        try good.prefix(300).write(to: URL(filePath: fleet.path("bad.exe")))
        let bad = "image=\(fleet.path("bad.exe")) image_path=\(image.path)"
        let refused = try await fleet.cell(bad)
        #expect(refused.contains("are in force again"), "\(refused)")
        #expect(try await Self.starts(machine) == 1)
        #expect(try await machine.cell("rtems")?.condition == "running")

        let silent = "restart-silent = false\nliveness = { kind = \"external\", within = \"1 s\" }\nrestart = "
        let unhealthy = try Self.definition(fleet, ("\nrestart = ", "\n\(silent)")) + "healthy_for=4"
        for (request, condition) in [("stop", "stopped"), ("destroy", "absent")] {
            #expect(try await machine.control(request, "rtems").status == 0)
            for arguments in [bad, unhealthy] {
                let back = try await fleet.cell(arguments)
                #expect(back.contains("are in force again"), "\(back)")
                #expect(try await machine.cell("rtems")?.condition == condition)
                #expect(try Data(contentsOf: image) == good)
            }
        }
    }

    @Test("The role fails when the daemon refuses a definition of its own")
    func refusedDefinition() async throws {
        let fleet = try await Self.fleet()
        let machine = fleet.machines[0]
        let (etc, roles) = (machine.directory.url.path + "/etc", fleet.path("collections"))
        try """
        - hosts: board-0
          gather_facts: false
          environment:
            PATH: "\(Place.programs.path):{{ lookup('env', 'PATH') }}"
            JAILHOUSED_SOCKET: "{{ jailhouse_socket }}"
          vars_files: ["\(roles)/ansible_collections/jailhoused/jailhoused/roles/jailhoused/vars/main.yml"]
          vars: { jailhoused_images: [], jailhoused_system: "", jailhoused_cells: [/here/other.toml] }
          tasks:
            - ansible.builtin.command: "true"
              notify: Reload the definitions
          handlers:
            - ansible.builtin.import_tasks: "\(roles)/ansible_collections/jailhoused/jailhoused/roles/jailhoused/handlers/main.yml"
        """.write(toFile: fleet.path("reload.yml"), atomically: true, encoding: .utf8)
        func reload(_ options: String...) async throws -> Ended {
            // stronger than the variables of the role
            let directory = ["-e", "{\"jailhoused_directory\": \"\(etc)\"}"]
            return try await fleet.run("ansible-playbook", [fleet.path("reload.yml")] + directory + options)
        }
        #expect(try await reload().status == 0)
        for (name, isOwn) in [("another", false), ("other", true)] {
            try machine.write("[cell]\nname = \"\(name)\"\ncpus = [77]\n", toCell: name)
            let ended = try await reload()
            #expect((ended.status == 0) != isOwn, "\(ended.output)")
            #expect(ended.output.contains("cells/other.toml:1: ") == isOwn, "\(ended.output)")
        }
        #expect(try await reload("--check").status == 0, "it is not known")
    }

    @Test("The role writes through no link, wherever it leads")
    func links() async throws {
        let fleet = try await Self.fleet()
        let (etc, images) = (fleet.path("etc"), fleet.path("images"))
        for folder in ["etc/bundles/one/cells", "elsewhere"] {
            try FileManager.default.createDirectory(
                atPath: fleet.path(folder), withIntermediateDirectories: true)
        }
        try """
        - hosts: board-0
          gather_facts: false
          tasks:
            - ansible.builtin.include_role: { name: jailhoused.jailhoused.jailhoused, tasks_from: places.yml }
        """.write(toFile: fleet.path("places.yml"), atomically: true, encoding: .utf8)
        func refusal(_ link: String, to target: String, _ files: String) async throws -> String {
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
            let ended = try await fleet.run(
                "ansible-playbook", fleet.path("places.yml"), "-e", "{\"jailhoused_directory\": \"\(etc)\", \(files)}")
            try FileManager.default.removeItem(atPath: link)
            #expect(ended.status != 0)
            return ended.output
        }
        let (cells, image) = (
            "\"jailhoused_cells\": [\"x.toml\"]", "\"jailhoused_images\": [{\"dest\": \"\(images)/x.exe\"}]"
        )
        let bundle = "is in a signed bundle"
        #expect(try await refusal(etc + "/cells", to: "bundles/one/cells", cells).contains(bundle))
        #expect(try await refusal(images, to: etc + "/bundles/one", image).contains(bundle))
        #expect(try await refusal(etc + "/cells", to: fleet.path("elsewhere"), cells).contains("through a link"))
        #expect(try await refusal(images, to: fleet.path("elsewhere"), image).contains("through a link"))
    }
}
