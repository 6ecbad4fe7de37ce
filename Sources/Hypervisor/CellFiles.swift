// SPDX-License-Identifier: Apache-2.0

import Glibc
import JailhouseInterface
import Supervision
import SystemCalls

/// One directory `cells/<id>`, its files kept open.
final class CellFiles {
    /// The root cell's number. Its `state`, `cpus_failed*` and `statistics` must never be read: each of these reads is a
    /// hypercall, and while the hypervisor is being disabled (by any program, or by the driver at reboot) the CPUs have
    /// left it before the driver removes `cells/0`. The hypercall is then an invalid opcode in the kernel: the reader is
    /// dead, and the disable waits for it indefinitely. The directories of other cells are removed, and their readers
    /// waited for, before the CPUs leave.
    static let rootCell = 0

    let id: Int
    let name: CellName
    /// The CPUs that the cell was given, ascending.
    let cpus: [Int]
    private(set) var observation: Observation
    /// Whether ``observation`` is what the last look showed, and not an earlier one.
    private(set) var isCurrent = true

    private let directory: String
    /// What its file said last instead of its name.
    private var otherName: CellName?
    private let state: SysfsFile
    private let failedCPUs: SysfsFile
    /// Since when the two have contradicted each other: see ``settle(buffer:)``.
    private var tornSince: ContinuousClock.Instant?
    private var total: SysfsFile?
    private var management: [SysfsFile]?

    /// Opens what the driver shows of a cell; nil while it does not show all of it (yet, or any more).
    ///
    /// - Parameter known: what was open before. If it is the same directory, it is the same cell, which keeps its name.
    init?(_ directory: String, id: Int, after known: CellFiles? = nil, buffer: UnsafeMutableRawBufferPointer) {
        let incarnation = SystemCall.inode(ofDirectory: directory)
        guard let name = SysfsFile(directory + "/name"), name.read(with: buffer) == .changed,
            let nameBytes = SysfsText.bytes(ofLine: name.bytes),
            let assigned = SysfsFile(directory + "/cpus_assigned_list"), assigned.read(with: buffer) == .changed,
            let cpus = SysfsText.cpuList(assigned.bytes),
            let state = SysfsFile(directory + "/state"), state.read(with: buffer) == .changed,
            let stateText = SysfsText.state(state.bytes),
            let failed = SysfsFile(directory + "/cpus_failed_list"), failed.read(with: buffer) == .changed,
            let failedCPUs = SysfsText.cpuList(failed.bytes),
            // all of it is one cell's
            SystemCall.inode(ofDirectory: directory) == incarnation
        else { return nil }
        self.directory = directory
        self.id = id
        let isSame = incarnation != nil && known?.observation.incarnation == incarnation
        self.name = isSame ? known?.name ?? CellName(bytes: nameBytes) : CellName(bytes: nameBytes)
        self.cpus = cpus
        self.state = state
        self.failedCPUs = failed
        observation = Observation(id: id, incarnation: incarnation, state: stateText, failedCPUs: failedCPUs)
        settle(buffer: buffer)
    }

    /// Whether its file still says the name that it is known by, as far as that can be read now. Another one counts when
    /// it is read twice in succession: what is misread for a moment does not make a known cell a stranger.
    func hasKeptName(buffer: UnsafeMutableRawBufferPointer) -> Bool {
        guard let file = SysfsFile(directory + "/name"), file.read(with: buffer) == .changed,
            let bytes = SysfsText.bytes(ofLine: file.bytes)
        else { return true }
        let read = CellName(bytes: bytes)
        defer { otherName = read == name ? nil : read }
        return read == name || read != otherName
    }

    /// Reads the cell again; false when it cannot be read any more. What is no such text leaves the earlier reading as
    /// it was.
    func look(_ curiosity: Curiosity, buffer: UnsafeMutableRawBufferPointer) -> Bool {
        isCurrent = false
        if state.read(with: buffer) == .gone { return false }
        guard let text = SysfsText.state(state.bytes) else { return true }
        observation.state = text
        isCurrent = true
        switch failedCPUs.read(with: buffer) {
        // replaced beneath the open descriptor, which shows the old text indefinitely
        case .gone: return false
        case .changed:
            if let list = SysfsText.cpuList(failedCPUs.bytes) { observation.failedCPUs = list }
        default: break
        }
        settle(buffer: buffer)
        observation.managementExits = curiosity.contains(.managementExits) ? managementExits(buffer) : nil
        observation.totalExits = curiosity.contains(.totalExits) ? totalExits(buffer) : nil
        return true
    }

    /// - Parameter stopped: those CPUs on which the hypervisor itself failed.
    func note(stoppedCPUs stopped: [Int]) {
        // nothing is allocated when there are none
        guard !stopped.isEmpty || !observation.stoppedCPUs.isEmpty else { return }
        observation.stoppedCPUs = stopped.filter(cpus.contains)
    }

    /// How long a contradiction is taken for what passes.
    private static let patience = Duration.seconds(2)

    /// The hypervisor marks a CPU as failed, and if it was the cell's last one, the cell as failed. A look between the two,
    /// or that read the state before the first and the CPUs after it, shows a cell that runs without a CPU: that would
    /// never answer, and nobody could command it any more. The state is read once more, and until it fits, the look has not
    /// seen the cell.
    private func settle(buffer: UnsafeMutableRawBufferPointer) {
        func isTorn() -> Bool {
            guard !observation.failedCPUs.isEmpty else { return false }
            let runs = observation.state == .running || observation.state == .runningLocked
            return runs && cpus.allSatisfy(observation.failedCPUs.contains)
        }
        guard isTorn() else { return tornSince = nil }
        if state.read(with: buffer) != .gone, let text = SysfsText.state(state.bytes) { observation.state = text }
        guard isTorn() else { return tornSince = nil }
        let first = tornSince ?? .now
        tornSince = first
        if first.duration(to: .now) < Self.patience { isCurrent = false }
    }

    /// Adds what would show that anything has happened to the cell. When all of its CPUs have failed, its state says so;
    /// so the list of those that have failed says something of its own only if there are several.
    func add(to picture: inout StillPicture) {
        picture.add(state)
        if cpus.count > 1 { picture.add(failedCPUs) }
    }

    /// It could not be looked at.
    func miss() {
        isCurrent = false
    }

    /// Empty when the driver does not offer them; nil when they cannot be read now.
    private func managementExits(_ buffer: UnsafeMutableRawBufferPointer) -> [UInt64]? {
        if management == nil {
            let directories = cpus.map { "\(directory)/statistics/cpu\($0)" }
            guard directories.allSatisfy({ access($0, F_OK) == 0 || errno != ENOENT }) else { return [] }
            let files = directories.compactMap { SysfsFile("\($0)/vmexits_management") }
            guard files.count == cpus.count else { return nil }
            management = files
        }
        var exits: [UInt64] = []
        for file in management ?? [] {
            guard file.read(with: buffer) != .gone, let count = SysfsText.number(file.bytes) else {
                // they may have been replaced
                management = nil
                return nil
            }
            exits.append(count)
        }
        return exits
    }

    private func totalExits(_ buffer: UnsafeMutableRawBufferPointer) -> UInt64? {
        if total == nil { total = SysfsFile(directory + "/statistics/vmexits_total") }
        guard let file = total, file.read(with: buffer) != .gone else {
            total = nil
            return nil
        }
        return SysfsText.number(file.bytes)
    }
}
