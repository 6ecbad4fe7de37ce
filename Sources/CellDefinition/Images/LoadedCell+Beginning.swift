// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import InmateImage

// How the cell's first processor gets to the program.

extension LoadedCell {
    var beginning: [Finding] {
        if let entered = images.first(where: { $0.reference.start.mode != .image }) {
            return (entered.reference.start.mode == .jump ? [] : stackFindings(of: entered))
                + entryFindings(of: entered) + strayEntry(of: entered)
                + oldRegionFindings + wrongExecutionState
        }
        return oldRegionFindings + beginningWithoutStub
    }

    private var beginningWithoutStub: [Finding] {
        guard !images.isEmpty, isLoadedBeforeItBegins else { return wrongExecutionState }
        let begin = cell.cpuResetAddress
        let first = images.first { image in
            image.profile.parts.contains { $0.contains(begin) && begin - $0.start < UInt64($0.file.count) }
        }
        guard let first else { return [nothingAtBegin] + wrongExecutionState }
        return cell.architecture == .x86
            ? realModeFindings(from: first) : wrongExecutionState + otherEntry(in: first)
    }

    /// Where no image can be loaded, something else may be: a ROM, for example.
    private var isLoadedBeforeItBegins: Bool {
        cell.memoryRegions.contains {
            $0.flags.isSuperset(of: [.loadable, .write]) && cell.cpuResetAddress >= $0.virtualStart
                && cell.cpuResetAddress - $0.virtualStart < $0.size
        }
    }

    private var nothingAtBegin: Finding {
        let places = images.flatMap { $0.profile.parts.map(\.text) }.joined(separator: ", ")
        let message =
            "nothing is loaded at \(hexadecimal(cell.cpuResetAddress)), where the cell begins; loaded is \(places)"
        return ImageRule.begin.finding(at: "cell.reset-address", message, remedy: beginRemedy)
    }

    private var beginRemedy: String? {
        if let program = protectedModeProgram, let entry = program.profile.entry, cell.architecture == .x86 {
            // it may be there, but elsewhere
            for image in images {
                if let stub = image.profile.startCode(in: image.contents, for: entry) {
                    return "set reset-address = \(hexadecimal(stub.start)), where \(image.path) has its 16-bit start"
                }
            }
            return startStubRemedy(program.profile)
        }
        let entries = images.compactMap(\.profile.entry)
        let other = cell.architecture == .arm64 ? "; or start = \"jump\" in its [[image]]" : ""
        return entries.first.map { "set reset-address = \(hexadecimal($0)), the program's entry\(other)" }
    }

    private var protectedModeProgram: Image? { images.first(where: \.profile.beginsInProtectedMode) }

    private func startStubRemedy(_ program: ImageProfile) -> String {
        "the program begins in 32-bit protected mode, so let a start stub enter it: \(program.startKeys) in its "
            + "[[image]], and reset-address = 0xf0000 in [cell]"
    }

    /// What the stub calls the stack must be RAM that nothing else is loaded into.
    private func stackFindings(of image: Image) -> [Finding] {
        let top = image.reference.start.stackPointer(in: cell.startPlace)
        let size: UInt64 = 0x1000
        let place = "the stack that the start stub of \(image.path) gives it, below \(hexadecimal(top)),"
        let remedy = "set \"stack-pointer\" in [[image]] to the end of free RAM"
        guard top >= size,
            cell.startPlace.memory.contains(where: { region in
                top - size >= region.start && top - region.start <= region.size
            })
        else {
            return [ImageRule.stack.finding(at: image.location, "\(place) is not in the cell's RAM", remedy: remedy)]
        }
        guard
            let over = images.flatMap(\.loadedParts).first(where: {
                $0.part.start < top && top - size < $0.part.end
            })
        else { return [] }
        return [
            ImageRule.stack.finding(
                at: image.location, "\(place) lies over \(over.name) (\(over.part.text))", remedy: remedy)
        ]
    }

    /// A flat copy of a program has its multiboot header where other flat images have their first instruction.
    private func entryFindings(of image: Image) -> [Finding] {
        guard image.profile.format == .flat, let entry = image.profile.entry else { return [] }
        let entered = image.reference.entry ?? image.reference.address ?? 0
        guard entered != entry else { return [] }
        return [
            ImageRule.startCode.finding(
                at: image.location,
                "the start stub enters \(image.path) at \(hexadecimal(entered)), but by its multiboot header its entry is "
                    + hexadecimal(entry),
                remedy: "set entry = \(hexadecimal(entry)) in its [[image]], or give the ELF executable")
        ]
    }

    /// A stub that would jump to where no image is.
    private func strayEntry(of image: Image) -> [Finding] {
        guard image.profile.format == .flat, let entered = image.reference.entry ?? image.reference.address,
            !images.contains(where: { other in
                other.profile.parts.contains { $0.contains(entered) && entered - $0.start < UInt64($0.file.count) }
            })
        else { return [] }
        return [
            ImageRule.start.finding(
                at: image.location,
                "the start stub enters \(image.path) at \(hexadecimal(entered)), where nothing is loaded",
                remedy: "correct \"entry\" in its [[image]]")
        ]
    }

    private var oldRegionFindings: [Finding] {
        images.filter { $0.profile.rtems?.port == .jailhouse2016 && !$0.reference.start.wantsRegionOf2016 }
            .filter { _ in !images.contains(where: \.mayStartBeforeAnother) }
            .map { image in
                ImageRule.layoutOf2016.finding(
                    at: image.location,
                    "\(image.path) is of the 2016 port of RTEMS, but nothing copies the PM timer's port to where it "
                        + "looks for it"
                )
            }
    }

    private func realModeFindings(from first: Image) -> [Finding] {
        guard let program = protectedModeProgram, let entry = program.profile.entry else { return [] }
        let begin = cell.cpuResetAddress
        let evidence = program.profile.isMultiboot ? "it has a multiboot header" : "RTEMS begins so"
        if first.index == program.index, let part = program.profile.part(at: begin), part.contains(entry) {
            // elsewhere in that part 16-bit code may stand
            guard begin <= entry else { return [] }
            return [
                ImageRule.realMode.finding(
                    at: "cell.reset-address",
                    "the cell begins at \(hexadecimal(begin)) in 16-bit real mode, but the entry of \(program.path) "
                        + "there (\(hexadecimal(entry))) is 32-bit code: \(evidence)",
                    remedy: startStubRemedy(program.profile)
                )
            ]
        }
        guard let start = first.profile.part(at: begin), !first.profile.mentions(entry, in: start, of: first.contents)
        else { return [] }
        return [
            ImageRule.startCode.finding(
                at: first.location,
                "the cell begins in \(first.path) at \(hexadecimal(begin)), and nothing there mentions "
                    + "\(hexadecimal(entry)), the entry of \(program.path)"
            )
        ]
    }

    private func otherEntry(in first: Image) -> [Finding] {
        guard let entry = first.profile.entry, entry != cell.cpuResetAddress else { return [] }
        return [
            ImageRule.entry.finding(
                at: "cell.reset-address",
                "the cell begins at \(hexadecimal(cell.cpuResetAddress)), but the entry of \(first.path) is "
                    + hexadecimal(entry),
                remedy: "set reset-address = \(hexadecimal(entry))"
            )
        ]
    }

    private var wrongExecutionState: [Finding] {
        guard cell.architecture == .arm64 else { return [] }
        let expected: ELFFile.Machine = cell.flags.contains(.aarch32) ? .arm : .aarch64
        // a program for another processor altogether is another fault
        let arms: [ELFFile.Machine] = [.arm, .aarch64]
        return images.filter { image in
            image.profile.machine.map { arms.contains($0) && $0 != expected } ?? false
        }.map { image in
            let bits = expected == .arm ? ("64", "32") : ("32", "64")
            return ImageRule.executionState.finding(
                at: image.location,
                "\(image.path) is a \(bits.0)-bit program, but the cell begins in \(bits.1)-bit state"
            )
        }
    }
}

extension LoadedCell.Image {
    /// A flat image may be a user's own start stub, which does what ours would.
    fileprivate var mayStartBeforeAnother: Bool { profile.format == .flat }
}

extension ImageProfile {
    /// The keys of `[[image]]` by which a start stub enters this program.
    var startKeys: String {
        if rtems?.port == .jailhouse2016 {
            return "start = \"protected-32\" and communication-region-layout = 2016"
        }
        let start = isMultiboot ? "start = \"multiboot\"" : "start = \"protected-32\""
        guard format == .flat, let entry else { return start }
        return start + " and entry = \(hexadecimal(entry))"
    }
}
