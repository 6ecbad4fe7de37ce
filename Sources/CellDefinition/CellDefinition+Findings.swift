// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration
package import ConfigurationRules

extension CellDefinition {
    /// What the rules say: the cell by itself, in its system when that is known, and its handshake.
    ///
    /// - Parameter system: the configuration with which the hypervisor is enabled, or will be.
    package func findings(system: SystemDescriptor?) -> [Finding] {
        // a file that does not say its architecture has the system's
        let descriptor = placed(in: system).descriptor
        var findings = descriptor.findings()
        if let system { findings += system.findings(ofCell: descriptor) }
        if descriptor.canFreezeRootCell { findings.append(unboundedHandshake) }
        findings += simulatedDevices
        // it has this hardware in the simulated machine, and is refused on any other
        if simulation.isOnly { findings.removeAll { $0.rule.map(Self.rulesOfHardware.contains) ?? false } }
        return findings.map { judged(placed($0)) }
    }

    private var unboundedHandshake: Finding {
        let isAccepted = acceptsUnboundedHandshake && accepted[DefinitionRule.unboundedHandshake.id] == nil
        return DefinitionRule.unboundedHandshake.finding(
            at: "cell",
            "the cell \"\(name)\" is sent a shutdown request before it is stopped, and its reply is waited for "
                + "indefinitely",
            severity: isAccepted ? .warning : nil,
            remedy: isAccepted ? "accepted by accept-unbounded-handshake" : nil)
    }

    /// About ports that Linux has, too.
    static let rulesOfHardware: Set<String> = ["JH1301", "JH1302", "JH1503", "JH1504", "JH1505"]

    /// What the real hypervisor would refuse.
    private var simulatedDevices: [Finding] {
        simulation.devices.map { device in
            let ports = device.ports.map { rangeText(UInt64($0.lowerBound), UInt64($0.upperBound)) }
            return ImageRule.simulatedDevices.finding(
                at: "simulation",
                "in the simulated machine the cell has the \(device.rawValue) (ports \(ports.joined(separator: ", ")))"
            )
        }
    }

    /// With the definition's file, and the line of the key or of the table that contains it.
    func placed(_ finding: Finding) -> Finding {
        finding.placed(in: path, line: line)
    }
}
