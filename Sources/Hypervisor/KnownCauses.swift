// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Glibc
import JailhouseInterface
import Supervision

// Which of an error number's causes it was, where the machine shows it.

extension HypervisorError {
    /// The same with the cell whose CPUs a new one asked for, or with the CPUs that nobody has.
    ///
    /// - Parameter view: as it is after the refusal.
    func named(ofCPUsIn configuration: [UInt8], _ view: HypervisorView) -> HypervisorError {
        guard errno == EBUSY, let wanted = try? CellDescriptor(binary: configuration) else { return self }
        let taken = view.guests.compactMap { guest -> String? in
            let shared = guest.cpus.filter { wanted.cpus.contains($0) }
            guard !shared.isEmpty else { return nil }
            let owner = "cell \(guest.label)'s, which is \(guest.observation.state.rawValue)"
            return shared.count == 1 ? "CPU \(shared[0]) is \(owner)" : "CPUs \(Self.list(shared)) are \(owner)"
        }
        if !taken.isEmpty {
            return naming(
                "create \(wanted.name)", taken.joined(separator: "; "),
                "destroy that cell first, or give this one another CPU")
        }
        let linuxs = view.readRootCell()?.cpus ?? []
        let missing = wanted.cpus.members.filter { !linuxs.contains($0) }
        guard view.isComplete, !linuxs.isEmpty, !missing.isEmpty else { return self }
        return naming(
            "create \(wanted.name)",
            "no cell has CPU \(Self.list(missing)), and Linux has CPU \(Self.list(linuxs)): either the machine lacks it, or the system "
                + "configuration",
            "correct cpus of the cell, or of [root-cell]")
    }

    /// The same with what is left of the hypervisor's memory.
    func named(by pools: HypervisorView.Pools) -> HypervisorError {
        if let shortage = pools.shortage {
            return naming(message.prefix { $0 != ":" }, shortage.what, shortage.advice)
        }
        guard pools.memorySize > 0 else { return self }
        var named = self
        named.message +=
            "; its memory pool has \(pools.memorySize - pools.memoryUsed) of \(pools.memorySize) pages left, the remap pool "
            + "\(pools.remapSize - pools.remapUsed) of \(pools.remapSize)"
        return named
    }

    private func naming(_ command: some StringProtocol, _ cause: String, _ advice: String) -> HypervisorError {
        var named = self
        named.message = "\(command): \(Refusal.knownCause)\(cause); \(advice)"
        return named
    }

    private static func list(_ cpus: [Int]) -> String { cpus.map(String.init).joined(separator: ", ") }
}

extension HypervisorView.Pools {
    /// Fewer are not enough for most cells: one takes its own structures and the page tables of its memory.
    private static let few = 32

    /// Whether a pool has so little left that what needed memory of it was refused for that; nil: neither has, or they
    /// could not be read.
    var shortage: (what: String, advice: String)? {
        if Self.isShort(memoryUsed, of: memorySize) {
            return (
                "the hypervisor's memory pool is used up but for \(memorySize - memoryUsed) of its \(memorySize) pages",
                "make size in [hypervisor-memory] of the system configuration larger, or align the cells' RAM to 2 MiB"
            )
        }
        if Self.isShort(remapUsed, of: remapSize) {
            return (
                "the hypervisor's remap pool, in which it maps devices for itself, is used up but for \(remapSize - remapUsed) of its "
                    + "\(remapSize) pages",
                "no line of a configuration enlarges it, its size is the build's: give the cells fewer devices with MSI-X"
            )
        }
        return nil
    }

    private static func isShort(_ used: Int, of size: Int) -> Bool {
        size > 0 && (size - used < few || (size - used) * 10 < size && size - used < 10 * few)
    }
}
