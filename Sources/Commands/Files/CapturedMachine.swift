// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ConfigurationRules
import Glibc
import MachineProbe
import SystemCalls

/// The files in which Linux describes a machine, on the machine itself or copied to a directory.
struct CapturedMachine {
    /// `/` or the directory.
    let root: String

    /// - Throws: ``CommandFailure`` when `/proc/iomem` cannot be read; every other file may be missing.
    func capture() throws -> MachineCapture {
        var capture = MachineCapture()
        do throws(SystemCallError) {
            capture.iomem = String(decoding: try InputFile.read(path("/proc/iomem")), as: UTF8.self)
        } catch {
            throw CommandFailure(
                .failed,
                "cannot read \(path("/proc/iomem")): \(error.errno)"
                    + (root == "/"
                        ? "" : "; --root is the directory in which /proc and /sys of the machine were copied"))
        }
        capture.ioports = text("/proc/ioports")
        capture.commandLine = text("/proc/cmdline")
        capture.cpus = text("/sys/devices/system/cpu/present")
        capture.productName = text("/sys/class/dmi/id/product_name")
        for name in ["APIC", "MCFG", "FACP", "DMAR", "IVRS"] {
            capture.tables[name] = try? InputFile.read(path("/sys/firmware/acpi/tables/" + name))
        }
        capture.cpuInfo = text("/proc/cpuinfo")
        capture.registers = registers()
        capture.deviceTree = MachineFiles(root: root).deviceTree()
        let devices = "/sys/bus/pci/devices"
        let names = (try? SystemCall.names(inDirectory: path(devices))) ?? []
        capture.pciFunctions = names.sorted().compactMap { name in
            guard let config = try? InputFile.read(path("\(devices)/\(name)/config")) else { return nil }
            return .init(name: name, config: config, resource: text("\(devices)/\(name)/resource"))
        }
        return capture
    }

    /// Of the first processor, which root can read when the module `msr` is loaded.
    private func registers() -> [UInt32: UInt64] {
        guard let file = try? SystemCall.open(path("/dev/cpu/0/msr"), O_RDONLY) else { return [:] }
        var found: [UInt32: UInt64] = [:]
        for number in MachineCapture.wantedRegisters {
            var value: UInt64 = 0
            let count = withUnsafeMutableBytes(of: &value) { buffer in
                try? SystemCall.read(file.rawValue, at: off_t(number), into: buffer)
            }
            if count == MemoryLayout<UInt64>.size { found[number] = value }
        }
        return found
    }

    private func path(_ file: String) -> String {
        (root.hasSuffix("/") ? String(root.dropLast()) : root) + file
    }

    /// Empty when it cannot be read.
    private func text(_ file: String) -> String {
        (try? InputFile.read(path(file))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
