// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import CellConfiguration
import Simulator

/// How a request ended.
enum Outcome: Equatable {
    case done
    case refused(Refusal)
    /// Nothing moves any more.
    case hangs
}

/// A machine on a bench: the clock is turned by hand, as far as a request needs.
struct Bench {
    var machine: Machine
    private(set) var reports: [String] = []
    /// Where the images of all loads were put.
    private(set) var stored: [UInt64] = []

    /// How orders to an inmate that executes are carried out.
    enum Obedience {
        case atOnce
        /// When the test says ``Bench/deliver(_:from:)`` `ready`.
        case later
        /// For want of a thread.
        case never
    }

    var obedience = Obedience.atOnce
    private(set) var orders: [CellOrder] = []
    /// What was taken out of the machine and not looked at.
    private var effects: [Effect] = []
    private var runs: [UInt64: Int] = [:]

    init(_ settings: MachineSettings = MachineSettings(), inmates: Machine.Inmates = .scripted) {
        machine = Machine(settings: settings, inmates: inmates)
    }

    /// What the machine wanted done since the last time; its orders have been given.
    mutating func takeEffects() -> [Effect] {
        collect()
        defer { effects = [] }
        return effects
    }

    /// Something that the inmate did since its last start.
    mutating func deliver(_ events: [CellEvent], from name: String) throws {
        let incarnation = try cell(name).incarnation
        machine.deliver(events, from: incarnation, run: runs[incarnation, default: 0])
        collect()
    }

    private mutating func collect() {
        while case let taken = machine.takeEffects(), !taken.isEmpty {
            effects += taken
            for effect in taken {
                switch effect {
                case .report(let line): reports.append(line)
                case .store(_, _, let address, let cell), .write(_, let address, let cell):
                    stored.append(address)
                    if obedience != .later { machine.deliver([.ready], from: cell) }
                case .order(let order, let cell): carryOut(order, in: cell)
                case .answered, .add: break
                }
            }
            machine.advance(to: machine.now)
        }
    }

    private mutating func carryOut(_ order: CellOrder, in incarnation: UInt64) {
        orders.append(order)
        var events: [CellEvent] = []
        if case .start(let run) = order {
            runs[incarnation] = run
            if obedience == .never { events = [.ended("it cannot execute: the system has no thread left")] }
        }
        if order.isAwaited, obedience != .later { events.append(.ready) }
        machine.deliver(events, from: incarnation, run: runs[incarnation, default: 0])
    }

    /// An enabled machine.
    static func enabled(_ settings: MachineSettings = MachineSettings()) throws -> Bench {
        var bench = Bench(settings)
        guard bench.perform(.enable(try Samples.system(cpus: settings.cpus).binary())) == .done else {
            throw SimulatorError(.condition, "the sample system cannot be enabled")
        }
        return bench
    }

    /// An Arm64 machine with a GICv3 at 0x8000000.
    static func enabledArm64(
        traps: Set<ArmTrap> = [], timing: Timing = .none
    ) throws -> Bench {
        var settings = MachineSettings(timing: timing, architecture: .arm64)
        settings.gicVersion = 3
        settings.traps = traps
        var bench = Bench(settings)
        var system = Samples.system()
        (system.architecture, system.rootCell.architecture) = (.arm64, .arm64)
        system.platform.specific = .arm(ArmPlatform(gicVersion: 3, gicdBase: 0x800_0000))
        system.hypervisorMemory.physicalStart = settings.reservedMemory.lowerBound
        guard bench.perform(.enable(try system.binary())) == .done else {
            throw SimulatorError(.condition, "the sample system cannot be enabled")
        }
        return bench
    }

    func arm64Cell() -> CellDescriptor {
        var cell = Samples.cell("rtems", at: machine.settings.reservedMemory.lowerBound + 0x100_0000)
        cell.architecture = .arm64
        return cell
    }

    /// A machine in which these cells have been created, loaded and started.
    static func running(_ cells: CellDescriptor..., settings: MachineSettings = MachineSettings()) throws -> Bench {
        var bench = try enabled(settings)
        for cell in cells {
            guard bench.perform(.create(try cell.binary())) == .done, bench.bringUp(cell.name) == .done else {
                throw SimulatorError(.condition, "the sample cell cannot be started")
            }
        }
        return bench
    }

    mutating func perform(_ request: Request) -> Outcome {
        let id = machine.submit(request)
        while true {
            for case .answered(id, let refusal) in takeEffects() { return refusal.map(Outcome.refused) ?? .done }
            guard let next = machine.wakeUp else { return .hangs }
            machine.advance(to: next)
        }
    }

    mutating func create(_ cell: CellDescriptor) throws -> Outcome {
        perform(.create(try cell.binary()))
    }

    mutating func load(_ name: String, _ images: [Request.Image] = [Samples.image]) -> Outcome {
        perform(.load(.name(name), images))
    }

    mutating func start(_ name: String) -> Outcome { perform(.start(.name(name))) }

    mutating func destroy(_ name: String) -> Outcome { perform(.destroy(.name(name))) }

    /// Load, settle, start, and wait for the start to be noticed.
    mutating func bringUp(_ name: String) -> Outcome {
        let loaded = load(name)
        guard loaded == .done else { return loaded }
        pass(.milliseconds(10))
        let started = start(name)
        pass(.milliseconds(10))
        return started
    }

    mutating func pass(_ time: Duration) {
        let end = machine.now + time
        collect()
        while let next = machine.wakeUp, next <= end {
            machine.advance(to: next)
            collect()
        }
        machine.advance(to: end)
        collect()
    }

    mutating func inject(_ words: String..., into name: String) throws {
        try machine.inject(try Fault(words: words), into: name)
        collect()
    }

    func cell(_ name: String) throws -> Cell {
        guard let cell = machine.cells.first(where: { $0.name == name }) else {
            throw SimulatorError(.cell, "no cell \(name)")
        }
        return cell
    }

    func state(_ name: String) throws -> String { try cell(name).state.text }

    func isAlive(_ name: String) throws -> Bool { try cell(name).isAlive }

    /// An attribute of a cell as sysfs has it, without its newline.
    func attribute(_ path: String, of name: String) throws -> String? {
        let id = try cell(name).id
        let text = machine.sysfs.cells.first { $0.id == id }?.attributes[path]
        return text.map { String($0.dropLast()) }
    }

    var console: String { String(decoding: machine.console.contents, as: UTF8.self) }
}

enum Samples {
    /// q35 with 1 GiB.
    static func system(cpus: Int = 4) -> SystemDescriptor {
        SystemDescriptor(
            flags: .virtualDebugConsole,
            hypervisorMemory: MemoryRegion(physicalStart: 0x3f00_0000, size: 6 << 20),
            rootCell: CellDescriptor(
                name: "linux", cpus: CPUSet(0..<cpus),
                memoryRegions: [MemoryRegion(size: 0x3000_0000, flags: [.read, .write, .execute, .dma])]))
    }

    /// 8 MiB of RAM at 0 and a communication region behind them; answers messages within 1,000,000 loops.
    static func cell(
        _ name: String, cpus: [Int] = [3], flags: CellDescriptor.Flags = [], timeout: UInt64 = 1_000_000,
        at physical: UInt64 = 0x3a00_0000
    ) -> CellDescriptor {
        CellDescriptor(
            name: name, flags: flags, cpus: CPUSet(cpus),
            memoryRegions: [
                MemoryRegion(
                    physicalStart: physical, size: 8 << 20, flags: [.read, .write, .execute, .loadable]),
                MemoryRegion(virtualStart: 0x90_0000, size: 4096, flags: [.read, .write, .communicationRegion]),
            ],
            messageReplyTimeout: timeout)
    }

    static let image = Request.Image(size: 0x2000, target: 0x10_0000)
}
