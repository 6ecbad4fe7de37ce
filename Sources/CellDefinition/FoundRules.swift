// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration
package import ConfigurationRules

extension DefinitionSet {
    /// What `check` finds in the files that a failure is judged by, so that only a rule that would have told of it is named.
    ///
    /// - Parameters:
    ///   - own: the cell that died, or that is asked about; nil: Linux.
    ///   - machine: what Linux says of the machine; nil: it is not known.
    ///   - readFile: reads images; nil: they are not looked at.
    /// - Returns: nil when there are no files.
    package func findings(
        about own: CellDefinition?, system: (path: String, descriptor: SystemDescriptor)?, on machine: RunningMachine?,
        readFile: ((String) throws -> [UInt8])? = nil
    ) -> [Finding]? {
        guard !definitions.isEmpty || own != nil || system != nil else { return nil }
        var findings = mutualFindings(in: system?.descriptor)
        if let machine { findings += self.findings(on: machine, system: system) }
        if let own {
            findings += own.findings(system: system?.descriptor)
            if let readFile { findings += own.imageFindings(readFile: readFile) }
        } else if let system {
            findings += system.descriptor.findings()
        }
        return findings
    }
}
