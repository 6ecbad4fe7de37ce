// SPDX-License-Identifier: Apache-2.0

extension Manager {
    /// The interface as `org.varlink.service.GetInterfaceDescription` hands it out: the source of truth for names,
    /// types and what may be absent. A test holds the Swift types against it.
    package static let description = """
        # The cells of the Jailhouse hypervisor on this machine, and the daemon that supervises them.
        #
        # Times are microseconds: since 1970 (realtime), or since boot where a field says monotonic.
        # Addresses are the 64 bits of the machine's address read as a signed number: those of 2^63 and above
        # are negative; none is rounded. An absent value is omitted; a client may also send null.
        # An unknown parameter of a method is answered with org.varlink.service.InvalidParameter.
        #
        # The socket "control" serves every method. The socket "status" serves the read-only methods and answers all
        # others with PermissionDenied.
        #
        # A client that exceeds one of these limits receives LimitExceeded and is disconnected:
        #   connections: 64 in total. The last 16 are reserved for the socket "control", the last 4 of these for root;
        #     the daemon's own user cannot take the last 12. connections-per-user: 16, except for root and that user.
        #   message-size: 65536 bytes. message-depth: 32. message-time: 10 s from the first byte to the last.
        #   calls: 32 queued calls on one connection, or 131072 bytes of them.
        #   idle-time: 5 minutes without a call, a watch or a pending reply.
        # A client that does not read a reply within 10 s is disconnected. Up to 256 changes are queued for a watcher;
        # after that it misses changes, and missed counts them. A reply has at most 4 MiB.
        interface org.jailhoused.Manager

        # A cell that exists, is defined, or both.
        # id: the hypervisor's number; absent while the cell does not exist. Numbers are used again.
        # state: the hypervisor's word ("running", "running/locked", "shut down", "failed", "Comm ABI mismatch",
        #   "invalid"); absent while the cell does not exist.
        # condition: the daemon's word: absent, created, starting, running, degraded (some CPUs failed), silent (it runs
        #   and gives no sign of life, see Liveness), stopping, stopped, failed, backing-off, gave-up, foreign (exists
        #   without a definition).
        # cpus, failedCpus: CPU numbers, ascending. restarts: how often the daemon has restarted it.
        # since, sinceMonotonic: when condition last changed. defined: whether a definition exists.
        type Cell (
          name: string,
          id: ?int,
          state: ?string,
          condition: string,
          cpus: []int,
          failedCpus: []int,
          restarts: int,
          since: int,
          sinceMonotonic: int,
          defined: bool
        )

        # The evidence of a failure, recorded before the cell was restarted.
        # reason: one line. state, failedCpus: at that time. console: the hypervisor's output, line by line.
        # vmExits, managementExits: VM exits of its CPUs in total, and those for the hypervisor's management; absent if
        #   the counters could not be read.
        type Failure (
          at: int,
          reason: string,
          state: ?string,
          failedCpus: []int,
          console: []string,
          vmExits: ?int,
          managementExits: ?int
        )

        # A finding of a rule about a file, or an error that prevents the file from being parsed.
        # rule: JH and four digits (see jailhouse-ctl explain); absent for a parse error. severity: error,
        #   warning or note. location: the key, such as memory[1]. consequence and remedy may be empty.
        type Finding (
          rule: ?string,
          severity: string,
          path: ?string,
          line: ?int,
          location: string,
          message: string,
          consequence: string,
          remedy: string
        )

        # What of an image is loaded where, as the cell sees it; size in bytes. name: empty when it has one part only.
        type ImagePart (name: string, start: int, size: int)

        # An image as it was when its definition was read or it was loaded. entry: absent when the file does not say it.
        type PlacedImage (path: string, entry: ?int, parts: []ImagePart)

        # A configuration in force. data: the compiled file, in base64, of the newest revision if it can be expressed in
        #   that. regions: the names of its memory regions, in their order. images: none for a system.
        type Configuration (path: string, data: string, regions: []string, images: []PlacedImage)

        # The result of the last shutdown request.
        # outcome: approved, denied, timed-out, or not-asked. at: when; absent if there was none.
        # stalled: how long Linux was stalled because the inmate did not answer, in microseconds.
        type ShutdownRequest (outcome: string, at: ?int, stalled: ?int)

        # How a cell is supervised. Durations are in microseconds.
        # desired: the wanted state: running or stopped. restart: never, on-failure or always.
        # delay: before the next restart; it doubles up to maximumDelay. attempts: restarts counted
        #   against attemptLimit within limitWithin. nextRestart: the time of the next restart, while backing off.
        type Supervision (
          desired: string,
          restart: string,
          delay: int,
          maximumDelay: int,
          attempts: int,
          attemptLimit: int,
          limitWithin: int,
          nextRestart: ?int,
          stopTimeout: int,
          autostart: bool
        )

        # What shows that the cell works although the hypervisor only says "running". Durations are in microseconds.
        # kind: vm-exits, console, heartbeat, probe, command or external (calls of Alive); later versions may add others. within: the longest time
        #   between two signs of life; afterStart: until the first one. restarts: whether a silent cell is restarted.
        # lastSign: absent if it has not given one since it came up or this daemon was started.
        # silentSince: when the sign was due that did not come; absent unless condition is silent.
        type Liveness (
          kind: string,
          within: int,
          afterStart: int,
          restarts: bool,
          lastSign: ?int,
          silentSince: ?int
        )

        # at: when the condition began.
        type Transition (at: int, condition: string)

        # definition: path of the definition; absent for a foreign cell. problem: why the definition cannot be used.
        # images: paths of the images. console: the hypervisor's last lines about this cell.
        # vmExits: VM exits of its CPUs; absent while it does not exist.
        # lastShutdown: absent if no shutdown request has been sent.
        # accepted: errors of check that the definition accepts, each with its reason ("JH0901: ..."); absent: none.
        # liveness: absent if the definition has no such rule.
        # failureCounts: since the daemon was started; absent: none.
        # hint: what its VM exits tell of the Linux in it, which decides nothing; absent: nothing out of the way.
        # outdated: true if the cell that exists was created with another configuration than its definition has: it
        #   is used when the cell is destroyed and created again; absent: no.
        # history: its conditions since the daemon was started, at most 64, the latest last; absent: none has changed.
        # started: when a cell that runs was seen to run first, by this daemon; absent: it does not run.
        # life: a number that tells this run of the cell from others, for Alive; absent: it does not run.
        type Details (
          cell: Cell,
          definition: ?string,
          problem: ?string,
          images: []string,
          supervision: ?Supervision,
          lastFailure: ?Failure,
          console: []string,
          vmExits: ?int,
          lastShutdown: ?ShutdownRequest,
          accepted: ?[]string,
          liveness: ?Liveness,
          failureCounts: ?[]FailureCount,
          deviceFaults: ?[]DeviceFault,
          hint: ?string,
          outdated: ?bool,
          history: ?[]Transition,
          started: ?int,
          life: ?int
        )

        # How often a cell failed in one way. kind: violation, cpu-violation (of some of its CPUs), declared, abi-mismatch,
        # invalid-state, vanished, replaced, lost-start, stalled, silent, panic, reboot, ended, refused, no-answer,
        # unverified or hypervisor (which itself failed on a CPU of the cell); later versions may add others.
        type FailureCount (kind: string, count: int)

        # How often something was done since the daemon was started, and how long it took in microseconds, in total and at
        # most. of: poll-lateness (how much later than wanted the cells were looked at), or a command that the driver was
        # given: create, load, start, shut-down (the handshake with the inmate), destroy, enable, disable. result: how such
        # commands ended: done, unanswered (an inmate did not answer in time, and Linux was stalled for so long) or refused;
        # absent for poll-lateness, and in replies of daemons older than 2026-12, which count those that were done.
        type Timing (of: string, count: int, total: int, longest: int, result: ?string)

        # enabled: whether the hypervisor is enabled. system: path of the configured system. driver: whether the driver
        # is loaded. version: of the daemon. The hypervisor's memory pools are counted in pages; poolsAge: the age of
        # these numbers in microseconds, absent if they have not been read (reading waits for the driver's lock).
        # enabling: the daemon is enabling the hypervisor, or will do so as soon as possible.
        # lostCpus: CPUs of Linux that the hypervisor parked after a violation; absent: none.
        # deviceFaults: accesses of devices that an IOMMU dropped; absent: none.
        # inForce: path of the system with which the hypervisor was enabled; absent: the configured one as it is now, or
        # it is not known.
        # timings: absent in replies of daemons older than 2026-12.
        # losses: CPUs that the hypervisor took until the next boot, those of lostCpus among them; absent: none.
        # refusedEnable: the enable that was tried last since the daemon was started, where it failed and the hypervisor is
        # not enabled.
        # deviceFaultOverflows: how often an IOMMU had more to report than it could keep, so that deviceFaults are too few;
        # absent: never.
        # refusals: since the daemon was started; absent: none.
        type Machine (
          enabled: bool,
          system: ?string,
          driver: bool,
          version: string,
          memPoolSize: int,
          memPoolUsed: int,
          remapPoolSize: int,
          remapPoolUsed: int,
          enabling: ?bool,
          poolsAge: ?int,
          lostCpus: ?[]int,
          deviceFaults: ?[]DeviceFault,
          inForce: ?string,
          timings: ?[]Timing,
          losses: ?[]LostCpu,
          refusedEnable: ?RefusedEnable,
          deviceFaultOverflows: ?int,
          refusals: ?[]RefusalCount
        )

        # How often a command was refused with one error number. command: as in Timing. errno: as C names it; none: the
        # driver was not asked; other: a number that has no name here.
        type RefusalCount (command: string, errno: string, count: int)

        # An enable that failed. at: microseconds since 1970. errnoName: the driver's error; absent: it was not asked.
        # message: why, and what to do. console: what the hypervisor printed; absent: nothing, or it was not entered.
        type RefusedEnable (at: int, errnoName: ?string, message: string, console: ?[]string)

        # A CPU that the hypervisor took until the next boot. cell: whose it was; absent: not known any more. stopped: whether
        # the hypervisor itself failed on it, so that it answers nothing; else Linux did what it has no right to. reason: the
        # console's line. meaning: what that means, and what to do.
        type LostCpu (
          cpu: int,
          cell: ?string,
          stopped: bool,
          reason: ?string,
          meaning: ?string,
          console: ?[]string
        )

        # Accesses of a PCI device to memory that it may not use, of one kind; no CPU is parked for them.
        # device: bus:device.function. cell: that has the device; absent: Linux, or none. address, access (read or
        # write): of the latest, as far as the IOMMU reports them. code: of the IOMMU's own numbers. last: in
        # microseconds since 1970.
        type DeviceFault (
          device: string,
          cell: ?string,
          address: ?int,
          access: ?string,
          unit: int,
          code: int,
          count: int,
          last: int
        )

        # The page that the hypervisor and the inmate share.
        # address: in the cell; absent if the configuration has no such region. state, stateNumber: as the driver
        #   reports them; absent while the cell does not exist. passive: the inmate receives no messages.
        # messageReplyTimeout: how long the hypervisor waits for a reply, in loops; 0: indefinitely, with Linux
        #   stalled. flags: debug-putc-permitted, debug-putc-active.
        # pciMmconfigBase and the fields after it: values that the hypervisor writes, as far as they are known.
        type Region (
          address: ?int,
          abiRevision: int,
          state: ?string,
          stateNumber: ?int,
          passive: bool,
          messageReplyTimeout: int,
          lastRequest: ShutdownRequest,
          pciMmconfigBase: ?int,
          pmTimerPort: ?int,
          numberOfCpus: ?int,
          tscKhz: ?int,
          apicKhz: ?int,
          consoleAddress: ?int,
          flags: []string
        )

        # kind: "current" first for each cell; then "condition" and, when it is absent now, "gone" (previous: the
        #   condition before); "failure", "cpus-failed", "restarting", "gave-up", "left", "shutdown", "adopted", "replaced",
        #   "lost-start", "recreating", "silent", "alive", "guest-ended". Later versions may add others.
        # message: the change as a sentence, without the cell's name and the time.
        # missed: the number of changes dropped because this watcher was too slow.
        type Change (
          at: int,
          kind: string,
          cell: Cell,
          previous: ?string,
          message: string,
          missed: int
        )

        # A cell that was not stopped, and the reason.
        type LeftCell (cell: string, message: string)

        # name: as in sysfs: "vmexits_total", or of one CPU "cpu3/vmexits_mmio".
        type Statistic (name: string, value: int)

        # The machine and all cells, by name.
        method List() -> (machine: Machine, cells: []Cell)

        # All that is known about one cell.
        method Describe(cell: string) -> (details: Details)

        # Enables the hypervisor. configuration: path of a system configuration, as the daemon sees it; default: the
        # configured system.
        method Enable(configuration: ?string) -> ()

        # Destroys all cells and disables the hypervisor. ForeignCell: a cell without a definition is running and would
        # be sent a shutdown request that it may never answer; or it would be destroyed and others is not true.
        method Disable(others: ?bool) -> ()

        # In the replies of the next five methods, message reports a problem although the request was carried out: the
        # inmate did not answer its shutdown request, and Linux was stalled until the timeout.

        # Creates the cell from its definition, without starting it.
        method Create(cell: string) -> (cell: Cell, message: ?string)

        # Creates the cell if it does not exist, loads its images and starts it. The reply is sent when it runs.
        method Start(cell: string) -> (cell: Cell, message: ?string)

        # Sends the cell a shutdown request and stops it. The reply is sent when it is stopped.
        method Stop(cell: string) -> (cell: Cell, message: ?string)

        # Stops the cell, loads its images again and starts it.
        method Restart(cell: string) -> (cell: Cell, message: ?string)

        # Destroys the cell: its CPUs and memory are returned to Linux.
        method Destroy(cell: string) -> (cell: Cell, message: ?string)

        # Forgets the failures and restarts of one cell or of all; a cell that was given up can be started again.
        method ResetFailed(cell: ?string) -> ()

        # A sign of life of a cell, or with alive = false: it was looked for and there was none. reason: what was seen
        # instead, or what the operating system said last, for people; it is kept with the failure. Of several lines the last one
        # says how it ended, and those before it are its evidence. ended: it is known that its
        # operating system has ended: "panic", "shutdown" (powered off or halted) or "reboot" (it wants to be started again).
        # life: of which run of the cell that is said, as Details has it; of another one than the present it has no effect.
        # For programs that check cells from outside. message: what keeps it from having an effect; absent: nothing. Successful calls are not logged.
        method Alive(cell: string, alive: ?bool, reason: ?string, ended: ?string, life: ?int) -> (cell: Cell, message: ?string)

        # Reads the definitions again. added, removed, changed: names of cells; problems: one sentence for each rejected
        # definition.
        method Reload() -> (added: []string, removed: []string, changed: []string, problems: []string)

        # For the end of the machine: stops all cells in the reverse order of their start, each with a shutdown request,
        # except cells that could hang Linux; then disables the hypervisor, unless that would send a request to such a
        # cell. No cell is started during the shutdown, and remaining cells are not restarted afterwards. timeout: for
        # everything, in microseconds; default: 20 seconds; the reply is sent within it. stopped: in this order. disabled:
        # whether the hypervisor is disabled; message: if not, why. destroyed: cells without a definition, not running, that
        # were destroyed when the hypervisor was disabled. endOfMachine: a daemon that starts later in the same
        # boot (after a soft-reboot) starts as after a boot.
        method ShutDownAll(timeout: ?int, endOfMachine: ?bool) -> (stopped: []string, left: []LeftCell, destroyed: ?[]string, disabled: bool, message: ?string)

        method CommunicationRegion(cell: string) -> (region: Region)

        method Statistics(cell: string) -> (statistics: []Statistic)

        # With "more": the current state of each cell, then each change, of one cell or of all, indefinitely.
        method Watch(cell: ?string) -> (change: Change)

        # With "more": the hypervisor's output as the daemon has read it, about 64 KiB at most, then a reply without text
        # and, unless follow is false, what is printed from then on, indefinitely, across disable and enable. Any user may
        # read it, as in sysfs. Text that was lost is named in a line: "<missed N bytes ...>". at: when it was read.
        # state: readable, disabled, not-permitted (the system configuration does not have virtual-debug-console) or
        # no-driver; absent if it has not been read. age: of the last reading, in microseconds, in the reply without text
        # (reading waits for the driver's lock). at, state and age are absent in replies of daemons older than 2026-12.
        method Console(follow: ?bool) -> (text: string, at: ?int, state: ?string, age: ?int)

        # The recorded failures, at most eight, the latest last.
        method Failures(cell: string) -> (failures: []Failure)

        # What is in force: the system that is configured and usable, and the definitions of cells, in the order of their
        # names. For a map, as any user may draw one.
        method Configurations() -> (system: ?Configuration, cells: []Configuration)

        # Checks the definitions, or one file, without changing anything.
        # findings: one sentence each. details: the same findings and notes, structured; absent in replies of daemons
        # older than 2026-12.
        method Check(path: ?string) -> (findings: []string, details: ?[]Finding)

        # In all errors, message is a sentence that says what happened and what to do.

        error CellNotFound(cell: string, nearest: ?string, message: string)
        error NoDriver(message: string)
        error NotEnabled(message: string)
        error AlreadyEnabled(message: string)
        # The cell exists but has no definition: only read-only methods apply to it. Or another tool created and started it
        # under a name that is defined: it may never answer a shutdown request, and is not sent one.
        error ForeignCell(cell: string, message: string)
        error DefinitionInvalid(cell: ?string, path: ?string, message: string)
        # The driver returned an error. command: enable, disable, create, load, start or destroy; errno, errnoName: the error.
        error CommandFailed(cell: ?string, command: string, errno: int, errnoName: string, message: string)
        error ShutdownDenied(cell: string, message: string)
        error StartFailed(cell: string, message: string)
        # A later request for this cell replaced this one.
        error Superseded(cell: string, message: string)
        error PermissionDenied(method: string, message: string)
        # limit: its name, as above. The connection is closed after this reply.
        error LimitExceeded(limit: string, message: string)

        """
}
