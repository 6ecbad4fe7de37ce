// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import DeviceTree
import MachineProbe

// Coverage-guided fuzzing of what is made of the texts and tables in /proc and /sys that describe a machine.

/// An input is several files, each with a letter for which one it is and a byte 0xf7 between two.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzProbe(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var capture = MachineCapture()
    var resource = ""
    for file in UnsafeBufferPointer(start: start, count: count).split(separator: 0xf7, maxSplits: 12) {
        let contents = Array(file.dropFirst())
        let text = String(decoding: contents, as: UTF8.self)
        switch file.first {
        case UInt8(ascii: "m"): capture.iomem = text
        case UInt8(ascii: "o"): capture.ioports = text
        case UInt8(ascii: "c"): capture.commandLine = text
        case UInt8(ascii: "u"): capture.cpus = text
        case UInt8(ascii: "n"): capture.productName = text
        case UInt8(ascii: "A"): capture.tables["APIC"] = contents
        case UInt8(ascii: "M"): capture.tables["MCFG"] = contents
        case UInt8(ascii: "F"): capture.tables["FACP"] = contents
        case UInt8(ascii: "D"): capture.tables["DMAR"] = contents
        case UInt8(ascii: "I"): capture.tables["IVRS"] = contents
        case UInt8(ascii: "r"): resource = text
        case UInt8(ascii: "i"): capture.cpuInfo = text
        case UInt8(ascii: "t"):
            capture.deviceTree = DeviceNode(blob: contents)
            rewrite(contents)
        case UInt8(ascii: "p"):
            let name = "0000:00:0\(capture.pciFunctions.count % 10).0"
            capture.pciFunctions.append(.init(name: name, config: contents, resource: resource))
        default: break
        }
    }
    let proposal = SystemProposal(capture)
    _ = proposal.system.findings()
    _ = proposal.toml(from: "input")
    return 0
}

/// A tree that can be read is the same when it has been written, and an overlay or none.
private func rewrite(_ blob: [UInt8]) {
    guard let tree = FlattenedTree(blob: blob) else { return }
    expect(FlattenedTree(blob: tree.blob) == tree, "the tree changes when it is written")
    _ = tree.source
    var root = tree.root
    try? root.apply(overlay: tree.root)
}
