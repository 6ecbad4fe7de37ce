// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

// Most of the time nothing happens, and nothing is wanted.

extension Fleet {
    /// Longer than anything that is waited for.
    private static let longTime = Duration.seconds(10 * 365 * 86_400)

    /// Whether nothing follows from a look that shows the same as the last one, whenever it comes: then nobody need
    /// decide on it, and only what changes must be noticed.
    ///
    /// It is not derived but tried, so that it holds for whatever is decided here.
    package func isAtRest(at now: Moment) -> Bool {
        // what is cheap to say, and usual while something happens
        guard inDriver == nil, queue.isEmpty, requests.isEmpty, nextWake(after: now) == nil, look.showsAll,
            names.allSatisfy({ curiosity($0).isEmpty })
        else { return false }
        var later = self
        return later.handle(.looked(look), at: now + Self.longTime).isEmpty && later == self
    }
}
