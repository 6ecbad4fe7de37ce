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
        /// A start stub of the daemon's.
        case stub
    }

    static let standardMemory: UInt64 = 8 << 20
    /// More than the physical addresses of today's processors.
    static let addressLimit: UInt64 = 1 << 52
    static let stubAddress: UInt64 = 0xf_0000

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

    /// - Parameters:
    ///   - image: the whole file.
    ///   - others: the cells that are to exist beside it.
    /// - Throws: ``DefinitionError`` for what cannot be: no CPU or memory left, an image that is no program.
    package init(
        _ request: Request, image: [UInt8], system: SystemDescriptor, others: [CellDescriptor]
    ) throws(DefinitionError) {
        self.request = request
        architecture = system.architecture
        let profile: ImageProfile
        do throws(ImageError) {
            profile = try ImageProfile(image: image, address: request.address)
        } catch {
            throw DefinitionError(error, path: request.imagePath)
        }
        self.profile = profile
        name = try CellProposal.name(request)
        cpus = if let asked = request.cpus { asked } else { try CellProposal.freeCPU(system, others) }
        beginning = CellProposal.beginning(profile, image, architecture)
        (ramStart, ramSize) = try CellProposal.ram(profile, request)
        physical =
            if let asked = request.physical {
                asked
            } else {
                try FreeMemory(system: system, others: others).place(for: ramSize)
            }
        region = CellProposal.region(profile, architecture, ramStart, ramSize)
        console = CellProposal.console(system)
        ports = CellProposal.ports(profile, console, architecture)
    }
}

// MARK: - Choices

extension CellProposal {
    /// What was asked for or, in letters that a name of a cell should have, the file's.
    private static func name(_ request: Request) throws(DefinitionError) -> String {
        let file = request.imagePath[
            (request.imagePath.lastIndex(of: "/").map(request.imagePath.index(after:)) ?? request.imagePath.startIndex)...
        ]
        let stem = String(file.prefix { $0 != "." }.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
        let name = request.name ?? String(stem.prefix(CellDescriptor.nameLimit))
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
    private static func freeCPU(
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

    private static func beginning(
        _ profile: ImageProfile, _ image: [UInt8], _ architecture: Architecture
    ) -> Beginning {
        guard let entry = profile.entry else { return .program(profile.parts.first?.start ?? 0) }
        guard architecture == .x86, profile.beginsInProtectedMode else { return .program(entry) }
        if let stub = profile.startCode(in: image, for: entry) { return .ownStub(stub.start) }
        return .stub
    }

    private static func ram(
        _ profile: ImageProfile, _ request: Request
    ) throws(DefinitionError) -> (start: UInt64, size: UInt64) {
        let first = profile.parts.map(\.start).min() ?? 0
        var end = profile.end
        if case .bounded(_, let workEnd)? = profile.rtems?.workArea { end = max(end, workEnd) }
        let wanted = request.memory ?? standardMemory
        // from 0 as long as that is not far from the image
        let start = first < max(wanted, standardMemory) ? 0 : first / FreeMemory.hugePageSize * FreeMemory.hugePageSize
        let needed = (end - start).roundedUpToPages
        guard request.memory.map({ $0 >= needed }) ?? true else {
            let text = Quantity.sizeText(needed) ?? "\(needed) bytes"
            throw DefinitionError(
                .invalidValue,
                "the program needs the addresses \(rangeText(start, end - 1)), which is more memory than that",
                path: request.imagePath, remedy: "give it --memory \"\(text)\" at least"
            )
        }
        let size = max(wanted.roundedUpToPages, needed)
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
        _ profile: ImageProfile, _ architecture: Architecture, _ start: UInt64, _ size: UInt64
    ) -> UInt64 {
        if let expected = profile.communicationRegion { return expected }
        let end = start + size
        let usual: UInt64 = architecture == .x86 ? RTEMSProgram.regionOf2016 : 0x8000_0000
        return usual >= end ? usual : (end + 0xf_ffff) / 0x10_0000 * 0x10_0000
    }

    private static func console(_ system: SystemDescriptor) -> Console {
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
            for range in device.ports where !ports.contains(where: { $0.base == range.lowerBound }) {
                ports.append(
                    IOPortRegion(name: device.name, base: range.lowerBound, count: UInt16(clamping: range.count)))
            }
        }
        return ports.sorted { $0.base < $1.base }
    }
}

extension UInt64 {
    /// The last whole page there is at most.
    fileprivate var roundedUpToPages: UInt64 {
        let (sum, overflow) = addingReportingOverflow(FreeMemory.pageSize - 1)
        return (overflow ? .max : sum) / FreeMemory.pageSize * FreeMemory.pageSize
    }
}
