import CellConfiguration

extension CellDefinition {
    /// What the rules say: the cell by itself, in its system when that is known, and its handshake.
    ///
    /// - Parameter system: the configuration with which the hypervisor is enabled, or will be.
    public func findings(system: SystemDescriptor?) -> [Finding] {
        var findings = descriptor.findings()
        if let system { findings += system.findings(ofCell: descriptor) }
        if descriptor.canFreezeRootCell { findings.append(unboundedHandshake) }
        return findings.map(placed)
    }

    /// The rule that a definition may set aside: accepted, it is still said, but stops nothing.
    private var unboundedHandshake: Finding {
        Finding(
            rule: "JH0901", severity: acceptsUnboundedHandshake ? .warning : .error, location: "cell",
            message: "the cell \"\(name)\" is asked before it is stopped, and its answer is waited for without limit",
            consequence:
                "whenever this cell, or any other, is loaded, started again, created or destroyed, Linux stands "
                + "still on all its CPUs until the program in \"\(name)\" answers; if that program hangs, the whole "
                + "machine hangs with it, and only the power switch helps",
            remedy: acceptsUnboundedHandshake
                ? "accepted by accept-unbounded-handshake"
                : "set message-timeout in [cell] (1000000 is about a second) or, if the program answers no messages, "
                    + "passive-comm-region = true; to take the risk, set accept-unbounded-handshake = true in [supervision]"
        )
    }

    /// With the definition's file, and the line of the key or of what it stands in.
    func placed(_ finding: Finding) -> Finding {
        var finding = finding
        finding.path = path
        var key = finding.location[...]
        while finding.line == nil, !key.isEmpty {
            finding.line = line(of: String(key))
            key = key[..<(key.lastIndex { $0 == "." || $0 == "[" } ?? key.startIndex)]
        }
        return finding
    }
}
