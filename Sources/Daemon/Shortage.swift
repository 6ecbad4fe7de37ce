import SystemCalls
import SystemPackage

extension SystemCallError {
    /// Whether the kernel had no descriptor or no memory to give.
    var isShortage: Bool {
        [.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory].contains(errno)
    }
}
