// SPDX-License-Identifier: Apache-2.0

/// Why an image cannot be loaded into a cell.
package struct ImageError: Error, Hashable, Sendable {
    /// What kind of mistake it is.
    package enum Code: String, Hashable, Sendable {
        /// The file is empty.
        case empty
        /// The file ends before what its headers announce.
        case truncated
        /// Headers that contradict themselves or the ELF format.
        case damaged
        /// An executable for another processor.
        case machine
        /// An ELF file, but no executable that can run without an operating system.
        case notExecutable
        /// An ELF executable with nothing to load.
        case noSegments
        /// A flat image for which no address was given.
        case addressMissing
        /// An ELF file for which an address was given.
        case addressNeedless
        /// A part that no loadable region of the cell holds.
        case outsideMemory
        /// A part that begins in one loadable region and ends in another.
        case spansRegions
        /// A part over memory that must stay free: the communication region.
        case overReserved
        /// Two parts over each other.
        case overlap
        /// More memory to fill than ``LoadPlan/sizeLimit``.
        case tooLarge
        /// A start stub that cannot enter this program in this cell.
        case start
    }

    package var code: Code
    /// One lower-case sentence without the path.
    package var message: String
    /// What to do about it; one sentence.
    package var remedy: String
    /// The image's file.
    package var path: String

    package init(_ code: Code, _ message: String, remedy: String, path: String = "") {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.path = path
    }

    /// The same, of this image.
    package func inFile(_ path: String) -> ImageError {
        var error = self
        error.path = path
        return error
    }
}

extension ImageError: CustomStringConvertible {
    /// `/usr/lib/x.exe: segment 1 …; link it …`
    package var description: String {
        (path.isEmpty ? "" : path + ": ") + message + (remedy.isEmpty ? "" : "; " + remedy)
    }
}
