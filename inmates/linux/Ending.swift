// SPDX-License-Identifier: Apache-2.0

/// How the kernel that stands in for Linux ends: by `end=` on its command line as Linux does, which leaves the state of
/// the cell as it is; without it, it declares what it found. With `jailhouse.guest=` it waits to be asked before, as
/// `jailhouse-guest` does.
enum Ending {
    static func finish(_ report: Report) -> Never {
        guard CommandLine.has("end") else { report.finish() }
        report.summarize()
        if let service = GuestService() { service.serve() }
        if CommandLine.says("end", "panic") {
            say("Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100")
            say("---[ end Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100 ]---")
        } else if CommandLine.says("end", "poweroff") {
            say("reboot: Power down")
        } else if CommandLine.says("end", "halt") {
            say("reboot: System halted")
        } else if CommandLine.says("end", "reboot") {
            say("reboot: Restarting system")
            say("Reboot failed -- System halted")
        }
        stop()
    }

    /// As the kernel's log has it.
    private static func say(_ line: Text) { print("[    0.250000] \(line)") }
}

/// What `jailhouse-guest` does in a Linux: `jailhouse.guest=0xREQUEST,0xANSWER` on the command line names two words.
struct GuestService {
    private let request: DeviceMemory
    private let answer: DeviceMemory

    init?() {
        guard let words = CommandLine.value(of: "jailhouse.guest") else { return nil }
        var comma: UInt = 0
        while comma < words.count, words[comma] != UInt8(ascii: ",") { comma += 1 }
        guard comma < words.count,
            let request = CommandLine.Word(start: words.start, count: comma).number,
            let answer = CommandLine.Word(start: words.start + comma + 1, count: words.count - comma - 1).number
        else { return nil }
        self.request = DeviceMemory(at: UInt(request))
        self.answer = DeviceMemory(at: UInt(answer))
    }

    func serve() {
        answer.write(0x4a48_0001, at: 0)
        while request.read(0) != 0x4a48_0001 { pause() }
        answer.write(0x4a48_0002, at: 0)
        print("jailhouse-guest: asked to shut down")
        answer.write(0x4a48_0003, at: 0)
    }
}
