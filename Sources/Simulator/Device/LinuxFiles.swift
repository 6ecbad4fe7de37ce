// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import SystemCalls

/// What the simulated machine's Linux says of itself in `/proc` and `/sys`, beside the hypervisor's own files: programs
/// that compare configurations with the machine they run on must see this machine, not the one underneath.
enum LinuxFiles {
    /// - Parameter root: the directory that represents `/`.
    static func write(below root: String, _ settings: MachineSettings) throws(SystemCallError) {
        var files = [
            ("/proc/ioports", ioports), ("/proc/iomem", iomem(settings)), ("/proc/interrupts", ""),
            ("/proc/consoles", "tty0                 -WU (EC  p  )    4:1\n"),
            ("/proc/cmdline", "root=/dev/sda1 memmap=\(reserved(settings)) intel_iommu=off\n"),
            ("/sys/class/dmi/id/product_name", "\(productName)\n"),
        ]
        if settings.architecture == .arm64 {
            files = files.map { path, text in
                switch path {
                case "/proc/ioports": (path, "")
                case "/proc/cmdline": (path, "root=/dev/vda1 mem=\(settings.memory / 4 * 3 >> 20)M\n")
                default: (path, text)
                }
            }
        }
        var contents = files.map { ($0.0, Array($0.1.utf8)) }
        if settings.architecture == .arm64 { contents += ArmLinuxFiles.files(settings) }
        for (path, bytes) in contents {
            var directory = root
            for name in path.split(separator: "/").dropLast() {
                directory += "/" + name
                try SystemCall.makeDirectory(directory)
            }
            try SystemCall.createFile(root + path, with: bytes, mode: 0o444)
        }
    }

    /// By which programs recognise the simulated machine.
    static let productName = "jailhouse-sim"

    /// What Linux takes on every PC (arch/x86/kernel/setup.c), and its clock; the simulated one has no other drivers.
    private static let ioports = """
        0000-0cf7 : PCI Bus 0000:00
          0000-001f : dma1
          0020-0021 : pic1
          0040-0043 : timer0
          0050-0053 : timer1
          0060-0060 : keyboard
          0064-0064 : keyboard
          0070-0077 : rtc0
          0080-008f : dma page reg
          00a0-00a1 : pic2
          00c0-00df : dma2
          00f0-00ff : fpu
        0cf8-0cff : PCI conf1

        """

    /// Linux keeps its hands off the memory for cells.
    private static func iomem(_ settings: MachineSettings) -> String {
        let reserved = settings.reservedMemory
        if settings.architecture == .arm64 {
            return """
                \(hexadecimal(settings.memoryBase))-\(hexadecimal(reserved.lowerBound - 1)) : System RAM
                \(hexadecimal(reserved.lowerBound))-\(hexadecimal(reserved.upperBound - 1)) : Reserved

                """
        }
        return """
            00000000-\(hexadecimal(reserved.lowerBound - 1)) : System RAM
            \(hexadecimal(reserved.lowerBound))-\(hexadecimal(reserved.upperBound - 1)) : Reserved
            fec00000-fec003ff : IOAPIC 0

            """
    }

    private static func reserved(_ settings: MachineSettings) -> String {
        let reserved = settings.reservedMemory
        return "0x\(hexadecimal(UInt64(reserved.count)))$0x\(hexadecimal(reserved.lowerBound))"
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }
}
