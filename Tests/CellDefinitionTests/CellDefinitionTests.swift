// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import InmateImage
import Supervision
import SystemCalls
import TestSupport
import Testing

@testable import CellDefinition

@Suite struct CellDefinitionTests {
    static let path = "/etc/jailhoused/cells/rtems.toml"

    static let hardware = RTEMSCell.toml()

    static let rest = """
        [[image]]
        path = "/usr/lib/jailhoused/inmates/a.bin"
        address = 0xf0000

        [[image]]
        path = "b.bin"
        address = 0x100000

        [supervision]
        autostart = true
        restart = "always"
        delay = "200 ms"
        maximum-delay = "20 s"
        limit = { attempts = 3, within = "30 s" }
        stop-timeout = "2 s"
        liveness = { kind = "vm-exits", stall = "3 s" }
        accept-unbounded-handshake = true

        """

    struct NoSuchFile: Error, CustomStringConvertible {
        var description: String { "No such file or directory" }
    }

    static func noFile(_ path: String) throws -> [UInt8] { throw NoSuchFile() }

    private func definition(
        _ toml: String = hardware + rest, readFile: (String) throws -> [UInt8] = noFile
    ) throws(DefinitionError) -> CellDefinition {
        try CellDefinition(toml: toml, path: Self.path, readFile: readFile)
    }

    @Test func everythingIsRead() throws {
        let definition = try definition()
        #expect(definition.name == "rtems")
        #expect(definition.configuration == (try definition.descriptor.binary()))
        #expect(
            definition.images == [
                ImageReference(path: "/usr/lib/jailhoused/inmates/a.bin", address: 0xf0000),
                ImageReference(path: "/etc/jailhoused/cells/b.bin", address: 0x100000),
            ]
        )
        #expect(
            definition.policy
                == SupervisionPolicy(
                    autostart: true, restart: .always, delay: .milliseconds(200), maximumDelay: .seconds(20),
                    limit: .init(attempts: 3, within: .seconds(30)), stopTimeout: .seconds(2),
                    liveness: .vmExits(stall: .seconds(3))
                )
        )
        #expect(definition.acceptsUnboundedHandshake)
    }

    @Test func signsOfLife() throws {
        let console = try definition(
            Self.hardware.replacing("[cell]\n", with: "[cell]\nvirtual-console = \"permitted\"\n")
                + """
                [supervision]
                restart-silent = false
                [supervision.liveness]
                kind = "console"
                within = "5 s"
                after-start = "1 min"
                contains = "rtems: "

                """)
        #expect(!console.policy.restartsSilent)
        #expect(console.policy.liveness == Liveness(.listener, within: .seconds(5), afterStart: .seconds(60)))
        #expect(console.liveness == LivenessCheck(kind: .console, contains: "rtems: "))
        let external = try definition(
            Self.hardware + "[supervision]\nliveness = { kind = \"external\", within = \"3 s\" }\n")
        #expect(external.policy.liveness == Liveness(.calls, within: .seconds(3)))
        #expect(external.policy.restartsSilent)
    }

    @Test(arguments: [
        ("kind = \"heartbeat\"", "\"address\" is missing"),
        ("kind = \"heartbeat\", address = 0x3a901002", "a multiple of 4"),
        ("kind = \"probe\", target = \"http://192.168.19.2:80\"", "none of tcp://ADDRESS:PORT"),
        ("kind = \"probe\", target = \"tcp://192.168.19.2\"", "none of tcp://ADDRESS:PORT"),
        ("kind = \"probe\", target = \"tcp://example.org:80\"", "with the address in figures"),
        ("kind = \"command\", command = [\"check\"]", "the whole path of a program"),
        ("kind = \"console\", contains = \"x\", file = \"ttyS0\"", "the whole path of a file"),
        ("kind = \"console\", contains = \"x\"", "with \"file\" at which serial line"),
        ("kind = \"command\", command = [\"/check\"], contains = \"x\"", "contains"),
    ]) func looksFromOutsideThatCannotBe(keys: String, message: String) {
        let error = #expect(throws: DefinitionError.self) {
            try definition(Self.hardware + "[supervision]\nliveness = { \(keys) }\n")
        }
        #expect(error?.message.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test func looksFromOutside() throws {
        func rule(_ keys: String) throws -> LivenessCheck? {
            let definition = try definition(Self.hardware + "[supervision]\nliveness = { \(keys) }\n")
            #expect(definition.policy.liveness?.source == .listener)
            return definition.liveness
        }
        #expect(try rule("kind = \"heartbeat\", address = 0x3a901000")?.address == 0x3a90_1000)
        // a cell that does not print on the hypervisor's console
        let line = try rule("kind = \"console\", contains = \"beat\", file = \"/dev/ttyUSB0\", every = \"2 s\"")
        #expect(line?.file == "/dev/ttyUSB0" && line?.contains == "beat" && line?.every == .seconds(2))
        let tcp = try rule("kind = \"probe\", target = \"tcp://192.168.19.2:80\", every = \"3 s\"")
        #expect(tcp?.target == .init(transport: .tcp, host: "192.168.19.2", port: 80) && tcp?.every == .seconds(3))
        #expect(
            try rule("kind = \"probe\", target = \"udp://[fd00::2]:7\"")?.target
                == .init(transport: .udp, host: "fd00::2", port: 7))
        #expect(
            try rule("kind = \"probe\", target = \"icmp://192.168.19.2\"")?.target
                == .init(transport: .icmp, host: "192.168.19.2", port: 0))
        #expect(try rule("kind = \"command\", command = [\"/bin/true\", \"x\"]")?.command == ["/bin/true", "x"])
    }

    @Test func whatIsNotSaidHasTheUsualValue() throws {
        let definition = try definition(Self.hardware)
        #expect(definition.policy == SupervisionPolicy())
        #expect(definition.images.isEmpty && !definition.acceptsUnboundedHandshake)
        let slow = try self.definition(Self.hardware + "[supervision]\ndelay = \"5 min\"")
        #expect(slow.policy.maximumDelay == .seconds(300))
    }

    @Test(arguments: [
        ("restart = \"always\"", "restart = \"on-failed\"", "supervision.restart", "did you mean \"on-failure\"?"),
        ("delay = \"200 ms\"", "delay = 200", "supervision.delay", "a time such as \"100 ms\", not the number 200"),
        ("delay = \"200 ms\"", "delay = \"200\"", "supervision.delay", "\"200\" is no time"),
        ("\"20 s\"", "\"10 ms\"", "supervision.maximum-delay", "\"maximum-delay\" is less than \"delay\""),
        ("attempts = 3", "attempts = 0", "supervision.limit.attempts", "0 is not from 1 to 1000"),
        ("\"30 s\"", "\"0 s\"", "supervision.limit.within", "more than no time"),
        ("\"30 s\"", "\"9000 h\"", "supervision.limit.within", "a year is the longest"),
        ("\"vm-exits\"", "\"vmexits\"", "supervision.liveness.kind", "did you mean \"vm-exits\"?"),
        ("\"vm-exits\"", "\"console\"", "supervision.liveness", "\"contains\" is missing"),
        (
            "\"vm-exits\", stall = \"3 s\"", "\"console\", contains = \"x\", within = \"1 s\"",
            "supervision.liveness.within",
            "it must be 2.0 s or more"
        ),
        (
            "\"vm-exits\", stall", "\"console\", contains = \"x\", within", "supervision.liveness.kind",
            "set virtual-console in [cell]"
        ),
        ("autostart", "auto-start", "supervision.auto-start", "did you mean \"autostart\"?"),
        ("[supervision]", "[supervison]", "supervison", "did you mean \"supervision\"?"),
        ("path = \"b.bin\"", "file = \"b.bin\"", "image[1]", "\"path\" is missing"),
        ("address = 0x100000", "adress = 0x100000", "image[1].adress", "did you mean \"address\"?"),
        (
            "name = \"rtems\"", "name = \"\(String(repeating: "x", count: 40))\"", "cell.name",
            "40 bytes; 31 are possible"
        ),
    ]) func mistakesAreNamed(old: String, new: String, keyPath: String, message: String) {
        let error = #expect(throws: DefinitionError.self) {
            try definition((Self.hardware + Self.rest).replacing(old, with: new))
        }
        #expect(error?.keyPath == keyPath)
        #expect(error?.path == Self.path)
        #expect(error?.message.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test func theHardwareMayBeACompiledFile() throws {
        let descriptor = try CellDescriptor(toml: Self.hardware, path: "")
        let bytes = try descriptor.binary()
        let definition = try definition("configuration = \"../rtems.cell\"\n" + Self.rest) { path in
            #expect(path == "/etc/jailhoused/cells/../rtems.cell")
            return bytes
        }
        #expect(definition.configuration == bytes)
        #expect(definition.name == "rtems")
    }

    /// Revision 13 does not say it, and nothing in the file means one of the two Arms.
    @Test func theArchitectureOfAnOldFile() throws {
        var descriptor = CellDescriptor(name: "uart", architecture: .arm64, cpus: CPUSet([1]))
        descriptor.console = Console(kind: .pl011, address: 0x900_0000, size: 0x1000, flags: .mmio)
        let bytes = try descriptor.binary(revision: .revision13)
        let toml = "configuration = \"x.cell\"\n"
        var system = SystemDescriptor(rootCell: CellDescriptor(name: "board", cpus: CPUSet([0, 1])))
        for architecture in [Architecture.arm, .arm64] {
            // by the system beside it
            system.architecture = architecture
            system.platform.specific = .arm(ArmPlatform())
            let beside = try definition(toml) { _ in bytes }.placed(in: system).descriptor
            #expect(beside.architecture == architecture && !beside.isArchitectureGuessed)
            // by the key beside the file's name
            let said = try definition(toml + "architecture = \"\(architecture.name)\"\n") { _ in bytes }.descriptor
            #expect(said.architecture == architecture && !said.isArchitectureGuessed)
        }
        let current = try descriptor.binary()
        let error = #expect(throws: DefinitionError.self) {
            try definition(toml + "architecture = \"x86\"\n") { _ in current }
        }
        #expect(error?.keyPath == "architecture" && error?.message.contains("a cell for arm64") == true)
        #expect(throws: DefinitionError.self) { try definition(toml + "architecture = \"mips\"\n") { _ in bytes } }
        #expect(throws: DefinitionError.self) { try definition("architecture = \"x86\"\n" + Self.hardware + Self.rest) }
    }

    @Test func theHardwareIsSaidOnce() {
        let error = #expect(throws: DefinitionError.self) {
            try definition("configuration = \"x.cell\"\n" + Self.hardware)
        }
        #expect(error?.keyPath == "cell")
        #expect(error?.message.contains("not here") == true)
    }

    @Test func whatIsWrongWithTheCompiledFileIsSaidOfIt() {
        let toml = "configuration = \"x.cell\"\n"
        #expect(
            #expect(throws: DefinitionError.self) { try definition(toml) }?.description
                == "/etc/jailhoused/cells/rtems.toml:1:17: configuration: "
                + "the configuration cannot be read: No such file or directory"
        )
        let old = #expect(throws: DefinitionError.self) {
            try definition(toml) { _ in Array("JHCELL\u{8}\0".utf8) + Array(repeating: 0, count: 124) }
        }
        #expect(old?.path == "/etc/jailhoused/cells/x.cell")
        #expect(old?.message.contains("revision 8 (before release v0.9)") == true)
        let system = SystemDescriptor(rootCell: CellDescriptor(name: "root"))
        #expect(throws: DefinitionError.self) { try definition(toml) { _ in try system.binary() } }
    }

    @Test func imagesBecomePieces() throws {
        let pieces = try definition().loadPlan { $0.hasSuffix("a.bin") ? [1, 2] : [3] }
        #expect(
            pieces == [LoadPiece(address: 0xf0000, contents: [1, 2]), LoadPiece(address: 0x100000, contents: [3])]
        )
    }

    @Test func imageMistakesNameTheImage() throws {
        let definition = try definition()
        #expect(
            #expect(throws: DefinitionError.self) { try definition.loadPlan(readFile: Self.noFile) }?.description
                == "/usr/lib/jailhoused/inmates/a.bin: the image cannot be read: No such file or directory; "
                + "install it, or correct its path in /etc/jailhoused/cells/rtems.toml"
        )
        let outside = #expect(throws: DefinitionError.self) {
            try definition.loadPlan { _ in Array(repeating: 0, count: 0x80_0000) }
        }
        #expect(outside?.description.contains("does not fit into \"ram\" (0x0–0x7fffff)") == true)
        let overlapping = #expect(throws: DefinitionError.self) {
            try definition.loadPlan { $0.hasSuffix("a.bin") ? Array(repeating: 0, count: 0x10001) : [3] }
        }
        #expect(overlapping?.message == "at 0x100000 it lies over the image /usr/lib/jailhoused/inmates/a.bin")
    }

    @Test func anUnboundedHandshakeIsRefusedUnlessAccepted() throws {
        let unbounded = Self.hardware.replacing("message-timeout = 1000000\n", with: "")
        let refused = try definition(unbounded).findings(system: nil)
        #expect(refused.map(\.rule) == ["JH0901"])
        #expect(refused.first?.severity == .error)
        #expect(refused.first?.path == Self.path)
        #expect(refused.first?.line == 1)
        let accepted = try definition(unbounded + Self.rest).findings(system: nil)
        #expect(accepted.map(\.severity) == [.warning])
        let passive = unbounded.replacing("cpus = [3]", with: "cpus = [3]\npassive-comm-region = true")
        #expect(try definition(passive).findings(system: nil).isEmpty)
        #expect(try definition().findings(system: nil).isEmpty)
    }

    @Test func aCommentMakesNoOtherDefinition() throws {
        #expect(try definition() == definition("# moved\n" + Self.hardware + Self.rest))
        #expect(try definition() != definition(Self.hardware))
    }

    @Test func settingsAreRead() throws {
        let settings = try DaemonSettings(
            toml: "system = \"systems/q35.toml\"\npoll-interval = \"5 ms\"", path: "/etc/jailhoused/jailhoused.toml"
        )
        #expect(settings == DaemonSettings(system: "/etc/jailhoused/systems/q35.toml", pollInterval: .milliseconds(5)))
        #expect(try DaemonSettings(toml: "", path: "x") == DaemonSettings())
        for toml in ["poll-interval = \"0 ms\"", "poll-interval = \"1 min\"", "sytem = \"x\"", "system = 1"] {
            #expect(throws: DefinitionError.self) { try DaemonSettings(toml: toml, path: "x") }
        }
    }

    @Test func errorsAreAcceptedWithTheirReason() throws {
        let handshake = RTEMSCell.toml(keys: [])
        func definition(_ more: String) throws -> CellDefinition {
            try CellDefinition(toml: handshake + more, path: Self.path) { _ in [] }
        }
        let refused = try definition("").findings(system: nil).first { $0.rule == "JH0901" }
        #expect(refused?.severity == .error)
        let accepted = try definition("\n[accept]\nJH0901 = \"the program has a watchdog\"\n")
        let finding = try #require(accepted.findings(system: nil).first { $0.rule == "JH0901" })
        #expect(finding.severity == .warning)
        #expect(finding.remedy == "accepted: the program has a watchdog")
        #expect(accepted.acceptsUnboundedHandshake)
        for wrong in ["JH0901 = \" \"", "JH0911 = \"mine\"", "JH9999 = \"x\""] {
            #expect(throws: DefinitionError.self) { try definition("\n[accept]\n\(wrong)\n") }
        }
        for (rule, reason) in [
            ("JH0601", "the cell cannot be created"), ("JH0801", "the image cannot be loaded"),
        ] {
            let error = #expect(throws: DefinitionError.self) { try definition("\n[accept]\n\(rule) = \"x\"\n") }
            #expect(error?.message.contains("cannot be accepted: \(reason)") == true, "\(rule)")
        }
    }

    @Test func whatIsNotThereNeedNotBeAccepted() throws {
        func definition(_ more: String) throws -> CellDefinition {
            try CellDefinition(toml: RTEMSCell.toml() + more, path: Self.path) { _ in [] }
        }
        let text = "\n[accept]\nJH0901 = \"x\"\nJH1303 = \"y\"\n"
        let needless = try definition(text)
        let found = needless.findings(system: nil)
        let notes = needless.needlessAcceptances(besides: found, isOnMachine: false)
        #expect(notes.map(\.message) == ["nothing that JH0901 is about was found"])
        #expect(notes.allSatisfy { $0.rule == "JH0907" && $0.line != nil && $0.severity == .note })
        #expect(needless.needlessAcceptances(besides: found, isOnMachine: true).count == 2)
        let typo = #expect(throws: DefinitionError.self) { try definition("\n[accept]\nJH09O1 = \"x\"\n") }
        #expect(typo?.message.contains("did you mean JH0901?") == true, "\(typo?.message ?? "")")
        #expect(typo?.message.contains("JH0101") == false)
    }

    @Test func warningsAndNotesAreAcceptedToo() throws {
        let shared = RTEMSCell.toml().replacing("\"loadable\"", with: "\"loadable\", \"root-shared\"")
        func finding(_ more: String) throws -> Finding? {
            try CellDefinition(toml: shared + more, path: Self.path) { _ in [] }.findings(system: nil).first {
                $0.rule == "JH1402"
            }
        }
        #expect(try finding("")?.severity == .warning)
        let accepted = try #require(try finding("\n[accept]\nJH1402 = \"a debugger writes it\"\n"))
        #expect(accepted.severity == .note && accepted.remedy == "accepted: a debugger writes it")
    }

    @Test func aDefinitionForTheSimulatedMachineOnly() throws {
        let port = "\n[[ports]]\nbase = 0x20\ncount = 2\n"
        func definition(_ more: String) throws -> CellDefinition {
            try CellDefinition(toml: RTEMSCell.toml() + port + more, path: "/\(more.count).toml") { _ in [] }
        }
        let system = SystemDescriptor(
            rootCell: CellDescriptor(name: "linux", cpus: CPUSet(0..<4), ioPortRegions: [.init(base: 0, count: 0x100)]))
        let plain = try definition("")
        let only = try definition("\n[simulation]\nonly = true\n")
        #expect(plain.findings(system: system).contains { $0.rule == "JH1504" })
        #expect(!only.findings(system: system).contains { $0.rule == "JH1504" })

        var machine = RunningMachine(ioports: "0020-0021 : pic1\n", iomem: "")
        let real = DefinitionSet([plain, only]).findings(on: machine, system: nil)
        #expect(Set(real.map(\.rule)) == ["JH1302", "JH0905"])
        #expect(real.allSatisfy { $0.severity == .error })
        machine.name = RunningMachine.simulatedName
        #expect(DefinitionSet([only]).findings(on: machine, system: nil).isEmpty)
    }
}
