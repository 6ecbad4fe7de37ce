// SPDX-License-Identifier: Apache-2.0

package import ConfigurationRules

/// Who may change what the daemon acts upon: definitions, settings, configurations, images.
///
/// Files, the directories on the way to them, and links among those belong to root or to the reader, and nobody else may
/// write them or put others in their place.
package struct FileTrust: Hashable, Sendable {
    /// Of a file, a directory or a link, as `stat(2)` has it.
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

    /// The reader of the files.
    package var user: UInt32

    package init(user: UInt32) {
        self.user = user
    }

    /// Judges a file, or a directory whose entries are used.
    ///
    /// - Parameter directory: the one that it is in; nil when that is not known.
    package func check(
        _ permissions: Permissions, at path: String, in directory: (path: String, permissions: Permissions)?
    ) throws(UntrustedFile) {
        if let others = others(whoMayWrite: permissions) {
            throw UntrustedFile(
                path: path, message: "\(others) may write \(path) (mode \(permissions.octalMode))",
                remedy: "chmod go-w \(path)")
        }
        try check(entry: permissions, at: path, in: directory)
    }

    /// Judges a step on the way to a file, whatever its own mode: a directory, or a link, which has none.
    package func check(
        entry permissions: Permissions, at path: String, in directory: (path: String, permissions: Permissions)?
    ) throws(UntrustedFile) {
        guard permissions.owner == 0 || permissions.owner == user else {
            throw UntrustedFile(
                path: path, message: "\(path) belongs to the user \(permissions.owner), who can change it",
                remedy: "chown root \(path)")
        }
        guard let directory, let others = others(whoMayWrite: directory.permissions) else { return }
        // in such a directory, as /tmp is one, no other user can replace what is root's or ours
        if directory.permissions.isSticky { return }
        throw UntrustedFile(
            path: path,
            message: "\(others) may replace \(path): the directory \(directory.path) has mode "
                + directory.permissions.octalMode,
            remedy: "chmod go-w \(directory.path)")
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

/// A file that others than root and the reader may change.
package struct UntrustedFile: Error, Hashable, Sendable {
    package var path: String
    /// Who may do what.
    package var message: String
    /// A command.
    package var remedy: String

    /// - Parameter location: the key that names the file; empty for a file that no key names.
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
    static let fileTrust = RuleText(
        id: "JH0911", severity: .error,
        title: "only root and the daemon's user can change the files that the daemon acts upon",
        consequence:
            "any user who can change a definition, a configuration or an image, or replace it or a directory or link on "
            + "the way to it, controls the cell and with it the whole machine: the daemon does not use the file",
        remedy: "chmod go-w and chown root on the file, and on each directory and link of its path"
    )
}
