// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ConfigurationRules
import Glibc
import SystemCalls

/// Whether the daemon would trust a file, as far as that can be seen from here.
enum FilePermissions {
    /// - Parameters:
    ///   - location: the key that names the file; empty for a file that no key names.
    /// - Returns: nothing for a file that cannot be looked at, which is reported elsewhere.
    static func findings(ofFile path: String, at location: String = "") -> [Finding] {
        do {
            _ = try TrustedPath.file(path, trust: FileTrust(user: geteuid()))
        } catch let error as UntrustedFile {
            return [error.finding(at: location)]
        } catch {}
        return []
    }
}
