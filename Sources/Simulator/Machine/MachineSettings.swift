// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// What kind of machine is simulated.
package struct MachineSettings: Hashable, Sendable {
    /// CPUs 0..<cpus, all online when the machine is switched on.
    package var cpus: Int
    /// x86 or Arm64: QEMU's q35 or its virt machine.
    package var architecture: Architecture
    /// Of an Arm64 machine's interrupt controller: 2 or 3.
    package var gicVersion: UInt8 = 3
    /// Where the RAM begins: Arm64 boards have it anywhere.
    package var memoryBase: UInt64
    /// Bytes of RAM, from ``memoryBase`` on.
    package var memory: UInt64
    package var timing: Timing
    /// The probability, 0...1, that a start is lost which follows a load before the cell has settled.
    package var lostStarts: Double
    /// Of the random numbers: two machines of one seed behave alike.
    package var seed: UInt64
    /// The layout of configurations that the hypervisor was built for; it refuses others.
    package var format: FormatVariant
    /// Whether reading the root cell kills its reader while the hypervisor is being disabled, as on x86; on Arm64 it would
    /// read nonsense.
    package var oopses = true
    /// What of real Arm64 machines kills Linux, or part of it, and is not so without being asked for.
    package var traps: Set<ArmTrap> = []
    /// Whose words the hypervisor prints.
    package var wording = ConsoleWording.amd

    package init(
        cpus: Int = 4, memory: UInt64 = 1 << 30, timing: Timing = .measured, lostStarts: Double = 0, seed: UInt64 = 1,
        revision: FormatRevision = .current, format: FormatVariant? = nil, architecture: Architecture = .x86
    ) {
        self.architecture = architecture
        oopses = architecture == .x86
        memoryBase = architecture == .arm64 ? 0x4000_0000 : 0
        self.cpus = cpus
        self.memory = memory
        self.timing = timing
        self.lostStarts = lostStarts
        self.seed = seed
        self.format = format ?? revision.standard
    }

    /// What Linux keeps free for the hypervisor and its cells: the top quarter of the RAM.
    package var reservedMemory: Range<UInt64> { memoryBase + memory / 4 * 3..<memoryEnd }

    package var memoryEnd: UInt64 { memoryBase + memory }

    /// Where Linux's kernel is: taking this memory from Linux ends it.
    package var kernelMemory: Range<UInt64> { memoryBase + 0x100_0000..<memoryBase + 0x300_0000 }
}

/// A property of real Arm64 machines that daemon and `check` must notice before it does harm.
package enum ArmTrap: String, Hashable, Sendable, CaseIterable {
    /// Processors with VHE, and Linux at EL2: enabling panics it.
    case vhe
    /// The device tree gives the redistributors all of the space that QEMU has for them: the virtual PCI host lies there.
    case redistributors
    /// The device tree has all devices of QEMU's machine: what is elsewhere is nowhere.
    case devices
    /// Every other create lasts: to give a CPU away took a real machine seconds now and then.
    case slowCreates = "slow-creates"

    /// By which creates last longer, in turn.
    static let delays: [Duration] = [.zero, .milliseconds(300), .zero, .seconds(4)]
}

/// How long things take.
package struct Timing: Hashable, Sendable {
    package var enable: Duration
    package var disable: Duration
    /// With one CPU.
    package var create: Duration
    /// For each CPU but the first, at create and destroy.
    package var hotplug: Duration
    package var load: Duration
    /// A load without images.
    package var shutdown: Duration
    package var start: Duration
    /// With one CPU.
    package var destroy: Duration
    /// How long a cell shows at a create that fails.
    package var passingCell: Duration
    /// One turn of the loop in which the hypervisor waits for a reply.
    package var replyLoop: Duration
    /// From the end of a load or start until a CPU of the cell has noticed it and its management exits have grown.
    package var noticing: ClosedRange<Duration>
    /// A start is safe so long after the cell's last CPU has noticed the load.
    package var settling: Duration
    /// How often a blocked reader of the console looks again; zero: at once when there is something.
    package var consolePoll: Duration

    /// As measured on the real thing: Jailhouse under Linux 6.1 on an emulated AMD machine (medians).
    package static let measured = Timing(
        enable: .milliseconds(165), disable: .milliseconds(60), create: .milliseconds(58), hotplug: .milliseconds(50),
        load: .milliseconds(5), shutdown: .milliseconds(7), start: .milliseconds(6), destroy: .milliseconds(63),
        passingCell: .milliseconds(1), replyLoop: .microseconds(1),
        noticing: .microseconds(300)...(.microseconds(1000)), settling: .milliseconds(1),
        consolePoll: .milliseconds(100)
    )

    /// The same under Linux on an emulated Arm64 machine with GICv3.
    package static let measuredOnArm64 = Timing(
        enable: .milliseconds(37), disable: .milliseconds(6), create: .milliseconds(52), hotplug: .milliseconds(50),
        load: .milliseconds(9), shutdown: .milliseconds(9), start: .milliseconds(8), destroy: .milliseconds(30),
        passingCell: .milliseconds(1), replyLoop: .nanoseconds(190),
        noticing: .microseconds(300)...(.microseconds(1000)), settling: .milliseconds(1),
        consolePoll: .milliseconds(100)
    )

    /// Everything at once; only settling, which is a condition rather than a cost, stays.
    package static let none = Timing(
        enable: .zero, disable: .zero, create: .zero, hotplug: .zero, load: .zero, shutdown: .zero, start: .zero,
        destroy: .zero, passingCell: .zero, replyLoop: .nanoseconds(1), noticing: .zero ... .zero,
        settling: .milliseconds(1), consolePoll: .zero
    )
}
