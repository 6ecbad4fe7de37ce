// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Testing

@testable import ConfigurationRules

/// What Linux takes from the machine, and what the rules make of it.
@Suite struct LinuxUseTests {
    private func cell(ports: IOPortRegion...) -> CellGroup.Member {
        .init(
            path: "a.toml",
            cell: CellDescriptor(name: "a", ioPortRegions: ports))
    }

    private let com1 = IOPortRegion(base: 0x3f8, count: 8)

    private func system(ports: IOPortRegion...) -> SystemDescriptor {
        SystemDescriptor(rootCell: CellDescriptor(name: "linux", cpus: CPUSet([0, 1, 2, 3]), ioPortRegions: ports))
    }

    @Test func whatTheArchitectureDoesNotHave() {
        var cell = CellDescriptor(name: "a", ioPortRegions: [com1])
        cell.architecture = .arm64
        #expect(cell.findings().filter { $0.rule == "JH0109" }.map(\.location) == ["ports[0]"])
        cell.architecture = .x86
        #expect(!cell.findings().contains { $0.rule == "JH0109" })
        cell.vpciInterruptBase = 100
        #expect(cell.findings().filter { $0.rule == "JH0109" }.map(\.location) == ["cell.vpci-interrupt-base"])
    }

    @Test func portsOfThePCsOwn() {
        let system = system(ports: IOPortRegion(base: 0x0, count: 0x1000))
        for (base, count) in [(0x20, 2), (0x40, 4), (0x60, 5), (0x70, 2), (0x3d4, 2), (0x4d0, 2), (0x1f, 1), (0x80, 2)]
        {
            let member = cell(ports: IOPortRegion(base: UInt16(base), count: UInt16(count)))
            let findings = system.findings(ofCell: member.cell)
            #expect(findings.map(\.rule).contains("JH1504"), "\(base)")
            #expect(findings.first { $0.rule == "JH1504" }?.severity == .error)
        }
        // Linux loses nothing with these: the hypervisor looks at each access to the former, and ignores the latter
        let harmless = cell(ports: IOPortRegion(base: 0x64, count: 1), IOPortRegion(base: 0x80, count: 1))
        #expect(!system.findings(ofCell: harmless.cell).map(\.rule).contains("JH1504"))
        let machine = RunningMachine(ioports: "0064-0064 : keyboard\n0080-008f : dma page reg\n", iomem: "")
        for system in [("s.toml", system), nil] {
            #expect(!machine.findings(system: system, cells: [harmless]).contains { $0.path == harmless.path })
        }
        let rules = system.findings(ofCell: cell(ports: com1).cell).map(\.rule)
        #expect(rules.contains("JH1505") && !rules.contains("JH1504"))
        let twice = system.findings(ofCell: cell(ports: com1, com1).cell).map(\.rule)
        #expect(twice.count { $0 == "JH1505" } == 1)
        // what Linux does not have cannot be taken from it
        #expect(!self.system().findings(ofCell: cell(ports: com1).cell).map(\.rule).contains("JH1505"))
    }

    @Test(arguments: [
        ("ttyS0                -W- (EC   a)    4:64\n", ""), ("", "root=/dev/sda console=ttyS0,115200n8 quiet\n"),
        ("", "earlyprintk=serial,ttyS0,115200"), ("", "earlyprintk=serial"), ("", "earlycon=uart8250,io,0x3f8"),
    ]) func aConsoleOfLinux(consoles: String, commandLine: String) {
        var machine = RunningMachine(ioports: "", iomem: "")
        machine.serialConsoles = RunningMachine.serialConsoles(consoles: consoles, commandLine: commandLine)
        let findings = machine.findings(system: nil, cells: [cell(ports: com1)])
        #expect(findings.map(\.rule) == ["JH1301"])
        #expect(findings.first?.severity == .error)
    }

    /// The PM timer is every cell's, and Linux's: with its ports a cell takes it.
    @Test func portsOfThePMTimer() {
        var system = system()
        system.platform.specific = .x86(X86Platform(pmTimerPort: 0x608))
        for (base, count) in [(0x608, 4), (0x600, 16), (0x60b, 1)] {
            let findings = system.findings(
                ofCell: cell(ports: IOPortRegion(base: UInt16(base), count: UInt16(count))).cell)
            #expect(findings.first { $0.rule == "JH1504" }?.message.contains("0x608") == true, "\(base)")
        }
        // what Linux's list says of the same ports is no second finding
        var machine = RunningMachine(ioports: "0608-060b : ACPI PM_TMR\n0070-0077 : rtc0\n", iomem: "")
        machine.hasPCProcessors = true
        let members = [cell(ports: IOPortRegion(base: 0x608, count: 4), IOPortRegion(base: 0x3f8, count: 8))]
        #expect(!machine.findings(system: ("/s", system), cells: members).map(\.rule).contains("JH1301"))
        #expect(machine.findings(system: nil, cells: members).map(\.rule).contains("JH1301"))
        let other = system.findings(ofCell: cell(ports: IOPortRegion(base: 0x60c, count: 4)).cell)
        #expect(!other.map(\.rule).contains("JH1504"))
    }

    /// Linux's driver has found the port; whether something has it open, its interrupt tells.
    @Test func aSerialPortThatNothingUses() {
        var machine = RunningMachine(ioports: "02f8-02ff : serial\n03f8-03ff : serial\ne000-e007 : serial\n", iomem: "")
        func severity(_ base: UInt16) -> Finding.Severity? {
            machine.findings(system: nil, cells: [cell(ports: IOPortRegion(base: base, count: 8))]).first?.severity
        }
        machine.interrupts = RunningMachine.interrupts(in: "  4:  7  0  IO-APIC  4-edge  ttyS0\n")
        #expect(severity(0x3f8) == .error && severity(0x2f8) == .warning && severity(0xe000) == .warning)
        machine.serialConsoles = [1]
        #expect(severity(0x2f8) == .error)
        machine.interrupts = RunningMachine.interrupts(in: " 17:  7  0  IO-APIC  17-fasteoi  ttyS4\n")
        #expect(severity(0x3f8) == .warning && severity(0xe000) == .error)
    }

    /// A program's memory where the machine has none is not the root cell's, either.
    @Test func memoryThatIsNowhereIsOneFinding() {
        func finding(_ rule: String, _ location: String, _ others: [String] = []) -> Finding {
            var finding = Finding(
                rule: rule, severity: .error, path: "a", location: location, message: "", consequence: "", remedy: "")
            finding.others = others
            return finding
        }
        func rest(_ findings: Finding...) -> [String?] { Finding.withoutRepetition(findings).map(\.rule) }
        #expect(rest(finding("JH0504", "memory[0]"), finding("JH1307", "memory[0]")) == ["JH0504"])
        #expect(rest(finding("JH0505", "memory[1]"), finding("JH1307", "memory[1]")) == ["JH1307"])
        #expect(
            rest(finding("JH0504", "memory[0]"), finding("JH1307", "memory[0]", ["memory[3]"])) == ["JH0504", "JH1307"])
        #expect(rest(finding("JH1307", "memory[0]")) == ["JH1307"])
    }

    @Test func aConsoleIsMissedOnce() {
        let both = cell(ports: com1, IOPortRegion(base: 0x2f8, count: 8)).cell
        let findings = both.findings().filter { $0.rule == "JH0403" }
        #expect(findings.count == 1 && findings.first?.others == ["ports[1]"])
    }

    @Test func anotherConsole() {
        var machine = RunningMachine(ioports: "", iomem: "")
        machine.serialConsoles = RunningMachine.serialConsoles(
            consoles: "tty0   -WU (EC  p  )    4:7\nttyS1  -W- (E  p a)   4:65\n", commandLine: "console=tty0")
        #expect(machine.findings(system: nil, cells: [cell(ports: com1)]).isEmpty)
    }

    @Test func theGraverOfTwoFindingsRemains() {
        var machine = RunningMachine(ioports: "", iomem: "")
        machine.serialConsoles = [0]
        let member = cell(ports: com1)
        let system = system(ports: IOPortRegion(base: 0x3f8, count: 8))
        let all =
            system.findings(ofCell: member.cell).map { finding in
                var finding = finding
                finding.path = member.path
                return finding
            } + machine.findings(system: nil, cells: [member])
        #expect(all.contains { $0.rule == "JH1505" })
        #expect(!Finding.withoutRepetition(all).contains { $0.rule == "JH1505" })
    }

    @Test func onlineCPUs() throws {
        var machine = RunningMachine(ioports: "", iomem: "")
        machine.onlineCPUs = try CPUSet(list: "0-7")
        let finding = try #require(machine.findings(system: ("s.toml", system()), cells: []).first)
        #expect(finding.rule == "JH1306" && finding.severity == .error)
        #expect(finding.message == "the system has the CPUs 0-3, but online are 0-7")
        machine.onlineCPUs = try CPUSet(list: "0-3")
        #expect(machine.findings(system: ("s.toml", system()), cells: []).isEmpty)
    }

    @Test func interruptsAndTheDeviceTree() {
        let uses = RunningMachine.interrupts(
            in: """
                           CPU0       CPU1
                  4:         11          0  IR-IO-APIC    4-edge      ttyS0
                 16:          0          0  IO-APIC  16-fasteoi   ehci_hcd:usb1, uhci_hcd:usb3
                 41:          7          0     GICv3  35 Level     9000000.serial
                LOC:       1234       1234   Local timer interrupts
                """)
        #expect(uses.map(\.pin) == [4, 16, 16, 35])
        #expect(uses.map(\.device) == ["ttyS0", "ehci_hcd:usb1", "uhci_hcd:usb3", "9000000.serial"])
    }
}
