// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Glibc
import SystemCalls

/// Stands between gdb and QEMU's gdb stub.
///
/// QEMU sees a machine in which a monitor runs a cell: it gives the monitor's registers when a CPU is in it, and takes
/// every address for the monitor's. gdb is to see the cell: its CPUs, its registers, its memory.
struct DebugDialogue {
    let machine: CellMachine
    let target: any DebugTarget
    private let stub: CInt
    private let client: CInt
    private var fromStub = RemotePackets()
    private var fromClient = RemotePackets()
    /// gdb waits for a stop.
    private var isRunning = false
    /// With this gdb let it run.
    private var lastResume: [UInt8] = []
    private var isInterrupted = false
    /// Of gdb; removed at the end.
    private var breakpoints: Set<[UInt8]> = []
    /// The CPU that gdb's commands are about, by the machine's number.
    var cpu: Int
    private var hasEnded = false

    /// How many instructions the monitor may need to let a CPU into the cell, and how long that may take.
    private static let steps = 20_000
    private static let patience = Duration.seconds(3)

    typealias Bytes = [UInt8]

    /// - Parameters:
    ///   - architecture: what gdb takes the CPUs for; nil: as the first CPU is now.
    ///   - stub: QEMU's, in which everything is stopped.
    init(_ machine: CellMachine, as architecture: String?, stub: CInt, client: CInt) {
        self.machine = machine
        self.stub = stub
        self.client = client
        let first = machine.cell.cpus.members.first ?? 0
        cpu = first
        target = machine.cell.architecture == .x86 ? X86Target(architecture, of: machine.area) : Arm64Target()
    }

    /// Until gdb goes, or the cell.
    mutating func serve() {
        if let preparation = target.preparation {
            guard ask(Bytes(preparation.utf8)) == Bytes("OK".utf8) else { return }
        }
        machine.holdForDebugger()
        settle()
        if let held = machine.area.heldCPU { cpu = machine.cell.cpus.members[held] }
        while !hasEnded {
            while !hasEnded, let item = fromStub.next() {
                if case .packet(let packet) = item { hearStub(packet) }
            }
            while !hasEnded, let item = fromClient.next() { hear(item) }
            guard !hasEnded, wait() else { break }
        }
        for breakpoint in breakpoints { _ = ask([UInt8(ascii: "z")] + breakpoint) }
    }

    /// - Returns: whether there is more to hear.
    private mutating func wait() -> Bool {
        var polled = [
            pollfd(fd: stub, events: Int16(POLLIN), revents: 0), pollfd(fd: client, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&polled, 2, -1) >= 0 || errno == EINTR else { return false }
        if polled[0].revents != 0 {
            guard let bytes = DebugDialogue.read(stub) else {
                // as of a program that has exited
                say("W00")
                return false
            }
            fromStub.append(bytes)
        }
        if polled[1].revents != 0 {
            guard let bytes = DebugDialogue.read(client) else { return false }
            fromClient.append(bytes)
        }
        return true
    }

    /// Nil at the end.
    private static func read(_ descriptor: CInt) -> Bytes? {
        var buffer = Bytes(repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { (try? SystemCall.read(descriptor, into: $0)) ?? 0 }
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    private mutating func say(_ packet: Bytes) {
        if (try? SystemCall.send(RemotePackets.framed(packet), to: client)) == nil { hasEnded = true }
    }

    private mutating func say(_ packet: String) { say(Bytes(packet.utf8)) }

    // MARK: QEMU

    /// Only while everything is stopped. - Returns: the answer; empty at the stub's end.
    mutating func ask(_ packet: Bytes) -> Bytes {
        guard !hasEnded else { return [] }
        _ = try? SystemCall.send(RemotePackets.framed(packet), to: stub)
        return answer()
    }

    private mutating func answer() -> Bytes {
        while true {
            if case .packet(let answer) = fromStub.next() {
                acknowledge()
                return answer
            }
            guard let bytes = DebugDialogue.read(stub) else {
                hasEnded = true
                return []
            }
            fromStub.append(bytes)
        }
    }

    private func acknowledge() { _ = try? SystemCall.send([UInt8(ascii: "+")], to: stub) }

    private mutating func registers(of cpu: Int) -> (any StubRegisters)? {
        _ = ask(Bytes("Hg\(thread(cpu))".utf8))
        return target.registers(ask(Bytes("g".utf8)))
    }

    /// The cell's, also while the monitor runs. - Returns: and whether they are what the CPU has.
    mutating func cellRegisters(of cpu: Int) -> (values: any StubRegisters, areReal: Bool)? {
        guard var registers = registers(of: cpu) else { return nil }
        guard registers.isMonitor(machine.area), let index = index(of: cpu) else { return (registers, true) }
        registers.setCell(machine.area, cpu: index)
        return (registers, false)
    }

    private func index(of cpu: Int) -> Int? { machine.cell.cpus.members.firstIndex(of: cpu) }

    /// QEMU counts its CPUs from 1: on x86 all up to the cell's highest, which have the machine's numbers, on Arm64 the
    /// cell's.
    private func thread(_ cpu: Int) -> String {
        let number = machine.cell.architecture == .x86 ? cpu : index(of: cpu) ?? 0
        return "p1.\(String(number + 1, radix: 16))"
    }

    /// The machine's number of QEMU's CPU; nil when it is none of the cell's.
    private func cpu(ofThread number: Int) -> Int? {
        let members = machine.cell.cpus.members
        if machine.cell.architecture == .x86 { return members.contains(number - 1) ? number - 1 : nil }
        return members.indices.contains(number - 1) ? members[number - 1] : nil
    }

    /// Lets CPUs that are in the monitor for a moment go on to the cell.
    private mutating func settle() {
        for cpu in machine.cell.cpus.members { leaveMonitor(cpu) }
    }

    /// - Returns: whether the CPU was in the monitor, and is not any more.
    @discardableResult
    private mutating func leaveMonitor(_ cpu: Int) -> Bool {
        guard machine.isRunning, let index = index(of: cpu), !machine.area.isHeld(cpu: index),
            !machine.area.isOff(cpu: index)
        else { return false }
        let deadline = ContinuousClock.now + DebugDialogue.patience
        var steps = 0
        while let registers = registers(of: cpu), registers.isMonitor(machine.area), !hasEnded {
            guard steps < DebugDialogue.steps, ContinuousClock.now < deadline, !machine.area.isHeld(cpu: index) else {
                return false
            }
            steps += 1
            // a cell that was parked meanwhile executes nothing
            let step = RemotePackets.framed(Bytes("vCont;s:\(thread(cpu))".utf8))
            let stub = stub
            guard machine.whileRunning({ _ = try? SystemCall.send(step, to: stub) }) else { return false }
            _ = answer()
        }
        return steps > 0
    }

    private mutating func hearStub(_ packet: Bytes) {
        acknowledge()
        guard isRunning, let kind = packet.first else { return }
        guard kind == UInt8(ascii: "T") || kind == UInt8(ascii: "S") else {
            // W and X: it has ended. O: what its console says
            say(packet)
            if kind != UInt8(ascii: "O") { hasEnded = true }
            return
        }
        let text = String(decoding: packet, as: UTF8.self)
        let held = machine.area.heldCPU.map { machine.cell.cpus.members[$0] }
        // the machine has parked the cell: gdb goes on waiting, for the next start
        if text.hasPrefix("T02"), held == nil, !isInterrupted { return }
        let member = DebugDialogue.threadNumber(in: text).flatMap { cpu(ofThread: $0) }
        if let held {
            cpu = held
        } else if text.hasPrefix("T05"), let member, leaveMonitor(member), !isStep {
            // a breakpoint of the cell's at an address where the monitor has instructions, too
            resume(lastResume)
            return
        } else {
            cpu = member ?? cpu
        }
        machine.holdForDebugger()
        settle()
        (isRunning, isInterrupted) = (false, false)
        let signal = held != nil ? "0b" : String(text.dropFirst().prefix(2))
        // what else it says, such as the address that was watched
        let rest = text.dropFirst(3).split(separator: ";").filter { !$0.hasPrefix("thread:") }.map { "\($0);" }.joined()
        say("T\(signal)\(rest)thread:\(thread(cpu));")
    }

    private var isStep: Bool { lastResume.starts(with: Bytes("vCont;s".utf8)) || lastResume.first == UInt8(ascii: "s") }

    private static func threadNumber(in text: String) -> Int? {
        let part = text.dropFirst(3).split(separator: ";").first { $0.hasPrefix("thread:") }
        return part.flatMap { Int($0.split(separator: ".").last ?? "", radix: 16) }
    }

    /// Lets everything go on, as gdb says.
    private mutating func resume(_ packet: Bytes) {
        lastResume = packet
        isRunning = true
        machine.area.releaseAll()
        let stub = stub
        _ = machine.resume { _ = try? SystemCall.send(RemotePackets.framed(packet), to: stub) }
    }

    // MARK: gdb

    private mutating func hear(_ item: RemotePackets.Item) {
        switch item {
        case .interrupt:
            guard isRunning else { return }
            isInterrupted = true
            if machine.isRunning {
                _ = try? SystemCall.send([3], to: stub)
            } else {
                // it is stopped already
                (isRunning, isInterrupted) = (false, false)
                machine.holdForDebugger()
                say("T02thread:\(thread(cpu));")
            }
        case .packet(let packet):
            if (try? SystemCall.send([UInt8(ascii: "+")], to: client)) == nil { hasEnded = true }
            guard !isRunning else { return }
            obey(packet)
        }
    }

    private mutating func obey(_ packet: Bytes) {
        let text = String(decoding: packet, as: UTF8.self)
        switch text.first {
        case "?": say("T\(machine.area.heldCPU == nil ? "05" : "0b")thread:\(thread(cpu));")
        case "g": say(registersAnswer(packet) { $0.all })
        case "p":
            let number = Int(text.dropFirst(), radix: 16) ?? -1
            say(registersAnswer(packet) { $0.one(number) })
        case "G", "P": say(setRegisters(packet) ? "OK" : "E01")
        case "m": say(readMemory(text))
        case "M", "X": say(writeMemory(packet) ? "OK" : "E0e")
        case "H": select(text)
        case "c", "C", "s", "S": resume(packet)
        case "Z", "z":
            let answer = ask(packet)
            if answer == Bytes("OK".utf8) {
                let place = Bytes(packet.dropFirst())
                if text.first == "Z" { breakpoints.insert(place) } else { breakpoints.remove(place) }
            }
            say(answer)
        case "D":
            say("OK")
            hasEnded = true
        case "k": hasEnded = true
        case "R", "b", "!": say("")
        case "v": obeyLong(text, packet)
        case "q", "Q": answerQuery(text, packet)
        default: say(ask(packet))
        }
    }

    private mutating func obeyLong(_ text: String, _ packet: Bytes) {
        if text.hasPrefix("vCont;") { return resume(packet) }
        if text.hasPrefix("vKill") {
            say("OK")
            hasEnded = true
            return
        }
        say(text == "vCont?" ? ask(packet) : [])
    }

    private mutating func answerQuery(_ text: String, _ packet: Bytes) {
        if text == "qfThreadInfo" {
            return say("m" + machine.cell.cpus.members.map(thread).joined(separator: ","))
        }
        if text == "qsThreadInfo" { return say("l") }
        if text == "qC" { return say("QC\(thread(cpu))") }
        if text.hasPrefix("qThreadExtraInfo,") {
            let number = Int(text.split(separator: ".").last ?? "", radix: 16).flatMap { cpu(ofThread: $0) } ?? cpu
            let index = index(of: number)
            let parked = index.map { machine.area.hasFailed(cpu: $0) } ?? false
            let isOff = index.map { machine.area.isOff(cpu: $0) } ?? false
            let condition = parked ? ", parked" : isOff ? ", off" : ""
            return say(RemotePackets.hexadecimal("CPU \(number)\(condition)".utf8))
        }
        if text.hasPrefix("qRcmd,") {
            // QEMU's monitor could end the cell under the machine
            say(
                [UInt8(ascii: "O")] + RemotePackets.hexadecimal("There is no monitor: see jailhouse-sim inject.\n".utf8)
            )
            return say("OK")
        }
        if text.lowercased().hasPrefix("qqemu.") { return say("") }
        if text.hasPrefix("qXfer:features:read:target.xml:"), let description = target.description {
            return say(DebugDialogue.part(of: Bytes(description.utf8), text))
        }
        say(ask(packet))
    }

    /// Of an object that is read in pieces: `…:offset,length`.
    private static func part(of object: Bytes, _ text: String) -> Bytes {
        let numbers = (text.split(separator: ":").last ?? "").split(separator: ",").compactMap { Int($0, radix: 16) }
        guard numbers.count == 2, numbers[0] <= object.count else { return Bytes("E01".utf8) }
        let end = min(object.count, numbers[0] + max(0, min(numbers[1], 4000)))
        return [UInt8(ascii: end == object.count ? "l" : "m")] + object[numbers[0]..<end]
    }

    private mutating func select(_ text: String) {
        let word = text.dropFirst(2)
        let number = Int(word.split(separator: ".").last.map { $0.drop { $0 == "p" } } ?? "", radix: 16) ?? 0
        guard number > 0 else { return say("OK") }
        guard let member = cpu(ofThread: number) else { return say("E16") }
        if text.dropFirst().first == "g" { cpu = member }
        say("OK")
    }

    // MARK: registers

    private mutating func registersAnswer(_ packet: Bytes, _ body: (any StubRegisters) -> Bytes?) -> Bytes {
        guard let registers = cellRegisters(of: cpu) else { return Bytes("E01".utf8) }
        if registers.areReal, target.speaksAsStub { return ask(packet) }
        return body(registers.values).map { RemotePackets.hexadecimal($0) } ?? Bytes("E01".utf8)
    }

    private mutating func setRegisters(_ packet: Bytes) -> Bool {
        guard let found = cellRegisters(of: cpu), found.areReal else { return false }
        if target.speaksAsStub { return ask(packet) == Bytes("OK".utf8) }
        var registers = found.values
        if packet.first == UInt8(ascii: "G") {
            guard let values = RemotePackets.bytes(fromHexadecimal: packet.dropFirst()) else { return false }
            registers.setAll(values)
        } else {
            let parts = packet.dropFirst().split(separator: UInt8(ascii: "="), maxSplits: 1)
            guard parts.count == 2, let number = Int(String(decoding: parts[0], as: UTF8.self), radix: 16),
                let value = RemotePackets.bytes(fromHexadecimal: parts[1]),
                registers.setOne(number, to: value)
            else { return false }
        }
        return ask([UInt8(ascii: "G")] + RemotePackets.hexadecimal(registers.bytes)) == Bytes("OK".utf8)
    }
}
