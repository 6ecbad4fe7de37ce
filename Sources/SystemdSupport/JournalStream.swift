// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Whether standard error goes straight to the journal: `$JOURNAL_STREAM` names its device and inode.
///
/// Then ``JournalLogHandler`` is the better choice, since it keeps the fields; a service whose output was
/// redirected in a shell, or a person at a terminal, wants ``StandardErrorLogHandler``.
package func standardErrorIsJournal() -> Bool {
    guard let variable = getenv("JOURNAL_STREAM") else { return false }
    return isJournalStream(STDERR_FILENO, named: String(cString: variable))
}

/// Whether `descriptor` is the stream that `variable` ("DEVICE:INODE", decimal) names.
func isJournalStream(_ descriptor: CInt, named variable: String) -> Bool {
    let numbers = variable.split(separator: ":", omittingEmptySubsequences: false)
    guard numbers.count == 2, let device = dev_t(numbers[0]), let inode = ino_t(numbers[1]) else { return false }
    var information = stat()
    return fstat(descriptor, &information) == 0 && information.st_dev == device && information.st_ino == inode
}
