// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import CellConfiguration
import CellMachine

/// The commands `create` and `destroy`.
extension Machine {
    /// No configuration is longer than what the driver can allocate for it.
    private static let longestConfiguration = 4 << 20

    /// What the driver and the hypervisor read out of a configuration: a short one as if zeros followed it.
    private struct ReadConfiguration {
        var descriptor: CellDescriptor
        /// The hypervisor will read past its end.
        var isTooShort: Bool
    }

    private func read(_ configuration: [UInt8]) throws(ConfigurationError) -> ReadConfiguration {
        let header = CellDescriptor.fixedSize(header: configuration)
        let name = CellDescriptor.rawName(in: configuration)
        let configuration = CellDescriptor.unnamed(configuration)
        var needed = Int.max
        do {
            needed = try CellDescriptor.encodedLength(header: configuration)
        } catch  where error.code == .length && configuration.count >= header {
            // counts too large to serve: the driver does not add them up
        }
        if needed > Machine.longestConfiguration {
            // what could be read of the lists does not matter any more
            let head = configuration.prefix(48) + [UInt8](repeating: 0, count: header - 48)
            var descriptor = try CellDescriptor(binary: Array(head), assuming: settings.architecture)
            descriptor.name = name
            return ReadConfiguration(descriptor: descriptor, isTooShort: true)
        }
        let missing = [UInt8](repeating: 0, count: max(0, needed - configuration.count))
        var descriptor = try CellDescriptor(
            binary: Array(configuration.prefix(needed)) + missing, assuming: settings.architecture)
        descriptor.name = name
        return ReadConfiguration(descriptor: descriptor, isTooShort: !missing.isEmpty)
    }

    mutating func beginCreate(_ configuration: [UInt8]) -> Step {
        let descriptor: CellDescriptor
        do {
            descriptor = try read(configuration).descriptor
        } catch {
            report("create: \(error.message)")
            // the driver only logs an architecture that is not its own
            return .answer(error.code == .architecture ? nil : .invalid)
        }
        // the layouts of one revision have cells of one size
        guard descriptor.format.revision == settings.format.revision else {
            report("create: configuration of another revision")
            return .answer(.invalid)
        }
        guard descriptor.architecture == settings.architecture else {
            report("create: configuration for another architecture, ignored")
            return .answer(nil)
        }
        guard isEnabled, let root = cells.firstIndex(where: \.isRoot) else { return .answer(.invalid) }
        guard !cells.contains(where: { $0.name == descriptor.name }) else { return .answer(.exists) }

        let id = (1...).first { index(ofCell: $0) == nil } ?? cells.count
        let cpus = Set(descriptor.cpus.members)
        addCell(descriptor, id: id, phase: .beingCreated)
        guard cpus.isSubset(of: cells[root].cpus) else {
            return .goOn(.withdraw(id, .busy), after: settings.timing.passingCell)
        }
        // an Arm64 machine can do without its first CPU
        guard settings.architecture != .x86 || !cpus.contains(0) else {
            return .goOn(.withdraw(id, .invalid), after: settings.timing.passingCell)
        }
        if let parked = cells[root].failedCPUs.min(), !onlineCPUs.isDisjoint(with: cpus) {
            return .freeze(
                Freeze(
                    command: "create", target: descriptor.name, cell: cells[root].id,
                    reason: "to take a CPU offline Linux waits for all others, and CPU \(parked) is parked"))
        }
        cells[root].cpus.subtract(cpus)
        onlineCPUs.subtract(cpus)
        return .goOn(.created(id), after: cost(settings.timing.create, of: cpus) + delay(ofCreate: id))
    }

    mutating func finishCreate(_ id: Int, _ configuration: [UInt8]) -> Step {
        guard let index = index(ofCell: id), let read = try? read(configuration) else { return .answer(.invalid) }
        let name = cells[index].name
        if let hang = hang("create") { return .freeze(hang) }
        guard mayReconfigure(except: id) else {
            giveBackCPUs(of: index)
            return withdraw(id, .notPermitted)
        }
        if read.isTooShort {
            return .freeze(
                Freeze(
                    command: "create", target: name, cell: nil,
                    reason: "the hypervisor read past the end of the configuration, which is shorter than its counts"
                ))
        }
        if let region = read.descriptor.memoryRegions.first(where: takesKernel) {
            return .freeze(
                Freeze(
                    command: "create", target: name, cell: nil,
                    reason: "its memory at 0x\(String(region.physicalStart, radix: 16)) is Linux's kernel's"
                ))
        }
        if let refusal = refusal(ofNewCell: read.descriptor) {
            giveBackCPUs(of: index)
            return withdraw(id, refusal)
        }
        cells[index].phase = .present
        give(cells[index].program.created(), to: index)
        // an Arm64 CPU waits in the hypervisor until the first load
        for cpu in cells[index].cpus where settings.architecture == .x86 { cells[index].count(.management, on: cpu) }
        return .goOn(.announce(id, then: .created), after: .zero)
    }

    mutating func announce(_ id: Int, then following: Stage.Following, for request: Request) -> Step {
        let name = index(ofCell: id).map { cells[$0].name } ?? ""
        switch announceReconfiguration(except: id) {
        case (.pending, _): return .wait
        case (.endless(let reason), let cell):
            return .freeze(Freeze(command: request.command, target: name, cell: cell, reason: reason))
        default: break
        }
        switch following {
        case .created:
            printDevices(of: id)
            console.print("Created cell \"\(name)\"")
            printPoolUsage(after: "cell creation")
            report("created: cell \"\(name)\", id \(id)")
            return .goOn(.done, after: .zero)
        case .destroyed:
            printPoolUsage(after: "cell destruction")
            let cpus = index(ofCell: id).map { cells[$0].cpus } ?? []
            return .goOn(.destroyed(id), after: cost(settings.timing.destroy, of: cpus))
        }
    }

    /// What the hypervisor says of the cell's PCI devices, and of the cells that it shares memory with.
    private mutating func printDevices(of id: Int) {
        guard let cell = cells.first(where: { $0.id == id }) else { return }
        for device in cell.descriptor.pciDevices {
            guard device.kind == .sharedMemory else {
                console.print("Adding PCI device \(device.address) to cell \"\(cell.name)\"")
                continue
            }
            console.print("Adding virtual PCI device \(device.address) to cell \"\(cell.name)\"")
            let peers = cells.filter { other in
                other.id != id && other.phase == .present
                    && other.descriptor.pciDevices.contains {
                        $0.kind == .sharedMemory && $0.address == device.address
                    }
            }
            guard !peers.isEmpty else { continue }
            console.print("Shared memory connection established, peer cells:")
            for peer in peers { console.print(" \"\(peer.name)\"") }
        }
    }

    /// A create that fails takes back what had shown already.
    mutating func withdraw(_ id: Int, _ refusal: Refusal) -> Step {
        removeCell(id)
        return .answer(refusal)
    }

    mutating func beginDestroy(_ reference: CellReference, in request: Request? = nil) -> Step {
        let index: Int
        switch find(reference) {
        case .success(let found): index = found
        case .failure(let refusal): return .answer(refusal)
        }
        let id = cells[index].id
        if let hang = hang(request?.command ?? "destroy", index) { return .freeze(hang) }
        guard mayReconfigure(except: id) else { return .answer(.notPermitted) }
        switch exchange(.shutdownRequest, with: index) {
        case .refused: return refuse(request?.command ?? "destroy", index)
        case .endless(let reason):
            return .freeze(
                Freeze(
                    command: request?.command ?? "destroy", target: cells[index].name, cell: id, reason: reason))
        case .pending: return .wait
        case .settled: break
        }
        stop(index)
        give(cells[index].program.destroyed(), to: index)
        cells[index].phase = .beingDestroyed
        console.print("Closing cell \"\(cells[index].name)\"")
        for device in cells[index].descriptor.pciDevices where device.kind == .device {
            console.print("Removing PCI device \(device.address) from cell \"\(cells[index].name)\"")
        }
        return .goOn(.announce(id, then: .destroyed), after: .zero)
    }

    mutating func finishDestroy(_ id: Int, for request: Request) -> Step {
        guard let index = index(ofCell: id) else { return .answer(.notFound) }
        let name = cells[index].name
        giveBackCPUs(of: index)
        cells.remove(at: index)
        report("destroyed: cell \"\(name)\"")
        return request == .disable ? .goOn(.nextCell, after: .zero) : .answer(nil)
    }

    /// Clears up after a request that will never end by itself.
    mutating func abandon(_ request: Request, stage: Stage) {
        guard case .created(let id) = stage, let index = index(ofCell: id) else { return }
        giveBackCPUs(of: index)
        removeCell(id)
    }

    private mutating func removeCell(_ id: Int) {
        guard let index = index(ofCell: id) else { return }
        give(cells[index].program.destroyed(), to: index)
        cells.remove(at: index)
    }

    private mutating func giveBackCPUs(of index: Int) {
        onlineCPUs.formUnion(cells[index].cpus)
        guard let root = cells.firstIndex(where: \.isRoot) else { return }
        cells[root].cpus.formUnion(cells[index].cpus)
    }

    private func takesKernel(_ region: MemoryRegion) -> Bool {
        guard !region.flags.contains(.rootShared), !region.flags.contains(.communicationRegion) else { return false }
        let kernel = settings.kernelMemory
        return region.size > 0 && region.physicalStart < kernel.upperBound
            && region.physicalStart.addingReportingOverflow(region.size).partialValue > kernel.lowerBound
    }

    private func delay(ofCreate id: Int) -> Duration {
        guard settings.traps.contains(.slowCreates), let index = index(ofCell: id) else { return .zero }
        return ArmTrap.delays[Int(cells[index].incarnation % UInt64(ArmTrap.delays.count))]
    }

    private func cost(_ base: Duration, of cpus: Set<Int>) -> Duration {
        base + settings.timing.hotplug * max(0, cpus.count - 1)
    }
}

extension CellDescriptor {
    private static let nameField = 8..<40

    /// The name of a cell as the driver reads it: bytes.
    static func rawName(in configuration: [UInt8]) -> String {
        configuration.count >= nameField.upperBound ? RawText.string(configuration[nameField]) : ""
    }

    fileprivate static func unnamed(_ configuration: [UInt8]) -> [UInt8] {
        guard configuration.count >= nameField.upperBound else { return configuration }
        var configuration = configuration
        for index in nameField { configuration[index] = 0 }
        return configuration
    }

    /// As ``binary(revision:)``, also for a name that is not UTF-8.
    func binaryWithRawName() throws(ConfigurationError) -> [UInt8] {
        var unnamed = self
        unnamed.name = ""
        var bytes = try unnamed.binary()
        for (index, byte) in zip(CellDescriptor.nameField, RawText.bytes(name)) { bytes[index] = byte }
        return bytes
    }
}
