// SPDX-License-Identifier: Apache-2.0

package import ConfigurationRules
import InmateImage

extension CellDefinition {
    /// Where the parts of an image are in the cell's memory, and what is loaded beside it for its start.
    ///
    /// - Parameter contents: of the image's file.
    /// - Returns: nil for what cannot be loaded: `check` says so.
    package func placing(of image: ImageReference, _ contents: [UInt8]) -> MemoryMap.Image? {
        let start = startParts(of: image, contents).map { part in
            MemoryMap.Image.Part(name: part.name, start: part.piece.address, size: UInt64(part.piece.contents.count))
        }
        if ELFFile.isELF(contents) {
            guard let file = try? ELFFile(contents) else { return nil }
            let isOne = file.segments.count == 1
            let parts = file.segments.map {
                MemoryMap.Image.Part(name: isOne ? "" : "segment \($0.index)", start: $0.address, size: $0.memorySize)
            }
            return MemoryMap.Image(file: image.path, parts: parts + start, entry: file.entry)
        }
        guard let address = image.address else { return nil }
        let part = MemoryMap.Image.Part(name: "", start: address, size: UInt64(contents.count))
        return MemoryMap.Image(file: image.path, parts: [part] + start)
    }
}
