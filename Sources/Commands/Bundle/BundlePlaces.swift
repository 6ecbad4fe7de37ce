// SPDX-License-Identifier: Apache-2.0

import SystemCalls

/// Says of paths which bundle they lead into: `/etc/jailhoused/cells/../images/x` reads like `/etc/jailhoused/images/x`,
/// which is another file, and names another one with each bundle.
struct BundlePlaces: Sendable {
    /// A path without links; nil: not known, as on another machine.
    var realPath: @Sendable (String) -> String?

    static let here = BundlePlaces { SystemCall.realPath($0) }
    static let elsewhere = BundlePlaces { _ in nil }

    /// A path for people, which is printable.
    func text(_ path: String) -> String {
        let shown = Text.printable(path)
        guard let real = realPath(path), real != path else { return shown }
        let parts = real.split(separator: "/")
        guard let bundles = parts.lastIndex(of: "bundles"), bundles + 2 < parts.count,
            parts[bundles + 1].utf8.count == 16
        else { return shown }
        let rest = parts[(bundles + 2)...].joined(separator: "/")
        return "\(shown) (\(Text.printable(rest)) of bundle \(Text.printable(String(parts[bundles + 1]))))"
    }
}
