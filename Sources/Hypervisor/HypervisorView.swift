// SPDX-License-Identifier: Apache-2.0

import Glibc
import JailhouseInterface
package import Supervision
import SystemCalls

/// What `/sys/devices/jailhouse` shows, by reading it again and again, since nothing notifies.
///
/// What cannot be read says nothing: a cell whose directory is listed but cannot be read (a fault of the file system,
/// no descriptor left) is neither gone nor as it was.
///
/// Belongs to one isolation domain. One pass over a machine on which nothing changed costs two reads a cell, one for
/// `enabled` and one directory listing, and allocates nothing; each second the cells' names are read as well.
package final class HypervisorView {
    /// One cell as one pass showed it.
    package struct Cell: Hashable, Sendable {
        package let id: Int
        package let name: CellName
        /// The CPUs that it was given, ascending.
        package let cpus: [Int]
        package let observation: Observation

        /// Its name; one that nobody can type with its number.
        package var label: String { name.text ?? "#\(id) \(name.escaped)" }
    }

    /// Pages of hypervisor memory, in all and in use.
    package struct Pools: Hashable, Sendable {
        package var memorySize = 0
        package var memoryUsed = 0
        package var remapSize = 0
        package var remapUsed = 0

        package init(memorySize: Int = 0, memoryUsed: Int = 0, remapSize: Int = 0, remapUsed: Int = 0) {
            self.memorySize = memorySize
            self.memoryUsed = memoryUsed
            self.remapSize = remapSize
            self.remapUsed = remapUsed
        }
    }

    package let directory: String
    /// Whether the driver is there at all.
    package private(set) var hasDriver = false
    package private(set) var isEnabled = false
    /// Whether the last look could read all that it wanted to.
    package private(set) var isComplete = true
    /// Since when directories of cells that were never seen cannot be read.
    private var unreadable: [Int: ContinuousClock.Instant] = [:]
    /// A directory that cannot be read for longer than this is no cell's.
    private static let patience = Duration.seconds(2)
    private var cells: [CellFiles] = []
    /// A cell keeps its name; one that was misread while files were broken must not stay.
    package static let nameInterval = Duration.seconds(1)
    private let nameInterval: Duration
    private var namesRead = ContinuousClock.now
    private var enabledFile: SysfsFile?
    /// `cells/`, kept open.
    private var cellsDirectory: SharedDescriptor?
    /// How many directories the last look found in ``cellsDirectory``, the root cell's included.
    private var directoryCount = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)

    /// Linux's CPUs that are online.
    private let cpusFile: String

    /// - Parameter nameInterval: how often the names of cells that are known are read again.
    package init(
        directory: String = "/sys/devices/jailhouse", onlineCPUs: String = "/sys/devices/system/cpu/online",
        nameInterval: Duration = HypervisorView.nameInterval
    ) {
        self.directory = directory
        self.nameInterval = nameInterval
        cpusFile = onlineCPUs
    }

    deinit {
        buffer.deallocate()
    }

    /// Looks once.
    ///
    /// - Parameters:
    ///   - onlineCPUs: whether to read which of Linux's CPUs are online.
    ///   - stoppedCPUs: those on which the hypervisor itself failed, which sysfs does not show.
    ///   - curiosity: which statistics to read, by the cell's name.
    package func look(
        onlineCPUs: Bool = false, stoppedCPUs: [Int] = [], _ curiosity: (String) -> Curiosity = { _ in [] }
    ) {
        lookAtAll { $0.text.map(curiosity) ?? [] }
        for cell in cells { cell.note(stoppedCPUs: stoppedCPUs) }
        note(onlineCPUs ? self.onlineCPUs() : nil)
    }

    private func lookAtAll(_ curiosity: (CellName) -> Curiosity) {
        isComplete = true
        lookWhetherEnabled()
        guard let ids = isEnabled ? listedIDs() : [] else {
            isComplete = false
            for cell in cells { cell.miss() }
            return
        }
        cells.removeAll { !ids.contains($0.id) }
        if !unreadable.isEmpty { unreadable = unreadable.filter { ids.contains($0.key) } }
        let readsNames = namesRead.duration(to: .now) >= nameInterval
        if readsNames { namesRead = .now }
        for id in ids {
            let known = cells.firstIndex { $0.id == id }
            let isNamed = known.map { !readsNames || cells[$0].hasKeptName(buffer: buffer) } ?? false
            if let known, isNamed, cells[known].look(curiosity(cells[known].name), buffer: buffer) { continue }
            // not there before, or another cell under a number used again
            let before = isNamed ? known.map { cells[$0] } : nil
            if let files = CellFiles("\(directory)/cells/\(id)", id: id, after: before, buffer: buffer),
                files.look(curiosity(files.name), buffer: buffer)
            {
                unreadable[id] = nil
                if let known { cells[known] = files } else { cells.append(files) }
            } else if let known {
                cells[known].miss()
                isComplete = false
            } else {
                let first = unreadable[id] ?? .now
                unreadable[id] = first
                if first.duration(to: .now) < Self.patience { isComplete = false }
            }
        }
    }

    /// The name of the root cell, which is Linux itself, read now; nil while the hypervisor is disabled. Nothing else of
    /// the root cell may be read but its CPUs: see ``CellFiles/rootCell``.
    package var rootCellName: String? { isEnabled ? readRootCell()?.name : nil }

    /// The root cell's name and CPUs, ascending, read now; nil when there is none.
    func readRootCell() -> (name: String, cpus: [Int])? {
        let root = "\(directory)/cells/\(CellFiles.rootCell)"
        guard let file = SysfsFile(root + "/name"), file.read(with: buffer) == .changed,
            let name = SysfsText.line(file.bytes)
        else { return nil }
        let assigned = SysfsFile(root + "/cpus_assigned_list")
        guard let assigned, assigned.read(with: buffer) == .changed else { return (name, []) }
        return (name, SysfsText.cpuList(assigned.bytes) ?? [])
    }

    /// Distinguishes this time that the hypervisor is enabled from another: of the root cell's directory, which is opened
    /// and not read; nil while the hypervisor is disabled, and when it is not known.
    package var enabledIncarnation: UInt64? {
        isEnabled ? SystemCall.inode(ofDirectory: "\(directory)/cells/\(CellFiles.rootCell)") : nil
    }

    /// What the last look showed; nothing is allocated when that is what the one before showed.
    package private(set) var lastLook = Look(.noDriver, isComplete: false)

    private func note(_ online: [Int]?) {
        let hypervisor: Look.Hypervisor = !hasDriver ? .noDriver : isEnabled ? .enabled : .disabled
        if lastLook.hypervisor != hypervisor { lastLook.hypervisor = hypervisor }
        if lastLook.isComplete != isComplete { lastLook.isComplete = isComplete }
        if lastLook.onlineCPUs != online { lastLook.onlineCPUs = online }
        var count = 0
        func put(_ name: CellName?, _ observation: Observation, _ isCurrent: Bool) {
            let guest = Look.Guest(name: name, observation: observation, isCurrent: isCurrent)
            if count >= lastLook.guests.count {
                lastLook.guests.append(guest)
            } else if lastLook.guests[count] != guest {
                lastLook.guests[count] = guest
            }
            count += 1
        }
        for cell in cells { put(cell.name, cell.observation, cell.isCurrent) }
        for (id, first) in unreadable where first.duration(to: .now) >= Self.patience {
            // there is a cell that nobody can see
            put(nil, Observation(id: id, state: .invalid), true)
        }
        if lastLook.guests.count > count { lastLook.guests.removeLast(lastLook.guests.count - count) }
    }

    /// Linux's CPUs that are online, read now; nil when they cannot be read.
    func onlineCPUs() -> [Int]? {
        guard let file = SysfsFile(cpusFile), file.read(with: buffer) == .changed else { return nil }
        return SysfsText.cpuList(file.bytes)
    }

    /// All cells but the root cell, as they could be read last.
    package var guests: [Cell] { cells.map(Cell.init) }

    /// What the last look showed of the cell of this name; nil when it showed nothing that can be relied on.
    package func sighting(of name: String) -> Sighting? {
        if let cell = cells.first(where: { $0.name.bytes.elementsEqual(name.utf8) }) {
            return cell.isCurrent ? .present(cell.observation) : nil
        }
        guard isComplete else { return nil }
        return isEnabled ? .absent : .disabled
    }

    /// The hypervisor's memory pools, read now; zeros while it is disabled.
    package func pools() -> Pools {
        func read(_ name: String) -> Int {
            guard let file = SysfsFile("\(directory)/\(name)"), file.read(with: buffer) == .changed else { return 0 }
            return SysfsText.number(file.bytes).map { Int(clamping: $0) } ?? 0
        }
        return Pools(
            memorySize: read("mem_pool_size"), memoryUsed: read("mem_pool_used"),
            remapSize: read("remap_pool_size"), remapUsed: read("remap_pool_used"))
    }

    /// All of a cell's exit statistics, as the driver names them: `vmexits_total`, `cpu3/vmexits_mmio` and so on,
    /// ordered by name.
    package func statistics(ofCell id: Int) -> [(name: String, value: UInt64)] {
        guard id != CellFiles.rootCell else { return [] }
        let root = "\(directory)/cells/\(id)/statistics"
        var found: [(name: String, value: UInt64)] = []
        for entry in (try? SystemCall.names(inDirectory: root)) ?? [] {
            if entry.hasPrefix("cpu") {
                for name in (try? SystemCall.names(inDirectory: "\(root)/\(entry)")) ?? [] {
                    if let value = statistic("\(root)/\(entry)/\(name)") { found.append(("\(entry)/\(name)", value)) }
                }
            } else if let value = statistic("\(root)/\(entry)") {
                found.append((entry, value))
            }
        }
        return found.sorted { $0.name < $1.name }
    }

    /// How often a cell's CPUs left it, in all and for the hypervisor's own business; nil for what cannot be read now.
    package func exits(ofCell id: Int) -> (total: UInt64?, management: UInt64?) {
        guard id != CellFiles.rootCell else { return (nil, nil) }
        let statistics = "\(directory)/cells/\(id)/statistics"
        return (statistic("\(statistics)/vmexits_total"), statistic("\(statistics)/vmexits_management"))
    }

    /// How often each CPU of a cell left it, without those that cannot be read now.
    package func exitsByCPU(ofCell id: Int) -> [Int: UInt64] {
        guard id != CellFiles.rootCell else { return [:] }
        let statistics = "\(directory)/cells/\(id)/statistics"
        var exits: [Int: UInt64] = [:]
        for entry in (try? SystemCall.names(inDirectory: statistics)) ?? [] where entry.hasPrefix("cpu") {
            guard let cpu = Int(entry.dropFirst(3)) else { continue }
            exits[cpu] = statistic("\(statistics)/\(entry)/vmexits_total")
        }
        return exits
    }

    private func statistic(_ path: String) -> UInt64? {
        guard let file = SysfsFile(path), file.read(with: buffer) == .changed else { return nil }
        return SysfsText.number(file.bytes).flatMap { $0 == DriverFiles.noNumber ? nil : $0 }
    }

    /// Looks at ``hasDriver`` and ``isEnabled`` only.
    func lookWhetherEnabled() {
        if let enabled = readEnabled() {
            hasDriver = true
            isEnabled = enabled
        } else if access(directory, F_OK) != 0 && errno == ENOENT {
            hasDriver = false
            isEnabled = false
        } else {
            // as it was
            isComplete = false
        }
    }

    /// Nil when nothing that makes sense can be read.
    private func readEnabled() -> Bool? {
        if enabledFile == nil { enabledFile = SysfsFile(directory + "/enabled") }
        guard let file = enabledFile else { return nil }
        guard file.read(with: buffer) != .gone else {
            // its object may have been removed, and another be there
            enabledFile = nil
            cellsDirectory = nil
            return nil
        }
        return SysfsText.number(file.bytes).flatMap { $0 <= 1 ? $0 == 1 : nil }
    }

    /// All but the root cell's; nil when they cannot be listed.
    private func listedIDs() -> [Int]? {
        guard let numbers = try? SystemCall.numbers(inDirectory: directory + "/cells") else { return nil }
        directoryCount = numbers.count
        return numbers.filter { $0 != CellFiles.rootCell }
    }

    // MARK: - Still pictures

    /// What the last look read, to be compared with what can be read later. Nil when that look could not read everything,
    /// or when the file system does not count directories: sysfs does (`st_nlink` of a directory is the number of
    /// directories in it, and 2), some that a simulated machine may be on do not.
    ///
    /// Statistics are not in it: where they matter, look.
    package func stillPicture() -> StillPicture? {
        guard isComplete, unreadable.isEmpty, hasDriver, let enabledFile else { return nil }
        var picture = StillPicture()
        picture.add(enabledFile)
        guard isEnabled else { return picture }
        if cellsDirectory == nil { cellsDirectory = SharedDescriptor(directory + "/cells", O_RDONLY | O_DIRECTORY) }
        guard let cellsDirectory, picture.add(cellsDirectory, directories: directoryCount) else { return nil }
        for cell in cells {
            guard cell.isCurrent else { return nil }
            cell.add(to: &picture)
        }
        return picture
    }
}

extension HypervisorView.Cell {
    fileprivate init(_ files: CellFiles) {
        self.init(id: files.id, name: files.name, cpus: files.cpus, observation: files.observation)
    }
}
