// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import InmateImage

// What a program expects to find in its cell: the communication region, the hardware of a PC.

extension LoadedCell {
    func expectations(of image: Image) -> [Finding] {
        regionFindings(of: image) + answerFindings(of: image) + portFindings(of: image) + clockFindings(of: image)
            + visibility(of: image)
    }

    private func regionFindings(of image: Image) -> [Finding] {
        guard let expected = image.reference.communicationRegion ?? image.profile.communicationRegion else { return [] }
        let looks = "\(image.path) looks for the communication region at \(hexadecimal(expected))"
        guard let index = cell.memoryRegions.firstIndex(where: { $0.flags.contains(.communicationRegion) }) else {
            return [
                ImageRule.region.finding(
                    at: image.location, "\(looks), but the cell has none",
                    remedy: "add [[memory]] with virtual = \(hexadecimal(expected)), size = \"4 KiB\" and "
                        + "access = [\"read\", \"write\", \"communication-region\"]"
                )
            ]
        }
        let found = cell.memoryRegions[index].virtualStart
        // the layer learns it from its command line
        let isTold = image.profile.rtems?.port == .layer && image.reference.start.mode == .multiboot
        guard found != expected, !isTold else { return [] }
        return [
            ImageRule.region.finding(
                at: "memory[\(index)]", "\(looks), but the cell has it at \(hexadecimal(found))",
                remedy: "set its virtual = \(hexadecimal(expected)), or link the program for \(hexadecimal(found))"
            )
        ]
    }

    private func answerFindings(of image: Image) -> [Finding] {
        guard let rtems = image.profile.rtems, !cell.isPassive, rtems.port != .layer else { return [] }
        if rtems.port == .jailhouse2016 {
            return [
                ImageRule.answers2016.finding(
                    at: "cell", "\(image.path) is of the 2016 port of RTEMS, but the cell is not passive")
            ]
        }
        guard image.reference.communicationRegion == nil, image.profile.communicationRegion == nil else { return [] }
        return [
            ImageRule.answers.finding(
                at: "cell",
                "nothing in \(image.path) (RTEMS) shows that it answers messages, but the cell is not passive"
            )
        ]
    }

    private func portFindings(of image: Image) -> [Finding] {
        guard cell.architecture == .x86 else { return [] }
        return (image.profile.rtems?.legacyDevices ?? []).compactMap { device in
            let missing = device.ports.filter { ports in ports.contains { !hasPort($0) } }
            let evidence = device.evidence.map { "its symbol \($0)" } ?? "as every RTEMS for the PC does"
            guard !device.ports.isEmpty else {
                return ImageRule.legacyPorts.finding(
                    at: image.location,
                    "\(image.path) (RTEMS) calls the \(device.name) (\(evidence)), which a cell does not have",
                    consequence: "it hangs, or dies in one way or another, before it prints anything",
                    remedy: ImageRule.layerRemedy)
            }
            guard !missing.isEmpty else { return nil }
            let list = missing.map { portText($0) }.joined(separator: " and ")
            let word = missing.reduce(0) { $0 + $1.count } == 1 ? "the port" : "the ports"
            let tables = missing.map { "base = \(hexadecimal($0.lowerBound)), count = \($0.count)" }
            return ImageRule.legacyPorts.finding(
                at: image.location,
                "\(image.path) (RTEMS) drives the \(device.name) (\(evidence)), but the cell lacks \(word) \(list)",
                consequence:
                    "`FATAL: \(device.firstAccess)` \(device.occasion): that CPU is parked, and the cell has failed",
                remedy: device.isLinux
                    ? ImageRule.layerRemedy + "; for the simulated machine, add [[ports]] with "
                        + "\(tables.joined(separator: " and with ")), and [simulation] with only = true"
                    : "add [[ports]] with \(tables.joined(separator: " and with "))"
            )
        }
    }

    private func clockFindings(of image: Image) -> [Finding] {
        guard cell.architecture == .x86, let rtems = image.profile.rtems, rtems.port == .stock,
            let evidence = rtems.legacyDevices.first(where: { $0.ports.contains { $0.contains(0x40) } })?.evidence
        else { return [] }
        return [
            ImageRule.clock.finding(
                at: image.location,
                "\(image.path) (RTEMS) takes its time from the timer 8254 (its symbol \(evidence))")
        ]
    }

    private func hasPort(_ port: UInt16) -> Bool {
        cell.ioPortRegions.contains { port >= $0.base && port - $0.base < $0.count }
    }

    private func portText(_ ports: ClosedRange<UInt16>) -> String {
        ports.count == 1
            ? hexadecimal(ports.lowerBound) : rangeText(UInt64(ports.lowerBound), UInt64(ports.upperBound))
    }

    private func visibility(of image: Image) -> [Finding] {
        if image.profile.format == .flat {
            guard image.reference.kind == .rtems else { return [] }
            return [
                ImageRule.flatRTEMS.finding(
                    at: image.location, "\(image.path) is declared as an RTEMS program, but is a flat image")
            ]
        }
        guard image.profile.rtems != nil, !image.profile.hasSymbols else { return [] }
        return [ImageRule.symbols.finding(at: image.location, "\(image.path) (RTEMS) was stripped of its symbols")]
    }
}
