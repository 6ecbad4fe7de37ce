// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
package import DeviceTree
package import InmateImage

extension CellDefinition {
    /// How a Linux kernel gets into the cell, and what it is handed there.
    ///
    /// - Parameter files: all files of the image, by path.
    /// - Throws: ``ImageError`` with the path of the file that it is about.
    package func linuxParts(
        _ image: ImageReference, _ linux: LinuxStart, _ files: [String: [UInt8]]
    ) throws(ImageError) -> [LinuxBoot.Part] {
        do throws(ImageError) {
            let kernel = files[image.path] ?? []
            let initrd = linux.initrd.map { files[$0] ?? [] }
            let parts: [LinuxBoot.Part]
            switch descriptor.architecture {
            case .x86:
                let loader = linux.loader.flatMap { files[$0] } ?? []
                parts = try LinuxBoot(
                    kernel: kernel, initrd: initrd, commandLine: linux.commandLine, loader: loader,
                    in: descriptor.linuxCell
                ).parts
            case .arm64:
                try checkCommandLine(linux.commandLine)
                let source = try treeSource(linux, files)
                parts = try Arm64Boot(
                    kernel: kernel, initrd: initrd, in: descriptor.linuxArmCell
                ) { (initrd: Range<UInt64>?) throws(ImageError) -> [UInt8] in
                    FlattenedTree(root: try source.tree(initrd: initrd)).blob
                }.parts
            case .arm:
                throw ImageError(
                    .start, "start = \"linux\" is for x86 and Arm64 cells",
                    remedy: "load a boot loader as an image with its own start")
            }
            for part in parts {
                try LoadPlan.check(
                    part.piece, as: "the " + part.kind.rawValue, descriptor.loadableRegions,
                    keepFree: descriptor.regionsToKeepFree)
            }
            return parts
        } catch {
            throw error.path.isEmpty ? error.inFile(image.path) : error
        }
    }

    /// The device tree that Linux in this Arm64 cell gets.
    ///
    /// - Parameters:
    ///   - initrd: where it is; nil for none.
    ///   - files: of the image, by path, those that the tree is made of at least.
    /// - Throws: ``ImageError``.
    package func deviceTree(
        _ linux: LinuxStart, initrd: Range<UInt64>?, _ files: [String: [UInt8]]
    ) throws(ImageError) -> DeviceNode {
        try treeSource(linux, files).tree(initrd: initrd)
    }

    private func treeSource(_ linux: LinuxStart, _ files: [String: [UInt8]]) throws(ImageError) -> CellDeviceTree {
        var overlays: [(path: String, root: DeviceNode)] = []
        for path in linux.overlays { overlays.append((path, try Self.tree(path, files))) }
        var own: DeviceNode?
        if let path = linux.deviceTree { own = try Self.tree(path, files) }
        return CellDeviceTree(cell: descriptor, linux: linux, machine: machine, own: own, overlays: overlays)
    }

    private static func tree(_ path: String, _ files: [String: [UInt8]]) throws(ImageError) -> DeviceNode {
        guard let tree = DeviceNode(blob: files[path] ?? []) else {
            throw ImageError(
                .damaged, "it is no compiled device tree", remedy: "compile it with dtc -@ -O dtb", path: path)
        }
        return tree
    }

    /// COMMAND_LINE_SIZE of Arm64 is 2048.
    private func checkCommandLine(_ line: String) throws(ImageError) {
        let limit = 2047
        guard line.utf8.count <= limit else {
            throw ImageError(
                .tooLarge, "the command line has \(line.utf8.count) bytes; Linux on Arm64 takes \(limit)",
                remedy: "shorten it")
        }
    }
}

extension CellDescriptor {
    /// What the loader of an Arm64 Linux must know: all that can be loaded, since its first instructions are not in
    /// Linux's RAM as a rule.
    var linuxArmCell: LinuxBoot.Cell {
        var cell = linuxCell
        cell.loadable = loadableRegions
        return cell
    }
}
