// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import CellDefinition
import DeviceTree
import InmateImage
import SystemCalls

struct DeviceTreeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "device-tree",
        abstract: "Show the device tree that Linux in an Arm64 cell gets.",
        discussion: """
            The tree is made of the cell's definition and of the system configuration, or is the one that the definition \
            names; its overlays are applied. Where the initrd is follows from a load, so the addresses of it are those of \
            the next one. Printed as source, which the device tree compiler (dtc) reads; with --compiled as a blob. Needs \
            no daemon.

            With --json: an object with cell and source.

            Example: jailhouse-ctl device-tree linux
            Example: jailhouse-ctl device-tree linux.toml --system qemu-arm64.toml --compiled -o linux.dtb
            """
    )

    @OptionGroup var options: FileOptions

    @Option(
        help: ArgumentHelp(
            "The system configuration (default: the one that the daemon's settings name).", valueName: "file"),
        completion: .file(extensions: ["toml", "system"]))
    var system: String?

    @Flag(help: "The compiled tree instead of its source.")
    var compiled = false

    @Option(name: .shortAndLong, help: "The result (default: standard output).", completion: .file())
    var output: String?

    @Argument(
        help: "The cell's name, for a definition of the daemon's, or the definition's file.",
        completion: .cellNames)
    var cell: String

    func validate() throws {
        if compiled, options.output.json { throw ValidationError("--json has the source; leave out --compiled.") }
    }

    func run() throws {
        let output = OutputFile(output)
        if compiled { try output.refuseTerminal() }
        let isFile = cell.contains("/") || cell.hasSuffix(".toml")
        let path = isFile ? cell : "\(ConfiguredSystem.directory)/cells/\(cell).toml"
        guard case .definition(let definition) = try DaemonFile(explaining: InputFile(path)),
            let image = definition.images.first(where: { $0.linux != nil }), let linux = image.linux
        else { throw CommandFailure(.failed, "\(path) has no image with start = \"linux\"") }
        guard definition.descriptor.architecture == .arm64 else {
            throw CommandFailure(
                .failed,
                "\(path) is an \(definition.descriptor.architecture.name) cell; only Arm64 cells have a device tree")
        }
        // of another system nobody knows what this machine is
        let machine = system == nil ? try? MachineFiles().machine() : nil
        let placed = definition.placed(in: try ConfiguredSystem.read(system), on: machine)
        let tree = FlattenedTree(root: try root(placed, image, linux))
        if options.screen.json {
            try options.screen.show(JSON.text(Shown(cell: definition.name, source: tree.source)))
        } else {
            try output.write(compiled ? tree.blob : Array(tree.source.utf8), to: options.screen)
        }
    }

    private struct Shown: Encodable {
        let cell: String
        let source: String
    }

    /// As a load would have it; without the kernel, which may not be there, the addresses of the initrd are missing.
    private func root(
        _ definition: CellDefinition, _ image: ImageReference, _ linux: LinuxStart
    ) throws -> DeviceNode {
        var files: [String: [UInt8]] = [:]
        for path in image.files {
            do { files[path] = try InputFile.read(path) } catch {
                guard path == linux.deviceTree || linux.overlays.contains(path) else { continue }
                throw CommandFailure(.failed, "cannot read \(path): \(error.errno)")
            }
        }
        do throws(ImageError) {
            if files.count == Set(image.files).count,
                let part = try definition.linuxParts(image, linux, files).first(where: { $0.kind == .tree }),
                let root = DeviceNode(blob: part.piece.contents)
            {
                return root
            }
            return try definition.deviceTree(linux, initrd: nil, files)
        } catch {
            throw CommandFailure(.failed, "\(error)")
        }
    }
}
