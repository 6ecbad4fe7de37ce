import Glibc
public import Supervision
import SystemCalls

/// What `/sys/devices/jailhouse` shows, by reading it again and again, since nothing notifies.
///
/// Belongs to one isolation domain. One pass over a machine on which nothing changed costs two reads a cell, one for
/// `enabled` and one directory listing, and allocates nothing.
public final class HypervisorView {
    /// One cell as one pass showed it.
    public struct Cell: Hashable, Sendable {
        public let id: Int
        public let name: String
        /// The CPUs that it was given, ascending.
        public let cpus: [Int]
        public let observation: Observation
    }

    /// Pages of hypervisor memory, in all and in use.
    public struct Pools: Hashable, Sendable {
        public var memorySize = 0
        public var memoryUsed = 0
        public var remapSize = 0
        public var remapUsed = 0
    }

    public let directory: String
    /// Whether the driver is there at all.
    public private(set) var hasDriver = false
    public private(set) var isEnabled = false
    private var cells: [CellFiles] = []
    private var enabledFile: SysfsFile?
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)

    public init(directory: String = "/sys/devices/jailhouse") {
        self.directory = directory
    }

    deinit {
        buffer.deallocate()
    }

    /// Looks once.
    ///
    /// - Parameter curiosity: which statistics to read, by the cell's name.
    public func look(_ curiosity: (String) -> Curiosity = { _ in [] }) {
        lookWhetherEnabled()
        let ids = isEnabled ? listedIDs() : []
        cells.removeAll { !ids.contains($0.id) }
        cells = cells.filter { $0.look(curiosity($0.name), buffer: buffer) }
        for id in ids where !cells.contains(where: { $0.id == id }) {
            // not there before, or another cell under a number used again
            guard let files = CellFiles("\(directory)/cells/\(id)", id: id, buffer: buffer) else { continue }
            if files.look(curiosity(files.name), buffer: buffer) { cells.append(files) }
        }
    }

    /// The root cell (number 0) is Linux itself.
    public var rootCell: Cell? { cells.first { $0.id == 0 }.map(Cell.init) }

    /// All cells but the root cell, in the order in which they were seen first.
    public var guests: [Cell] { cells.lazy.filter { $0.id != 0 }.map(Cell.init) }

    /// What a look showed of the cell of this name.
    public func sighting(of name: String) -> Sighting {
        guard isEnabled else { return .disabled }
        return cells.first { $0.id != 0 && $0.name == name }.map { .present($0.observation) } ?? .absent
    }

    /// The hypervisor's memory pools, read now; zeros while it is disabled.
    public func pools() -> Pools {
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
    public func statistics(ofCell id: Int) -> [(name: String, value: UInt64)] {
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

    private func statistic(_ path: String) -> UInt64? {
        guard let file = SysfsFile(path), file.read(with: buffer) == .changed else { return nil }
        return SysfsText.number(file.bytes)
    }

    private func lookWhetherEnabled() {
        if enabledFile == nil { enabledFile = SysfsFile(directory + "/enabled") }
        guard let file = enabledFile else {
            hasDriver = false
            isEnabled = false
            return
        }
        switch file.read(with: buffer) {
        case .gone:
            enabledFile = nil
            hasDriver = false
            isEnabled = false
        case .changed, .unchanged:
            hasDriver = true
            isEnabled = SysfsText.number(file.bytes) == 1
        }
    }

    private func listedIDs() -> [Int] {
        (try? SystemCall.numbers(inDirectory: directory + "/cells")) ?? []
    }
}

extension HypervisorView.Cell {
    fileprivate init(_ files: CellFiles) {
        self.init(id: files.id, name: files.name, cpus: files.cpus, observation: files.observation)
    }
}
