// SPDX-License-Identifier: Apache-2.0

/// The memory of a cell, as seen by a loader.
struct CellMemory {
    /// Loadable and writable.
    var regions: [CellRegion]
    var keepFree: [CellRegion]

    /// - Parameter part: what it is that goes there, for the message.
    func check(_ start: UInt64, _ size: UInt64, as part: String) throws(ImageError) {
        let place = "\(part) (\(rangeText(start, size)))"
        guard !start.addingReportingOverflow(max(size, 1) - 1).overflow else {
            throw ImageError(
                .outsideMemory, "\(part) at \(hexadecimal(start)) ends beyond the last address",
                remedy: "correct its address"
            )
        }
        if let reserved = keepFree.first(where: { $0.overlaps(start, size) }) {
            throw ImageError(
                .overReserved, "\(place) lies over \(reserved.description), which the hypervisor fills",
                remedy:
                    "link the program so that it keeps this page free, or move the region in the cell's configuration"
            )
        }
        if regions.contains(where: { $0.contains(start, size) }) { return }
        let touched = regions.filter { $0.overlaps(start, size) }.sorted { $0.start < $1.start }
        switch touched.count {
        case 0:
            throw ImageError(
                .outsideMemory, "\(place) is in none of the cell's loadable and writable regions: \(list)",
                remedy: "link it to an address inside one of them, or add such a region to the cell"
            )
        case 1:
            throw ImageError(
                .outsideMemory, "\(place) does not fit into \(touched[0].description)",
                remedy: "make the region larger, or link the program for less memory"
            )
        default:
            throw ImageError(
                .spansRegions,
                "\(place) spans \(touched.map(\.description).joined(separator: " and ")), "
                    + "but the driver loads each part into one region",
                remedy: "join the regions in the cell's configuration, or split the segment at the border"
            )
        }
    }

    private var list: String {
        regions.isEmpty ? "it has none" : regions.map(\.description).joined(separator: ", ")
    }
}
