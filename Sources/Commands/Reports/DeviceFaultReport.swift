// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import FailureReports

/// Accesses of a device that an IOMMU dropped.
struct DeviceFaultReport: Encodable {
    let device: String
    /// That has the device; nil: Linux, or none.
    @JSON.OrNull var cell: String?
    @JSON.OrNull var address: String?
    @JSON.OrNull var access: String?
    let unit: Int
    let code: Int
    let count: Int
    let last: String

    private let time: Moment

    private enum CodingKeys: CodingKey { case device, cell, address, access, unit, code, count, last }

    init(_ fault: Manager.DeviceFault) {
        time = Moment(microseconds: fault.last)
        device = fault.device
        cell = fault.cell
        let seen = DMAFault(
            unit: UInt64(clamping: fault.unit), device: fault.device,
            address: fault.address.map { UInt64(bitPattern: Int64($0)) },
            access: fault.access.flatMap(Access.init), code: UInt64(clamping: fault.code))
        if let index = seen.interruptIndex {
            access = "interrupt \(index)"
        } else {
            address = seen.address.map { "0x" + String($0, radix: 16) }
            access = fault.access
        }
        unit = fault.unit
        code = fault.code
        count = fault.count
        last = time.rfc3339
    }

    /// Of an interrupt that was blocked, its number in the IOMMU's table instead of an access.
    ///
    /// `00:02.0 of video: 3 times, last write 0x3a100000 (IOMMU 0, code 5), Sun …`
    func text(now: Moment, zone: Moment.Zone = .local) -> String {
        let owner = cell.map { " of \($0)" } ?? ""
        let place = [access, address].compactMap(\.self).joined(separator: " ")
        return Text.printable(
            "\(device)\(owner): \(Text.count(count, "time")), last \(place) (IOMMU \(unit), code \(code)), ")
            + time.long(now: now, zone)
    }
}
