// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import DeviceTree

private let compiler = "/usr/bin/dtc"

/// Trees as Linux's own compiler makes and reads them.
@Suite("Device trees") struct DeviceTreeTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "trees")

    /// What `dtc` makes of a text or of a blob.
    static func compile(_ input: [UInt8], from: String, to: String) throws -> (output: [UInt8], complaints: String) {
        let process = Process()
        process.executableURL = URL(filePath: compiler)
        let file = FileManager.default.temporaryDirectory.appending(path: "tree-\(UUID().uuidString)")
        try Data(input).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        process.arguments = ["-@", "-I", from, "-O", to, file.path]
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        let text = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (Array(bytes), String(decoding: text, as: UTF8.self))
    }

    private func blob(_ name: String) throws -> [UInt8] {
        let source = Array(try Data(contentsOf: Self.folder.appending(path: name)))
        return try Self.compile(source, from: "dts", to: "dtb").output
    }

    private var sample: DeviceNode {
        DeviceNode(
            properties: ["#address-cells": [UInt8](cells: [2]), "compatible": [UInt8](texts: "a,b", "c")],
            children: [
                DeviceNode(name: "chosen", properties: ["bootargs": [UInt8](texts: "console=\"x\" a\\b")]),
                DeviceNode(
                    name: "one@1",
                    properties: ["reg": [UInt8](cells: [0, 1]), "flag": [], "odd": [1, 2, 0xff], "empty": [0]],
                    children: [DeviceNode(name: "inner", properties: ["phandle": [UInt8](cells: [7])])]),
            ])
    }

    @Test func whatIsWrittenIsReadAgain() throws {
        var tree = FlattenedTree(root: sample)
        tree.reservations = [FlattenedTree.Reservation(start: 0x1_4000_0000, size: 0x1000)]
        tree.bootProcessor = 3
        let blob = tree.blob
        #expect(FlattenedTree(blob: blob) == tree)
        #expect(blob.count.isMultiple(of: 1) && Array(blob[4..<8]).cells == [UInt32(blob.count)])
        #expect(DeviceNode(blob: Array(blob.dropLast(60))) == nil)
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: compiler), "the compiler reads what is written"))
    func theCompilerAgrees() throws {
        let tree = FlattenedTree(root: sample)
        let fromSource = try Self.compile(Array(tree.source.utf8), from: "dts", to: "dtb")
        #expect(DeviceNode(blob: fromSource.output) == tree.root, "\(fromSource.complaints)\n\(tree.source)")
        let fromBlob = try Self.compile(tree.blob, from: "dtb", to: "dtb")
        #expect(DeviceNode(blob: fromBlob.output) == tree.root, "\(fromBlob.complaints)")
        let base = try #require(FlattenedTree(blob: try blob("base.dts")))
        #expect(base.reservations == [FlattenedTree.Reservation(start: 0x4000_0000, size: 0x1000)])
        #expect(FlattenedTree(blob: base.blob) == base)
        #expect(DeviceNode(blob: try Self.compile(Array(base.source.utf8), from: "dts", to: "dtb").output) == base.root)
    }

    /// As `fdtoverlay`, which comes with the compiler, applies it.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: compiler), "the compiler makes the overlay"))
    func anOverlayIsApplied() throws {
        var root = try #require(DeviceNode(blob: try blob("base.dts")))
        try root.apply(overlay: try #require(DeviceNode(blob: try blob("overlay.dts"))))
        let gic = try #require(root.child("soc")?.child("interrupt-controller"))
        let uart = try #require(root.child("soc")?.child("serial"))
        let clock = try #require(root.child("oscillator"))
        #expect(uart.isEnabled && uart.number("clocks") == clock.number("phandle") && clock.number("phandle") != nil)
        #expect(uart.child("led")?.cells("gpios") == [1, 2])
        #expect(
            clock.number("interrupt-parent") == gic.number("phandle")
                && uart.number("interrupt-parent") == gic.number("phandle"))
        let handles = root.all.compactMap { $0.number("phandle") }
        #expect(Set(handles).count == handles.count, "\(handles)")
    }

    @Test func whatDoesNotFitIsNamed() throws {
        func overlay(_ fragment: DeviceProperties, fixups: DeviceProperties? = nil) -> DeviceNode {
            let lists = fixups.map { [DeviceNode(name: "__fixups__", properties: $0)] } ?? []
            let contents = DeviceNode(name: "__overlay__", properties: ["status": [UInt8](texts: "okay")])
            return DeviceNode(
                children: [DeviceNode(name: "fragment@0", properties: fragment, children: [contents])] + lists)
        }
        func refusal(_ overlay: DeviceNode) -> String {
            var root = sample
            do {
                try root.apply(overlay: overlay)
                return "applied"
            } catch {
                return "\(error)"
            }
        }
        #expect(refusal(overlay(["target-path": [UInt8](texts: "/one@1/inner")])) == "applied")
        #expect(refusal(overlay(["target": [UInt8](cells: [7])])) == "applied")
        #expect(
            refusal(overlay(["target-path": [UInt8](texts: "/two")])).contains(
                "is for /two, which the tree does not have"))
        #expect(refusal(overlay(["target": [UInt8](cells: [8])])).contains("does not have"))
        let label = overlay(["target": [UInt8](cells: [0])], fixups: ["uart": [UInt8](texts: "/fragment@0:target:0")])
        #expect(refusal(label).contains("refers to the label uart"))
        #expect(refusal(sample).contains("no fragment"))
    }

    @Test func overlaysMakeNoTreeThatCannotBeRead() throws {
        func overlay(at path: String, depth: Int) -> DeviceNode {
            let chain = (1..<depth).reduce(DeviceNode(name: "leaf")) { node, _ in
                DeviceNode(name: "n", children: [node])
            }
            let contents = DeviceNode(name: "__overlay__", children: [chain])
            return DeviceNode(children: [
                DeviceNode(name: "fragment@0", properties: ["target-path": [UInt8](texts: path)], children: [contents])
            ])
        }
        var root = DeviceNode()
        try root.apply(overlay: overlay(at: "/", depth: DeviceNode.depthLimit - 1))
        #expect(DeviceNode(blob: FlattenedTree(root: root).blob) == root)
        let deepest = "/" + String(repeating: "n/", count: DeviceNode.depthLimit - 2) + "leaf"
        #expect(throws: OverlayError.self) { try root.apply(overlay: overlay(at: deepest, depth: 1)) }
        var wide = DeviceNode(children: (1..<DeviceNode.nodeLimit).map { DeviceNode(name: "w\($0)") })
        #expect(throws: OverlayError.self) { try wide.apply(overlay: overlay(at: "/", depth: 1)) }
    }
}
