// SPDX-License-Identifier: Apache-2.0

import SystemPackage

extension SystemCallError {
    /// Whether the kernel had no descriptor or no memory to give.
    package var isShortage: Bool {
        [.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory].contains(errno)
    }
}
