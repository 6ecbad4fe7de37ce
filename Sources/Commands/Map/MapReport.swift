// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// A map as JSON: addresses are hexadecimal strings, since not every reader's numbers have 64 bits.
struct MapReport: Encodable {
    struct Space: Encodable {
        let title: String
        let blocks: [Block]
        let marks: [Mark]
    }

    struct Block: Encodable {
        let group: String
        let name: String
        let first: String
        let last: String
        @JSON.OrNull var physical: String?
        let access: String
        /// `region`, `communication-region` or `segment`.
        let kind: String
        /// Their numbers.
        let findings: [Int]
    }

    struct Mark: Encodable {
        let address: String
        let text: String
        let findings: [Int]
    }

    struct Remark: Encodable {
        @JSON.OrNull var number: Int?
        @JSON.OrNull var rule: String?
        let severity: String
        let file: String
        let location: String
        let message: String
    }

    let physical: Space
    let cells: [Space]
    let findings: [Remark]

    init(_ map: MemoryMap) {
        physical = Space(map.physical)
        cells = map.cells.map(Space.init)
        findings =
            map.remarks.enumerated().map { Remark($0.element, number: $0.offset + 1) }
            + map.otherRemarks.map { Remark($0, number: nil) }
    }
}

extension MapReport.Space {
    fileprivate init(_ space: AddressSpaceMap) {
        title = space.title
        blocks = space.blocks.map { block in
            MapReport.Block(block, group: space.groups.first { $0.lanes.contains(block.lane) }?.title ?? "")
        }
        marks = space.marks.map { .init(address: Text.hexadecimal($0.address), text: $0.text, findings: $0.remarks) }
    }
}

extension MapReport.Block {
    fileprivate init(_ block: MapBlock, group: String) {
        self.group = group
        name = block.name
        first = Text.hexadecimal(block.first)
        last = Text.hexadecimal(block.last)
        physical = block.physicalStart.map(Text.hexadecimal)
        access = block.detail
        findings = block.remarks
        kind =
            switch block.kind {
            case .region: "region"
            case .communicationRegion: "communication-region"
            case .segment: "segment"
            }
    }
}

extension MapReport.Remark {
    fileprivate init(_ remark: MapRemark, number: Int?) {
        self.number = number
        rule = remark.rule
        severity = remark.severity.rawValue
        file = remark.file
        location = remark.location
        message = remark.message
    }
}
