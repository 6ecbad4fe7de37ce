// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
package import CellConfiguration
import CellMachine

/// What kills Linux, or a part of it, besides cells that do not answer.
extension Machine {
    /// Whether the CPUs have left the hypervisor while `cells/0` is still there: what reads there what needs a
    /// hypercall executes an instruction that does not exist then.
    package var isLeavingHypervisor: Bool {
        settings.oopses && current?.request == .disable && current?.stage == .disabled
    }

    /// Whether the driver's lock is held, for which reads of `console` and the pools wait.
    package var isLockHeld: Bool { current != nil || otherToolWork != nil || freeze != nil }

    /// A file of the root cell was read while the CPUs were leaving the hypervisor.
    ///
    /// - Parameters:
    ///   - reader: such as `jailhoused (77)`.
    ///   - file: below `cells/0`.
    package mutating func rootCellWasRead(by reader: String, file: String) {
        let oops = Oops(reader: reader, file: file)
        self.oops = oops
        report("OOPSED: \(oops)")
    }

    /// Linux uses a port, as it does when it likes. If a cell has it, the CPU that did so is parked for good.
    package mutating func touch(_ port: LinuxPort) {
        guard isEnabled, let root = cells.first, let cell = cells.first(where: { $0.has(port.number) }) else {
            report("Linux uses port 0x\(String(port.number, radix: 16)): it is Linux's")
            return
        }
        let candidates = root.cpus.intersection(onlineCPUs).subtracting(root.failedCPUs).sorted()
        guard let cpu = candidates.first(where: { $0 != 0 }) ?? candidates.first else { return }
        report("Linux uses port 0x\(String(port.number, radix: 16)), which cell \"\(cell.name)\" has")
        parkRoot(
            cpu, "FATAL: Invalid PIO write, port: \(String(port.number, radix: 16)) size: 1", .portIO)
    }

    /// A CPU of Linux touches what is not Linux's any more.
    ///
    /// - Throws: ``SimulatorError`` `condition` when Linux does not have it.
    package mutating func failRoot(_ cpu: Int, _ violation: Violation) throws(SimulatorError) {
        if let freeze { throw SimulatorError(.condition, "the machine is frozen: \(freeze)") }
        guard isEnabled, let root = cells.first else {
            throw SimulatorError(.condition, "the hypervisor is disabled: nothing can be forbidden to Linux")
        }
        guard root.cpus.contains(cpu), !root.failedCPUs.contains(cpu) else {
            throw SimulatorError(
                .condition,
                "CPU \(cpu) is none of Linux's, which has \(CPUList.text(root.cpus.subtracting(root.failedCPUs)))")
        }
        parkRoot(cpu, violation.reason(settings.wording).joined(separator: "\n"), violation.exit, violation.registers)
    }

    /// The hypervisor itself fails on a CPU. Of a cell's, sysfs shows nothing: the cell goes on saying what it said.
    ///
    /// - Throws: ``SimulatorError`` `condition` when nobody has it, or it is lost already.
    package mutating func failHypervisor(on cpu: Int, _ failure: HypervisorFailure) throws(SimulatorError) {
        guard let index = cells.firstIndex(where: { $0.phase == .present && $0.cpus.contains(cpu) }), isEnabled,
            !cells[index].failedCPUs.contains(cpu), !cells[index].stoppedCPUs.contains(cpu)
        else { throw SimulatorError(.condition, "CPU \(cpu) is in no cell, is lost, or the hypervisor is disabled") }
        cells[index].stoppedCPUs.insert(cpu)
        guard !cells[index].isRoot else {
            return parkRoot(cpu, failure.lines.joined(separator: "\n"), .management, [], verb: "Stopping")
        }
        for line in failure.lines { console.print(line) }
        console.print("Stopping CPU \(cpu) (Cell: \"\(cells[index].name)\")")
        cells[index].quietSince = now
        report("HYPERVISOR FAILED on CPU \(cpu) of cell \"\(cells[index].name)\"")
    }

    private mutating func parkRoot(
        _ cpu: Int, _ reason: String, _ exit: ExitReason, _ registers: [String] = Violation.registers,
        verb: String = "Parking"
    ) {
        let name = cells[0].name
        for line in reason.split(separator: "\n") { console.print(String(line)) }
        for line in registers { console.print(line) }
        console.print("\(verb) CPU \(cpu) (Cell: \"\(name)\")")
        cells[0].failedCPUs.insert(cpu)
        cells[0].quietSince = now
        cells[0].count(exit, on: cpu)
        report("LINUX LOST CPU \(cpu): \(reason.split(separator: "\n").first.map(String.init) ?? "")")
        guard cells[0].failedCPUs.isSuperset(of: cells[0].cpus) else { return }
        begin(Freeze(command: "another tool", target: name, cell: nil, reason: "all CPUs of Linux are parked"))
    }

    /// The driver's own reboot hook: Linux goes down, and the driver disables the hypervisor before it lets that happen.
    package mutating func reboot() {
        guard isEnabled else {
            report("reboot: the hypervisor is disabled already; Linux has gone down")
            return
        }
        report("reboot: the driver disables the hypervisor")
        ownRequests[submit(.disable)] = "reboot"
    }

    /// Another tool has the driver's lock for a while.
    package mutating func holdLock(for time: Duration) {
        report("another tool has the driver's lock for \(DurationText.text(time))")
        ownRequests[submit(.hold(time))] = Machine.otherTool
    }

    /// Another tool disables the hypervisor, in the time that this takes.
    package mutating func disableByOtherTool() {
        report("another tool: disable, in its own time")
        ownRequests[submit(.disable)] = Machine.otherTool
    }

    mutating func tellOwner(of id: RequestID, _ refusal: Refusal?) {
        guard let owner = ownRequests.removeValue(forKey: id) else { return }
        let answer = refusal.map { "was refused: \($0.name)" } ?? "is done"
        report(
            owner == "reboot" ? "reboot: the driver's disable \(answer); Linux has gone down" : "\(owner): \(answer)")
    }
}

extension Cell {
    fileprivate func has(_ port: UInt16) -> Bool {
        !isRoot && phase == .present
            && descriptor.ioPortRegions.contains { port >= $0.base && Int(port) < Int($0.base) + Int($0.count) }
    }
}

/// Why a reader of sysfs is dead.
package struct Oops: Hashable, Sendable, CustomStringConvertible {
    package let reader: String
    /// Below `cells/0`.
    package let file: String

    package var description: String {
        "\(reader) read cells/0/\(file) while the hypervisor was being disabled; it never returns, nor does disable"
    }
}

/// A port that Linux uses.
package struct LinuxPort: Hashable, Sendable {
    package let number: UInt16

    /// From what Linux does: `request-irq` (the first 8259A's mask), `cursor` (the VGA console's), `serial` (a console on
    /// ttyS0), or a number such as `0x60`.
    package init?(_ word: String) {
        switch word {
        case "request-irq": number = 0x21
        case "cursor": number = 0x3d4
        case "serial": number = 0x3f8
        default:
            let found = word.hasPrefix("0x") ? UInt16(word.dropFirst(2), radix: 16) : UInt16(word)
            guard let found else { return nil }
            number = found
        }
    }
}

/// What can happen to the machine's Linux: `jailhouse-sim inject --root …`.
package enum LinuxFault: Hashable, Sendable {
    case touch(LinuxPort)
    case failCPU(Int, Violation)
    case hypervisor(Int, HypervisorFailure)
    case deviceAccess(DeviceAccess)
    /// An AMD IOMMU had more to report than it could keep, in memory or in itself.
    case lostReports(inHardware: Bool)

    /// From the words of a command line, for example `["touch", "request-irq"]`.
    ///
    /// - Throws: ``SimulatorError`` `fault` that says which words there are.
    package init(words: [String], on architecture: Architecture? = nil) throws(SimulatorError) {
        switch (words.first, words.count) {
        case ("touch", 2) where architecture == .arm64:
            throw SimulatorError(
                .fault,
                "an Arm64 machine has no ports that Linux could touch; fail-cpu N [VIOLATION] parks a CPU of Linux's")
        case ("touch", 2):
            guard let port = LinuxPort(words[1]) else {
                throw SimulatorError(
                    .fault, "\"\(words[1])\" is neither a port nor one of request-irq, cursor, serial")
            }
            self = .touch(port)
        case ("fail-cpu", 2...3):
            guard let cpu = Int(words[1]) else {
                throw SimulatorError(.fault, "fail-cpu needs the number of a CPU, not \"\(words[1])\"")
            }
            self = .failCPU(cpu, try Fault.violation(words.count > 2 ? words[2] : nil, on: architecture))
        case ("hypervisor", 3):
            let possible = HypervisorFailure.allCases.filter { failure in
                architecture.map(failure.isPossible) ?? true
            }
            guard let cpu = Int(words[1]), let failure = possible.first(where: { $0.rawValue == words[2] }) else {
                let known = possible.map(\.rawValue).joined(separator: ", ")
                throw SimulatorError(.fault, "hypervisor needs the number of a CPU, and one of \(known)")
            }
            self = .hypervisor(cpu, failure)
        case ("dma-fault", _):
            guard let access = DeviceAccess(Array(words.dropFirst())) else {
                throw SimulatorError(
                    .fault, "dma-fault needs a PCI device, an address, and read or write: 00:02.0 0x3a100000 write")
            }
            self = .deviceAccess(access)
        case ("iommu-overflow", 2) where ["log", "hardware"].contains(words[1]):
            self = .lostReports(inHardware: words[1] == "hardware")
        default:
            throw SimulatorError(
                .fault,
                "nothing that can happen to Linux is called \"\(words.joined(separator: " "))\"; there are "
                    + "fail-cpu N [VIOLATION], touch PORT|request-irq|cursor|serial, hypervisor N FAILURE, "
                    + "dma-fault DEVICE ADDRESS [read|write], iommu-overflow log|hardware")
        }
    }
}

extension Machine {
    package mutating func inject(_ fault: LinuxFault) throws(SimulatorError) {
        switch fault {
        case .touch(let port): touch(port)
        case .failCPU(let cpu, let violation): try failRoot(cpu, violation)
        case .hypervisor(let cpu, let failure): try failHypervisor(on: cpu, failure)
        case .deviceAccess(let access): try report(access)
        case .lostReports(let isInHardware): try loseReports(inHardware: isInHardware)
        }
    }
}
