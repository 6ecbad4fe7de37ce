import Glibc

/// The entries of a directory; none when it cannot be read.
enum DirectoryListing {
    static func names(in path: String) -> [String] {
        var names: [String] = []
        forEach(in: path) { name in
            if name[0] != CChar(bitPattern: UInt8(ascii: ".")) { names.append(String(cString: name)) }
        }
        return names
    }

    /// The entries whose names are numbers, ascending.
    static func numbers(in path: String) -> [Int] {
        var numbers: [Int] = []
        forEach(in: path) { name in
            var end: UnsafeMutablePointer<CChar>?
            let number = strtol(name, &end, 10)
            if let end, end > name, end.pointee == 0, number >= 0 { numbers.append(number) }
        }
        numbers.sort()
        return numbers
    }

    private static func forEach(in path: String, _ body: (UnsafePointer<CChar>) -> Void) {
        guard let directory = opendir(path) else { return }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { body($0) }
            }
        }
    }
}
