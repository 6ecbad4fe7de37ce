// SPDX-License-Identifier: Apache-2.0

import DeviceTree

// Coverage-guided fuzzing of device trees, which users bring along and firmware makes.

/// An input is a flattened tree. What can be read is written so that it reads the same, has a source, and is applied as an
/// overlay to itself.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTree(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let tree = FlattenedTree(blob: Array(UnsafeBufferPointer(start: start, count: count))) else { return 0 }
    guard let again = FlattenedTree(blob: tree.blob) else { fail("what was written cannot be read") }
    expect(again == tree, "what was written reads otherwise")
    _ = tree.source
    var root = tree.root
    try? root.apply(overlay: tree.root)
    expect(DeviceNode(blob: FlattenedTree(root: root).blob) == root, "what was overlaid cannot be written")
    return 0
}
