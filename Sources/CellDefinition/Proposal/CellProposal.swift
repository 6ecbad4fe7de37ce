// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration
import ConfigurationRules
import InmateImage

/// A cell definition that fits an image and a machine, as a beginning.
package struct CellProposal: Sendable {
    /// What is asked for; what is nil is chosen.
    package struct Request: Sendable {
        /// The image's file, as the daemon will see it.
        package var imagePath: String
        /// Where a flat image goes.
        package var address: UInt64?
        package var name: String?
        package var cpus: CPUSet?
        /// Bytes of RAM.
        package var memory: UInt64?
        /// Where that RAM is in the machine.
        package var physical: UInt64?

        package init(
            imagePath: String, address: UInt64? = nil, name: String? = nil, cpus: CPUSet? = nil, memory: UInt64? = nil,
            physical: UInt64? = nil
        ) {
            self.imagePath = imagePath
            self.address = address
            self.name = name
            self.cpus = cpus
            self.memory = memory
            self.physical = physical
        }
    }

    /// How the cell's processor gets to the program.
    enum Beginning {
        /// The program's own first instruction.
        case program(UInt64)
        /// 16-bit code in the program's file.
        case ownStub(UInt64)
        /// A start stub of the daemon's, and where it goes.
        case stub(UInt64)
    }

    static let standardMemory: UInt64 = 8 << 20
    /// More than the physical addresses of today's processors.
    static let addressLimit: UInt64 = 1 << 52
    /// What a start stub takes at the most besides what it is told: itself, and its tables.
    static let stubSize: UInt64 = 0x8000

    let request: Request
    let profile: ImageProfile
    let architecture: Architecture
    let name: String
    let cpus: CPUSet
    let beginning: Beginning
    /// Where the cell sees its RAM.
    let ramStart: UInt64
    let ramSize: UInt64
    let physical: UInt64
    let region: UInt64
    let console: Console
    let ports: [IOPortRegion]
    /// Of the machine, for what the image does not tell.
    let system: SystemDescriptor
    /// Whether the RAM's place is a guess: nothing says that Linux leaves it alone.
    let isPlaceGuessed: Bool
    /// Whether the machine has no room left for the usual amount of RAM.
    let isMemoryScarce: Bool

    /// - Parameters:
    ///   - image: the whole file.
    ///   - others: the cells that are to exist beside it.
    /// - Throws: ``DefinitionError`` for what cannot be: no CPU or memory left, an image that is no program.
    package init(
        _ request: Request, image: [UInt8], system: SystemDescriptor, others: [CellDescriptor]
    ) throws(DefinitionError) {
        self.request = request
        architecture = system.architecture
        var profile: ImageProfile
        do throws(ImageError) {
            profile = try ImageProfile(image: image, address: request.address)
            if profile.format == .flat, profile.isMultiboot, request.address == nil, profile.loadAddress == nil {
                // no loader puts such a program below
                profile = try ImageProfile(image: image, address: 0x10_0000)
            }
        } catch {
            throw DefinitionError(error, path: request.imagePath)
        }
        guard !profile.isLinuxKernel else {
            throw DefinitionError(
                .invalidValue,
                "this is a Linux kernel, which needs more than to be loaded: a command line, and what tells it of its cell",
                path: request.imagePath, remedy: "give --linux as well")
        }
        self.profile = profile
        name = try CellProposal.name(request, besides: [system.rootCell.name] + others.map(\.name))
        cpus = if let asked = request.cpus { asked } else { try CellProposal.freeCPU(system, others) }
        guard !Set(cpus.members).isSuperset(of: system.rootCell.cpus.members) else {
            throw DefinitionError(
                .invalidValue, "the cell would have all CPUs of the root cell (\(system.rootCell.cpus.list))",
                path: request.imagePath, remedy: "leave at least one of them to Linux")
        }
        self.system = system
        console = CellProposal.console(system)
        let devices = SeenDevices(system, ProposedConsole(console: console))
        let ownBeginning = CellProposal.beginning(profile, image, architecture)
        let memory = FreeMemory(system: system, others: others)
        let place = try CellProposal.place(in: memory, request) { wanted throws(DefinitionError) in
            try CellProposal.ram(profile, request, wanted: wanted, needsStub: ownBeginning == nil, devices)
        }
        (ramStart, ramSize, physical) = (place.ram.start, place.ram.size, place.physical)
        (isPlaceGuessed, isMemoryScarce) = (place.isGuessed, place.isLess)
        region = CellProposal.region(profile, architecture, ramStart, ramSize, devices)
        beginning =
            if let ownBeginning {
                ownBeginning
            } else {
                .stub(try CellProposal.stubPlace(profile, ramStart, ramSize, region, request))
            }
        ports = CellProposal.ports(profile, console, architecture)
    }
}

// MARK: - Choices

extension CellProposal {
    /// What was asked for or, in letters that a name of a cell should have, the file's.
    static func name(_ request: Request, besides others: [String]) throws(DefinitionError) -> String {
        let file = request.imagePath[
            (request.imagePath.lastIndex(of: "/").map(request.imagePath.index(after:)) ?? request.imagePath.startIndex)...
        ]
        let stem = String(file.prefix { $0 != "." }.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
        let own = String(stem.prefix(CellDescriptor.nameLimit - 3))
        let free = [own] + (2...99).map { "\(own)-\($0)" }
        let name = request.name ?? free.first { !others.contains($0) } ?? own
        guard !name.isEmpty, name.utf8.count <= CellDescriptor.nameLimit, !name.utf8.contains(where: { $0 < 0x20 })
        else {
            throw DefinitionError(
                .invalidValue, "\"\(name)\" cannot be a cell's name: it has 1 to \(CellDescriptor.nameLimit) bytes",
                path: request.imagePath, remedy: "give one with --name"
            )
        }
        return name
    }

    /// The highest one that no cell has; Linux keeps CPU 0 and one at least.
    static func freeCPU(
        _ system: SystemDescriptor, _ others: [CellDescriptor]
    ) throws(DefinitionError) -> CPUSet {
        let taken = Set(others.flatMap(\.cpus.members))
        let free = system.rootCell.cpus.members.filter { !taken.contains($0) }
        guard free.count > 1, let cpu = free.last, cpu > 0 else {
            throw DefinitionError(
                .invalidValue, "no CPU is left: the root cell's are \(system.rootCell.cpus.list)", path: "",
                remedy: "give cells fewer CPUs, or say with --cpus which one is to be shared by turns"
            )
        }
        return CPUSet([cpu])
    }

    /// Nil when it needs a start stub.
    private static func beginning(
        _ profile: ImageProfile, _ image: [UInt8], _ architecture: Architecture
    ) -> Beginning? {
        guard let entry = profile.entry else { return .program(profile.parts.first?.start ?? 0) }
        guard architecture == .x86, profile.beginsInProtectedMode else { return .program(entry) }
        if profile.format != .flat, let stub = profile.startCode(in: image, for: entry) { return .ownStub(stub.start) }
        return nil
    }

    /// RAM that nothing else takes, with room for a stack below: 0xf0000 if it is free, as it is on a PC.
    private static func stubPlace(
        _ profile: ImageProfile, _ ramStart: UInt64, _ ramSize: UInt64, _ region: UInt64, _ request: Request
    ) throws(DefinitionError) -> UInt64 {
        let stack: UInt64 = 0x1000
        var taken = profile.parts.map { (start: $0.start, end: $0.end) }
        taken.append((start: region, end: region + FreeMemory.pageSize))
        if case .bounded(let start, let end)? = profile.rtems?.workArea { taken.append((start, end)) }
        // a stub is 16-bit code, within 64 KiB
        let segment: UInt64 = 0x1_0000
        let first = (ramStart + segment) / segment * segment
        let places = [0xf_0000] + stride(from: first, to: min(ramStart + ramSize, 1 << 32), by: Int(segment))
        let free = places.first { place in
            place >= ramStart + stack && place + stubSize <= ramStart + ramSize
                && !taken.contains { $0.start < place + stubSize && place - stack < $0.end }
        }
        guard let free else {
            throw DefinitionError(
                .invalidValue, "its RAM has no room for the start stub that enters the program",
                path: request.imagePath, remedy: "give it more with --memory, or link the program to a higher address")
        }
        return free
    }

    /// Whether most of the addresses from its first part to its last are of none.
    private static func isSpread(_ profile: ImageProfile) -> Bool {
        let first = profile.parts.map(\.start).min() ?? 0
        return profile.parts.count > 1 && (profile.end - first) / 16 > profile.parts.reduce(0) { $0 + $1.size }
    }

    private static func ram(
        _ profile: ImageProfile, _ request: Request, wanted: UInt64, needsStub: Bool, _ devices: SeenDevices
    ) throws(DefinitionError) -> (start: UInt64, size: UInt64) {
        let first = profile.parts.map(\.start).min() ?? 0
        var end = profile.end
        if case .bounded(_, let workEnd)? = profile.rtems?.workArea { end = max(end, workEnd) }
        // from 0 as long as that is not far from the image
        var start = first < max(wanted, standardMemory) ? 0 : first / FreeMemory.hugePageSize * FreeMemory.hugePageSize
        if needsStub && start > 0 { start -= FreeMemory.hugePageSize }
        let needed = (end - start).roundedUpToPages
        guard request.memory.map({ $0 >= needed }) ?? true else {
            let text = Quantity.sizeText(needed) ?? "\(needed) bytes"
            throw DefinitionError(
                .invalidValue,
                "the program needs the addresses \(rangeText(start, end - 1)), which is more memory than that",
                path: request.imagePath, remedy: "give it --memory \"\(text)\" at least"
            )
        }
        var size = max(wanted.roundedUpToPages, needed)
        if let device = devices.first(over: start, size) {
            // less does, unless so much was asked for or the program itself is there
            let room = device.start > start ? (device.start - start) / FreeMemory.pageSize * FreeMemory.pageSize : 0
            guard request.memory == nil, room >= max(needed, FreeMemory.pageSize) else {
                throw DefinitionError(
                    .invalidValue,
                    "its RAM would be at \(rangeText(start, start &+ (size - 1))), where the cell sees the \(device.name) "
                        + "(\(rangeText(device.start, device.last)))",
                    path: request.imagePath,
                    remedy: isSpread(profile)
                        ? "its parts lie far apart (\(profile.parts.map { rangeText($0.start, $0.end - 1) }.joined(separator: ", "))): link "
                            + "it without the small one, such as a note of the build (-Wl,--build-id=none)"
                        : room >= max(needed, FreeMemory.pageSize)
                            ? "give it --memory \"\(Quantity.sizeText(room) ?? "\(room)")\" at most"
                            : "link the program to another address, or give a flat image another --address")
            }
            size = room
        }
        let reach = [start, request.physical ?? 0].map { $0.addingReportingOverflow(size) }
        guard reach.allSatisfy({ !$0.overflow && $0.partialValue <= CellProposal.addressLimit }) else {
            throw DefinitionError(
                .invalidValue, "\(size) bytes at \(hexadecimal(start)) are beyond what a processor can address",
                path: request.imagePath, remedy: "correct --memory, --physical or the image's address"
            )
        }
        return (start, size)
    }

    /// Where the program looks for it or, when that is not known, beside the RAM.
    private static func region(
        _ profile: ImageProfile, _ architecture: Architecture, _ start: UInt64, _ size: UInt64,
        _ devices: SeenDevices
    ) -> UInt64 {
        if let expected = profile.communicationRegion { return expected }
        // bytes that look like an address, of a device even, need be none
        if let written = profile.writtenRegion, devices.freePage(at: written, besides: (0, 0)) == written {
            return written
        }
        if let expected = profile.regionOfUpstream(architecture) { return expected }
        let usual: UInt64 = architecture == .x86 ? RTEMSProgram.regionOf2016 : 0x8000_0000
        return devices.freePage(at: usual, besides: (start, size))
    }

    static func console(_ system: SystemDescriptor) -> Console {
        if system.debugConsole.kind != .none { return system.debugConsole }
        return system.architecture == .x86 ? Console(kind: .uart8250, address: 0x3f8) : .none
    }

    private static let consoleNames: [UInt16: String] = [
        0x3f8: "COM1", 0x2f8: "COM2", 0x3e8: "COM3", 0x2e8: "COM4",
    ]

    private static func ports(
        _ profile: ImageProfile, _ console: Console, _ architecture: Architecture
    ) -> [IOPortRegion] {
        guard architecture == .x86 else { return [] }
        var ports: [IOPortRegion] = []
        if console.kind == .uart8250, !console.flags.contains(.mmio), let base = UInt16(exactly: console.address) {
            ports.append(IOPortRegion(name: consoleNames[base] ?? "console", base: base, count: 8))
        }
        for device in profile.rtems?.legacyDevices ?? [] {
            for range in device.ports where !ports.contains(where: { $0.overlaps(range) }) {
                ports.append(
                    IOPortRegion(name: device.name, base: range.lowerBound, count: UInt16(clamping: range.count)))
            }
        }
        return ports.sorted { $0.base < $1.base }
    }
}

extension IOPortRegion {
    fileprivate func overlaps(_ range: ClosedRange<UInt16>) -> Bool {
        Int(base) <= Int(range.upperBound) && Int(range.lowerBound) < Int(base) + Int(count)
    }
}

extension UInt64 {
    /// The last whole page there is at most.
    fileprivate var roundedUpToPages: UInt64 {
        let (sum, overflow) = addingReportingOverflow(FreeMemory.pageSize - 1)
        return (overflow ? .max : sum) / FreeMemory.pageSize * FreeMemory.pageSize
    }
}
