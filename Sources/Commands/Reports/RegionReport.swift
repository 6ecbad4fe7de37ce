// SPDX-License-Identifier: Apache-2.0

import ControlInterface

/// A communication region as `comm` shows it. Addresses are whole again here: unsigned.
struct RegionReport: Encodable {
    struct Request: Encodable {
        let outcome: String
        @JSON.OrNull var at: String?
    }

    let cell: String
    @JSON.OrNull var address: UInt64?
    let abiRevision: Int
    @JSON.OrNull var state: String?
    @JSON.OrNull var stateNumber: Int?
    let passive: Bool
    let messageReplyTimeout: UInt64
    let lastRequest: Request
    @JSON.OrNull var pciMmconfigBase: UInt64?
    @JSON.OrNull var pmTimerPort: Int?
    @JSON.OrNull var numberOfCpus: Int?
    @JSON.OrNull var tscKhz: Int?
    @JSON.OrNull var apicKhz: Int?
    @JSON.OrNull var consoleAddress: UInt64?
    let flags: [String]

    private let requestMoment: Moment?

    private enum CodingKeys: CodingKey {
        case cell, address, abiRevision, state, stateNumber, passive, messageReplyTimeout, lastRequest
        case pciMmconfigBase, pmTimerPort, numberOfCpus, tscKhz, apicKhz, consoleAddress, flags
    }

    init(cell: String, _ region: Manager.Region) {
        func unsigned(_ value: Int) -> UInt64 { UInt64(bitPattern: Int64(value)) }
        self.cell = cell
        address = region.address.map(unsigned)
        abiRevision = region.abiRevision
        state = region.state
        stateNumber = region.stateNumber
        passive = region.passive
        messageReplyTimeout = unsigned(region.messageReplyTimeout)
        requestMoment = Moment(known: region.lastRequest.at)
        lastRequest = Request(outcome: region.lastRequest.outcome, at: requestMoment?.rfc3339)
        pciMmconfigBase = region.pciMmconfigBase.map(unsigned)
        pmTimerPort = region.pmTimerPort
        numberOfCpus = region.numberOfCpus
        tscKhz = region.tscKhz
        apicKhz = region.apicKhz
        consoleAddress = region.consoleAddress.map(unsigned)
        flags = region.flags
    }
}

extension RegionReport {
    func text(_ style: Style, now: Moment, zone: Moment.Zone = .local) -> String {
        var list = PropertyList()
        list.add("Address", address.map { "\(Text.hexadecimal($0)) in the cell" } ?? "none in its configuration")
        list.add("ABI revision", "\(abiRevision)")
        list.add(
            "State",
            state.map { state in Text.printable(state) + (stateNumber.map { " (\($0))" } ?? "") }
                ?? "the cell does not exist")
        list.add("Shutdown", shutdown(style))
        list.add("Last request", request(now: now, zone: zone))
        list.add("PCI MMCONFIG", pciMmconfigBase.map(Text.hexadecimal))
        list.add("PM timer", pmTimerPort.map { "port " + Text.hexadecimal(UInt64(max(0, $0))) })
        list.add("CPUs", numberOfCpus.map { "\($0)" })
        list.add("TSC", tscKhz.map { "\($0) kHz" })
        list.add("APIC timer", apicKhz.map { $0 == 0 ? "TSC deadline" : "\($0) kHz" })
        list.add("Console", consoleAddress.map(Text.hexadecimal))
        list.add("Flags", flags.isEmpty ? nil : Text.printable(flags.joined(separator: ", ")))
        return style(Text.printable(cell), .bold) + ": communication region\n" + list.text(width: 14)
    }

    /// Whether the inmate is asked before it is stopped, and what that can cost.
    private func shutdown(_ style: Style) -> String {
        if passive { return "the inmate is not asked (passive)" }
        if messageReplyTimeout == 0 {
            return "the inmate is asked; "
                + style("without a timeout: if it hangs, Linux freezes with it", .yellow)
        }
        return "the inmate is asked; timeout after \(messageReplyTimeout) loops"
    }

    private func request(now: Moment, zone: Moment.Zone) -> String {
        let outcome =
            switch lastRequest.outcome {
            case "timed-out": "timed out"
            case "not-asked": "not asked"
            default: Text.printable(lastRequest.outcome)
            }
        return outcome + (requestMoment.map { " at \($0.short(now: now, zone))" } ?? "")
    }
}
