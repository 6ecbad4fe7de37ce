package import CellConfiguration

/// Who may change what the daemon acts upon: definitions, settings, configurations, images.
///
/// A file belongs to whoever the administrator lets it belong to; nobody else but root may write it or put another one
/// in its place.
package struct FileTrust: Hashable, Sendable {
    /// Of a file or directory, as `stat(2)` has it.
    package struct Permissions: Hashable, Sendable {
        package var owner: UInt32
        package var group: UInt32
        /// The low 12 bits of `st_mode`.
        package var mode: UInt32

        package init(owner: UInt32, group: UInt32, mode: UInt32) {
            self.owner = owner
            self.group = group
            self.mode = mode
        }
    }

    /// Whoever reads the files.
    package var user: UInt32

    package init(user: UInt32) {
        self.user = user
    }

    /// Judges a file, or a directory whose entries are used.
    ///
    /// - Parameter directory: the one that it stands in; nil when that is not known.
    package func check(
        _ permissions: Permissions, at path: String, in directory: (path: String, permissions: Permissions)?
    ) throws(UntrustedFile) {
        if let others = others(whoMayWrite: permissions) {
            throw UntrustedFile(
                path: path, message: "\(others) may write \(path) (mode \(permissions.octalMode))",
                remedy: "chmod go-w \(path)")
        }
        guard let directory, let others = others(whoMayWrite: directory.permissions) else { return }
        // in such a directory, as /tmp is one, nobody can take away what is root's or ours
        if directory.permissions.isSticky, permissions.owner == 0 || permissions.owner == user { return }
        throw UntrustedFile(
            path: path,
            message: "\(others) may put another file in the place of \(path): "
                + "the directory \(directory.path) has mode \(directory.permissions.octalMode)",
            remedy: directory.permissions.isSticky
                ? "move it to a directory that only its owner writes" : "chmod go-w \(directory.path)")
    }

    private func others(whoMayWrite permissions: Permissions) -> String? {
        if permissions.mode & 0o002 != 0 { return "everybody" }
        // also where access control lists let others write (acl(5): these bits are their mask then)
        if permissions.mode & 0o020 != 0 { return "the group \(permissions.group)" }
        return nil
    }
}

extension FileTrust.Permissions {
    fileprivate var isSticky: Bool { mode & 0o1000 != 0 }

    fileprivate var octalMode: String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

/// A file that others than root and its owner may change.
package struct UntrustedFile: Error, Hashable, Sendable {
    package var path: String
    /// Who may do what.
    package var message: String
    /// A command.
    package var remedy: String

    /// - Parameter location: the key that names the file; empty for a file that nobody names.
    package func finding(at location: String = "") -> Finding {
        let rule = DefinitionRule.fileTrust
        return Finding(
            rule: rule.id, severity: rule.severity, location: location, message: message,
            consequence: rule.consequence, remedy: remedy)
    }
}

extension UntrustedFile: CustomStringConvertible {
    /// On one line, with the rule.
    package var description: String {
        var finding = finding()
        finding.path = path
        return "\(finding)"
    }
}

extension DefinitionRule {
    static let fileTrust = DefinitionRule(
        id: "JH0911", severity: .error,
        title: "only root and their owners write the files that the daemon acts upon",
        consequence:
            "whoever can write a definition, a configuration or an image decides what runs in a cell and which "
            + "hardware it has, and with that over the whole machine: the daemon does not use it",
        remedy: "chmod go-w on the file, and on the directory that it stands in"
    )
}
