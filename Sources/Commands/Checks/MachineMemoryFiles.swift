// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls

/// Where this user can read and write the machine's physical memory.
///
/// `uio_ivshmem`, where it is loaded, gives the sections of a link to whoever may open its `/dev/uioN`. `/dev/mem` needs
/// root and CAP_SYS_RAWIO, and has only what is not Linux's RAM.
struct MachineMemoryFiles {
    /// Memory by physical addresses.
    var file = "/dev/mem"
    var uio = "/sys/class/uio"
    var devices = "/dev"

    func word(at address: UInt64) throws(SystemCallError) -> UInt32 {
        if let place = uioPlace(of: address) {
            return try SystemCall.word(ofMappedFile: place.path, at: place.offset)
        }
        return try SystemCall.word(ofMappedFile: file, at: address)
    }

    func set(_ word: UInt32, at address: UInt64) throws(SystemCallError) {
        if let place = uioPlace(of: address) {
            return try SystemCall.set(word, ofMappedFile: place.path, at: place.offset)
        }
        try SystemCall.set(word, ofMappedFile: file, at: address)
    }

    /// The device that has this address, and the offset that stands for it: a device's maps are a page apart.
    func uioPlace(of address: UInt64) -> (path: String, offset: UInt64)? {
        let page = UInt64(sysconf(CInt(_SC_PAGESIZE)))
        for device in (try? SystemCall.names(inDirectory: uio).sorted()) ?? [] {
            for map in (try? SystemCall.names(inDirectory: "\(uio)/\(device)/maps").sorted()) ?? [] {
                let directory = "\(uio)/\(device)/maps/\(map)"
                guard map.hasPrefix("map"), let index = UInt64(map.dropFirst(3)),
                    let start = Self.number(directory + "/addr"), let size = Self.number(directory + "/size"),
                    address >= start, address - start < size, address - start < page
                else { continue }
                return ("\(devices)/\(device)", index * page + (address - start))
            }
        }
        return nil
    }

    private static func number(_ path: String) -> UInt64? {
        guard let bytes = try? SystemCall.contents(ofFile: path, limit: 64) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).trimmingPrefix("0x").prefix { $0.isHexDigit }
        return UInt64(text, radix: 16)
    }
}
