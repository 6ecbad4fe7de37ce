package import CellConfiguration

extension CellDefinition {
    /// What the rules say: the cell by itself, in its system when that is known, and its handshake.
    ///
    /// - Parameter system: the configuration with which the hypervisor is enabled, or will be.
    package func findings(system: SystemDescriptor?) -> [Finding] {
        var findings = descriptor.findings()
        if let system { findings += system.findings(ofCell: descriptor) }
        if descriptor.canFreezeRootCell { findings.append(unboundedHandshake) }
        findings += simulatedDevices
        return findings.map(placed)
    }

    /// The rule that a definition may set aside: accepted, it is still said, but stops nothing.
    private var unboundedHandshake: Finding {
        let rule = DefinitionRule.unboundedHandshake
        return Finding(
            rule: rule.id, severity: acceptsUnboundedHandshake ? .warning : rule.severity, location: "cell",
            message: "the cell \"\(name)\" is asked before it is stopped, and its answer is waited for without limit",
            consequence: rule.consequence,
            remedy: acceptsUnboundedHandshake ? "accepted by accept-unbounded-handshake" : rule.remedy
        )
    }

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

    /// With the definition's file, and the line of the key or of what it stands in.
    func placed(_ finding: Finding) -> Finding {
        finding.placed(in: path, line: line)
    }
}
