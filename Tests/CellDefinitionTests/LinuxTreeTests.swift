// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import DeviceTree
import Testing

@testable import CellDefinition

// Device trees of the user's own.

extension LinuxOnArm64Tests {
    @Test func aTreeOfTheUsers() throws {
        let own: (String) -> String = { $0.replacing("# device-tree", with: "device-tree") }
        let path = "/etc/jailhoused/linux-arm64.dtb"
        only(try findings(own), "JH0801", path)
        only(try findings(files: [path: [1, 2, 3]], own), "JH0802", "no compiled device tree")
        var root = try tree()
        #expect(try findings(files: [path: FlattenedTree(root: root).blob], own) == [])
        let psci = try #require(root.childIndex("psci"))
        root.children[psci].properties["method"] = [UInt8](texts: "hvc")
        only(try findings(files: [path: FlattenedTree(root: root).blob], own), "JH0858", "method = \"hvc\"")
        root.children[psci].properties["method"] = [UInt8](texts: "smc")
        var firmware = DeviceNode(name: "firmware")
        firmware.children = [DeviceNode(name: "optee", properties: ["compatible": [UInt8](texts: "linaro,optee-tz")])]
        root.children.append(firmware)
        only(try findings(files: [path: FlattenedTree(root: root).blob], own), "JH0859", "the node optee")
        root.children[root.children.count - 1].properties["status"] = [UInt8](texts: "disabled")
        #expect(try findings(files: [path: FlattenedTree(root: root).blob], own) == [])
        let controller = try #require(root.childIndex("interrupt-controller"))
        root.children[controller].properties["reg"] = [UInt8](cells: [
            0, 0x800_0000, 0, 0x1_0000, 0, 0x80a_0000, 0, 0xf6_0000,
        ])
        only(
            try findings(files: [path: FlattenedTree(root: root).blob], own), "JH0860",
            "over the virtual PCI at 0x8e00000")
        let cpus = try #require(root.childIndex("cpus"))
        root.children[controller].properties["reg"] = [UInt8](cells: [
            0, 0x800_0000, 0, 0x1_0000, 0, 0x80a_0000, 0, 0x8_0000,
        ])
        root.children[cpus].children[0].properties["reg"] = [UInt8](cells: [0])
        only(
            try findings(files: [path: FlattenedTree(root: root).blob], own), "JH0861",
            "lacks the cell's CPUs 0x2 and has the CPUs 0x0")
    }

    /// - Parameter change: of the tree that would be made.
    private func judged(_ link: Bool = false, _ change: (inout DeviceNode) throws -> Void) throws -> [Finding] {
        let path = "/etc/jailhoused/linux-arm64.dtb"
        let linked: (String) -> String = { link ? Self.link($0) : $0 }
        var root = try tree(linked)
        try change(&root)
        return try findings(files: [path: FlattenedTree(root: root).blob]) {
            linked($0).replacing("# device-tree", with: "device-tree")
        }
    }

    @Test func devicesOfOthersInTheUsersTree() throws {
        func device(_ name: String, _ properties: DeviceProperties) -> DeviceNode {
            var node = DeviceNode(name: name, properties: properties)
            node.properties["compatible"] = [UInt8](texts: "acme,device")
            return node
        }
        let clock = device("rtc@9010000", ["reg": [UInt8](cells: [0, 0x901_0000, 0, 0x1000])])
        only(
            try judged { $0.children.append(clock) }, "JH0863",
            "a device whose registers are not the cell's: rtc@9010000")
        // the bus reads it without a driver
        var cell = clock
        cell.properties["compatible"] = [UInt8](texts: "arm,pl031", "arm,primecell")
        let read = try judged { $0.children.append(cell) }
        only(read, "JH0863", "rtc@9010000")
        #expect(
            read.allSatisfy { $0.severity == .error && $0.consequence.contains("read at 0x9010fe0(4)") }, "\(read)")
        var off = clock
        off.properties["status"] = [UInt8](texts: "disabled")
        #expect(try judged { $0.children.append(off) } == [])
        // through a bus that moves addresses; those of an I2C bus are no addresses of the processor
        var bus = DeviceNode(
            name: "soc",
            properties: [
                "#address-cells": [UInt8](cells: [1]), "#size-cells": [UInt8](cells: [1]),
                "ranges": [UInt8](cells: [0, 0, 0x900_0000, 0x10_0000]),
            ])
        bus.children = [
            device("serial@0", ["reg": [UInt8](cells: [0, 0x1000])]),
            device("i2c@10000", ["reg": [UInt8](cells: [0x1_0000, 0x1000])]),
        ]
        only(try judged { $0.children.append(bus) }, "JH0863", "i2c@10000 (0x9010000)")
        let many = (0..<9).map { device("d@\($0)", ["reg": [UInt8](cells: [0, 0xa00_0000 + $0, 0, 1])]) }
        only(try judged { $0.children += many }, "JH0863", "has 9 devices")
        only(try judged { $0.children += many }, "JH0863", "d@5 (0xa000005) and 3 more")
        let deaf = device("pmu", ["interrupts": [UInt8](cells: [1, 7, 4, 0, 20, 4])])
        only(
            try judged { $0.children.append(deaf) }, "JH0864", "a device whose interrupts are not the cell's: pmu (52)")
    }

    @Test func anotherInterruptControllerInTheUsersTree() throws {
        func judged(_ compatible: String, _ reg: [UInt32]) throws -> [Finding] {
            try self.judged { root in
                let index = try #require(root.childIndex("interrupt-controller"))
                root.children[index].properties["compatible"] = [UInt8](texts: compatible)
                root.children[index].properties["reg"] = [UInt8](cells: reg)
            }
        }
        let whole: [UInt32] = [0, 0x800_0000, 0, 0x1_0000, 0, 0x80a_0000, 0, 0x8_0000]
        #expect(try judged("arm,gic-v3", whole) == [])
        only(try judged("arm,gic-400", whole), "JH0860", "a GICv2; the system has a GICv3")
        only(
            try judged("arm,gic-v3", [0, 0x2f00_0000, 0, 0x1_0000, 0, 0x80a_0000, 0, 0x8_0000]), "JH0860",
            "the distributor of interrupt-controller@8000000 at 0x2f000000; in the system the place is 0x8000000")
        only(
            try judged("arm,gic-v3", [0, 0x800_0000, 0, 0x1_0000]), "JH0860",
            "does not say where interrupt-controller@8000000")
        only(
            try self.judged { $0.children.removeAll { $0.name.hasPrefix("interrupt-") } }, "JH0860",
            "no interrupt controller")
    }

    @Test func processorsAndFirmwareInTheUsersTree() throws {
        only(
            try judged { root in
                let cpus = try #require(root.childIndex("cpus"))
                for index in 0...1 {
                    root.children[cpus].children[index].properties["enable-method"] = [UInt8](texts: "spin-table")
                }
            }, "JH0861", "enable-method = \"spin-table\" in cpu@2, cpu@3")
        // wherever it is, as Linux finds it
        #expect(
            try judged { root in
                let index = try #require(root.childIndex("psci"))
                root.children.append(DeviceNode(name: "firmware", children: [root.children.remove(at: index)]))
            } == [])
        only(
            try judged { root in
                let index = try #require(root.childIndex("psci"))
                root.children[index].properties["method"] = nil
            }, "JH0858", "has no method")
    }

    @Test func virtualPCIInTheUsersTree() throws {
        #expect(try judged(true) { _ in } == [])
        only(
            try judged(true) { $0.children.removeAll { $0.name.hasPrefix("pci@") } }, "JH0864",
            "no PCI host at 0x8e00000")
        only(
            try judged(true) { root in
                let index = try #require(root.childIndex("pci"))
                let map = root.children[index].cells("interrupt-map").map { (108...111).contains($0) ? $0 - 12 : $0 }
                root.children[index].properties["interrupt-map"] = [UInt8](cells: map)
            }, "JH0864", "pin B of pci@8e00000 is the interrupt 129; the hypervisor raises 141")
    }

    @Test func aTreeWithoutRoomForTheMemory() throws {
        for (address, size) in [(0, 1), (3, 2), (2, 0)] as [(UInt32, UInt32)] {
            let found = try judged { root in
                root.properties["#address-cells"] = [UInt8](cells: [address])
                root.properties["#size-cells"] = [UInt8](cells: [size])
            }
            #expect(found.contains { $0.message.contains("#address-cells = <\(address)>") }, "\(found)")
        }
        let path = "/etc/jailhoused/linux-arm64.dtb"
        var root = try tree()
        root.properties["#address-cells"] = [UInt8](cells: [1])
        let found = try findings(files: [path: FlattenedTree(root: root).blob]) {
            $0.replacing("# device-tree", with: "device-tree").replacing(
                "virtual = 0x70200000", with: "virtual = 0x870200000")
        }
        #expect(found.contains { $0.message.contains("no room for the RAM \"RAM\"") }, "\(found)")
    }

    @Test func overlaysOfTheUsers() throws {
        let own: (String) -> String = { $0.replacing("# overlays", with: "overlays") }
        let path = "/etc/jailhoused/card.dtbo"
        func overlay(_ target: String) -> [UInt8] {
            let contents = DeviceNode(name: "__overlay__", properties: ["status": [UInt8](texts: "disabled")])
            let fragment = DeviceNode(
                name: "fragment@0", properties: ["target": [UInt8](cells: [.max])], children: [contents])
            let fixups = DeviceNode(name: "__fixups__", properties: [target: [UInt8](texts: "/fragment@0:target:0")])
            return FlattenedTree(root: DeviceNode(children: [fragment, fixups])).blob
        }
        #expect(try findings(files: [path: overlay("serial")], own) == [])
        let definition = try definition(own)
        let root = try definition.deviceTree(
            try #require(definition.images[0].linux), initrd: nil, [path: overlay("serial")])
        #expect(root.child("serial")?.isEnabled == false)
        only(try findings(files: [path: overlay("uart7")], own), "JH0802", "refers to the label uart7")
    }
}
