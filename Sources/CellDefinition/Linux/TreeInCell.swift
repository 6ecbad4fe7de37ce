// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import DeviceTree

/// A device tree that Linux in an Arm64 cell is to get, for what the rules say of it. Most of them are mistakes in a user's
/// own tree, which was the whole machine's.
struct TreeInCell {
    let definition: CellDefinition
    let linux: LinuxStart
    let root: DeviceNode
    /// The key path of its `[[image]]`.
    let location: String

    var findings: [Finding] {
        firmwareFindings + serviceFindings + controllerFindings + processorFindings + deviceFindings
    }

    var name: String { linux.deviceTree ?? "the device tree" }

    /// As Linux finds the node (drivers/firmware/psci/psci.c): wherever it is.
    private static let firmware = ["arm,psci", "arm,psci-0.2", "arm,psci-1.0"]

    private var firmwareFindings: [Finding] {
        guard let psci = enabledNodes.first(where: { $0.isCompatible(with: Self.firmware) }) else {
            return [ImageRule.firmwareCalls.finding(at: location, "\(name) has no node psci")]
        }
        guard let method = psci.text("method") else {
            return [ImageRule.firmwareCalls.finding(at: location, "\(name) has no method in its node \(psci.name)")]
        }
        guard method != "smc" else { return [] }
        return [
            ImageRule.firmwareCalls.finding(
                at: location, "\(name) has method = \"\(method)\" in its node \(psci.name)")
        ]
    }

    private static let services = ["linaro,optee-tz", "arm,scmi-smc", "arm,scmi-smc-param", "xlnx,zynqmp-firmware"]

    private var serviceFindings: [Finding] {
        enabledNodes.filter { $0.isCompatible(with: Self.services) }.map { node in
            ImageRule.secureServices.finding(
                at: location,
                "\(name) has the node \(node.name) (\(node.text("compatible") ?? "")), a service of the secure world")
        }
    }

    private var processorFindings: [Finding] {
        let nodes = (root.child("cpus")?.children ?? []).filter { $0.text("device_type") == "cpu" && $0.isEnabled }
        let found = nodes.map { $0.cells("reg").suffix(2).reduce(0) { $0 << 32 | UInt64($1) } }
        let unstarted = methodFindings(nodes)
        let known = definition.machine?.affinities(of: definition.descriptor.cpus)
        guard let expected = linux.affinities ?? known else { return unstarted }
        let missing = expected.filter { !found.contains($0) }
        let foreign = found.filter { !expected.contains($0) }
        guard !missing.isEmpty || !foreign.isEmpty else { return unstarted }
        func list(_ numbers: [UInt64]) -> String { numbers.map { hexadecimal($0) }.joined(separator: ", ") }
        let parts = [
            missing.isEmpty ? "" : "lacks the cell's CPUs \(list(missing))",
            foreign.isEmpty ? "" : "has the CPUs \(list(foreign)), which are not the cell's",
        ]
        return unstarted + [
            ImageRule.treeProcessors.finding(
                at: location, "\(name) " + parts.filter { !$0.isEmpty }.joined(separator: " and "))
        ]
    }

    /// Of processors that are to be started by another way than the hypervisor has.
    private func methodFindings(_ processors: [DeviceNode]) -> [Finding] {
        let others = processors.filter { $0.text("enable-method") != "psci" }
        // a single one has been started already
        guard definition.descriptor.cpus.members.count > 1, let first = others.first else { return [] }
        let method = first.text("enable-method").map { "enable-method = \"\($0)\"" } ?? "no enable-method"
        return [
            ImageRule.treeProcessors.finding(
                at: location, "\(name) has \(method) in \(others.map(\.name).joined(separator: ", "))",
                consequence:
                    "Linux waits for such a processor in vain, and where another method has an address, it writes to memory that the "
                    + "cell does not have",
                remedy: "write enable-method = \"psci\" there")
        ]
    }

    /// Those below one that is disabled are not there, either.
    var enabledNodes: [DeviceNode] {
        func enabled(_ node: DeviceNode) -> [DeviceNode] {
            node.isEnabled ? [node] + node.children.flatMap(enabled) : []
        }
        return enabled(root)
    }
}
