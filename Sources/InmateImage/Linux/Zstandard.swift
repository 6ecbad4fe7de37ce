// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Data that zstd packed (RFC 8878), unpacked by libzstd, which is loaded when it is needed: a machine without such a kernel
/// needs no such library.
enum Zstandard {
    enum Failure: Error, Hashable {
        /// The library is not installed, or lacks a function.
        case noLibrary
        case truncated
        case damaged
        /// More than the limit.
        case tooLarge
    }

    static func isPacked(_ data: ArraySlice<UInt8>) -> Bool { data.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) }

    private struct Library {
        typealias SizeOfFrame = @convention(c) (UnsafeRawPointer?, Int) -> Int
        typealias Decompress = @convention(c) (UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int) -> Int
        typealias IsError = @convention(c) (Int) -> UInt32
        typealias ErrorCode = @convention(c) (Int) -> CInt

        let sizeOfFrame: SizeOfFrame
        let decompress: Decompress
        let isError: IsError
        let errorCode: ErrorCode

        init?() {
            guard let library = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL),
                let sizeOfFrame = dlsym(library, "ZSTD_findFrameCompressedSize"),
                let decompress = dlsym(library, "ZSTD_decompress"), let isError = dlsym(library, "ZSTD_isError"),
                let errorCode = dlsym(library, "ZSTD_getErrorCode")
            else { return nil }
            // as zstd.h declares them
            self.sizeOfFrame = unsafeBitCast(sizeOfFrame, to: SizeOfFrame.self)
            self.decompress = unsafeBitCast(decompress, to: Decompress.self)
            self.isError = unsafeBitCast(isError, to: IsError.self)
            self.errorCode = unsafeBitCast(errorCode, to: ErrorCode.self)
        }
    }

    /// ZSTD_error_dstSize_tooSmall and ZSTD_error_srcSize_wrong (zstd_errors.h, which keeps them).
    private static let tooSmall: CInt = 70
    private static let wrongSize: CInt = 72

    /// Unpacks the first frame; what is behind it is left alone.
    ///
    /// - Parameter limit: in bytes, of the result.
    static func unpack(_ data: ArraySlice<UInt8>, limit: Int) throws(Failure) -> [UInt8] {
        guard let library = Library() else { throw .noLibrary }
        let size = data.withUnsafeBytes { library.sizeOfFrame($0.baseAddress, $0.count) }
        guard library.isError(size) == 0, size <= data.count else {
            throw library.errorCode(size) == wrongSize ? .truncated : .damaged
        }
        // a frame need not say how much it holds
        var capacity = min(limit, max(1 << 20, 4 * size))
        while true {
            var code: CInt = 0
            let unpacked = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                let written = data.withUnsafeBytes {
                    library.decompress(buffer.baseAddress, capacity, $0.baseAddress, size)
                }
                guard library.isError(written) == 0 else {
                    code = library.errorCode(written)
                    return
                }
                count = written
            }
            if code == 0 { return unpacked }
            guard code == tooSmall else { throw .damaged }
            guard capacity < limit else { throw .tooLarge }
            capacity = min(limit, 2 * capacity)
        }
    }
}
