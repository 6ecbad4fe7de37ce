// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import InmateImage

// The memory that a program uses without being loaded there.

extension LoadedCell {
    func memoryNeeds(of image: Image) -> [Finding] {
        workAreaFindings(of: image) + lowMemoryFindings(of: image)
    }

    private func workAreaFindings(of image: Image) -> [Finding] {
        if let size = image.reference.workArea {
            let start = image.profile.end
            let (end, overflow) = start.addingReportingOverflow(size)
            return findings(
                of: image, "the declared work area of \(image.path)", start, overflow ? .max : end,
                remedy: "make the RAM larger, or work-area in [[image]] smaller"
            )
        }
        switch image.profile.rtems?.workArea {
        case .bounded(let start, let end):
            let isOf2016 = image.profile.rtems?.port == .jailhouse2016
            return findings(
                of: image,
                "the work area of \(image.path) (RTEMS; "
                    + (isOf2016 ? "the 2016 port takes 8 MiB for granted)" : "its end was linked into it)"),
                start, end,
                remedy: isOf2016 ? "give the cell 8 MiB of RAM at virtual = 0x0" : boundedRemedy(start)
            )
        case .probed where image.reference.start.mode == .multiboot: return []
        case .probed(let start):
            return [
                ImageRule.boundedMemory.finding(
                    at: image.location,
                    "\(image.path) (RTEMS) was linked without the size of its memory (RamSize is 0xffffffff)",
                    remedy: "set start = \"multiboot\" in its [[image]], which tells it, or link it with "
                        + "-Wl,--defsym=RamSize=\(ramEnd(start)), the end of the cell's RAM"
                )
            ]
        case nil: return []
        }
    }

    private func boundedRemedy(_ start: UInt64) -> String {
        // where other boards' memory begins and ends is built into the board support
        cell.architecture == .x86
            ? "make the RAM larger, or link the program for less: -Wl,--defsym=RamSize=\(ramEnd(start))"
            : "make the RAM larger, or build the BSP for less: where its RAM begins, and its length, are options of "
                + "its config.ini (BSP_A53_RAM_BASE and BSP_A53_RAM_LENGTH for a53_lp64_qemu)"
    }

    private func ramEnd(_ start: UInt64) -> String { hexadecimal(firstGap(from: start)) }

    private func findings(
        of image: Image, _ what: String, _ start: UInt64, _ end: UInt64, remedy: String
    ) -> [Finding] {
        guard end > start else {
            return end == start
                ? []
                : [
                    ImageRule.workArea.finding(
                        at: image.location,
                        "\(what) would end at \(hexadecimal(end)), before its image does (\(hexadecimal(start)))",
                        remedy: remedy
                    )
                ]
        }
        if let index = cell.memoryRegions.firstIndex(where: { $0.flags.contains(.communicationRegion) }) {
            let region = cell.memoryRegions[index]
            if region.virtualStart < end, start < region.virtualEnd {
                return [
                    ImageRule.workAreaFree.finding(
                        at: "memory[\(index)]",
                        "\(what), \(rangeText(start, end - 1)), lies over \"\(region.label)\" "
                            + "(\(rangeText(region.virtualStart, region.virtualEnd - 1)))"
                    )
                ]
            }
        }
        let gap = firstGap(from: start)
        guard gap < end else { return [] }
        return [
            ImageRule.workArea.finding(
                at: image.location,
                "\(what) is \(rangeText(start, end - 1)), but the cell's RAM there ends "
                    + (gap == start ? "before it" : "at \(hexadecimal(gap - 1))"),
                remedy: remedy
            )
        ]
    }

    /// The first address from here on that is no RAM.
    private func firstGap(from start: UInt64) -> UInt64 {
        let ram = cell.memoryRegions.filter {
            $0.flags.isSuperset(of: [.read, .write]) && $0.flags.isDisjoint(with: [.communicationRegion, .io])
        }.sorted { $0.virtualStart < $1.virtualStart }
        var next = start
        for region in ram where region.virtualStart <= next { next = max(next, region.virtualEnd) }
        return next
    }

    private func lowMemoryFindings(of image: Image) -> [Finding] {
        guard image.profile.rtems?.port == .jailhouse2016, firstGap(from: 0) <= 0x81 else { return [] }
        return [
            ImageRule.lowMemory.finding(
                at: image.location, "\(image.path) is of the 2016 port of RTEMS, but the cell has no RAM at 0x0")
        ]
    }
}

extension MemoryRegion {
    /// The address behind it; the last one there is at most.
    var virtualEnd: UInt64 {
        let (end, overflow) = virtualStart.addingReportingOverflow(size)
        return overflow ? .max : end
    }
}
