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

    var findings: [Finding] { firmwareFindings + serviceFindings + controllerFindings + processorFindings }

    private var name: String { linux.deviceTree ?? "the device tree" }

    private var firmwareFindings: [Finding] {
        guard let psci = root.child("psci"), psci.isEnabled else {
            return [ImageRule.firmwareCalls.finding(at: location, "\(name) has no node psci")]
        }
        guard let method = psci.text("method"), method != "smc" else { return [] }
        return [ImageRule.firmwareCalls.finding(at: location, "\(name) has method = \"\(method)\" in its node psci")]
    }

    private static let services = ["linaro,optee-tz", "arm,scmi-smc", "arm,scmi-smc-param", "xlnx,zynqmp-firmware"]

    private var serviceFindings: [Finding] {
        enabledNodes.filter { $0.isCompatible(with: Self.services) }.map { node in
            ImageRule.secureServices.finding(
                at: location,
                "\(name) has the node \(node.name) (\(node.text("compatible") ?? "")), a service of the secure world")
        }
    }

    private var controllerFindings: [Finding] {
        let translators = enabledNodes.filter { $0.isCompatible(with: ["arm,gic-v3-its", "arm,gic-v2m-frame"]) }
        var findings = translators.map { node in
            ImageRule.treeInterrupts.finding(
                at: location,
                "\(name) has the node \(node.name), which translates interrupts of messages; the cell has none")
        }
        guard let machine = definition.machine, case .arm(let platform) = machine.platform.specific,
            platform.gicVersion == 3, machine.platform.virtualPCI == 1,
            let controller = enabledNodes.first(where: { $0.isCompatible(with: ["arm,gic-v3"]) })
        else { return findings }
        let reg = controller.cells("reg")
        guard reg.count >= 8 else { return findings }
        let start = UInt64(reg[4]) << 32 | UInt64(reg[5])
        let size = UInt64(reg[6]) << 32 | UInt64(reg[7])
        let host = machine.platform.mmconfigBase
        if start < host, host - start < size {
            findings.append(
                ImageRule.treeInterrupts.finding(
                    at: location,
                    "\(name) says that the redistributors of \(controller.name) reach to \(hexadecimal(start &+ (size &- 1))), over "
                        + "the virtual PCI at \(hexadecimal(host))", severity: .warning,
                    consequence: "Linux does not find the cell's ivshmem devices (`can't claim ECAM area`)"))
        }
        return findings
    }

    private var processorFindings: [Finding] {
        let found = (root.child("cpus")?.children ?? []).filter { $0.text("device_type") == "cpu" && $0.isEnabled }.map
        {
            $0.cells("reg").suffix(2).reduce(0) { $0 << 32 | UInt64($1) }
        }
        let known = definition.machine?.affinities(of: definition.descriptor.cpus)
        guard let expected = linux.affinities ?? known else { return [] }
        let missing = expected.filter { !found.contains($0) }
        let foreign = found.filter { !expected.contains($0) }
        guard !missing.isEmpty || !foreign.isEmpty else { return [] }
        func list(_ numbers: [UInt64]) -> String { numbers.map { hexadecimal($0) }.joined(separator: ", ") }
        let parts = [
            missing.isEmpty ? "" : "lacks the cell's CPUs \(list(missing))",
            foreign.isEmpty ? "" : "has the CPUs \(list(foreign)), which are not the cell's",
        ]
        return [
            ImageRule.treeProcessors.finding(
                at: location, "\(name) " + parts.filter { !$0.isEmpty }.joined(separator: " and "))
        ]
    }

    /// Those below one that is disabled are not there, either.
    private var enabledNodes: [DeviceNode] {
        func enabled(_ node: DeviceNode) -> [DeviceNode] {
            node.isEnabled ? [node] + node.children.flatMap(enabled) : []
        }
        return enabled(root)
    }
}
