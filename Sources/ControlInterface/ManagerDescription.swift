// SPDX-License-Identifier: Apache-2.0

extension Manager {
    /// The interface as `org.varlink.service.GetInterfaceDescription` hands it out: the source of truth for names,
    /// types and what may be absent. A test holds the Swift types against it.
    package static let description = """
        # The cells of the Jailhouse hypervisor on this machine, and the daemon that looks after them.
        #
        # Times are microseconds: since 1970 (realtime), or since boot where a field says monotonic.
        # Addresses are the 64 bits of the machine's address read as a signed number: those of 2^63 and above
        # are negative, none is ever rounded. An absent value is left out; a client may also send null.
        # A parameter that a method does not know is answered with org.varlink.service.InvalidParameter.
        #
        # The socket "control" answers every method; the socket "status" answers those that change nothing, and
        # PermissionDenied to the others.
        #
        # Who goes beyond one of these limits is told so with LimitExceeded, and disconnected:
        #   connections: 64 in all; the last 16 are for the socket "control", of these the last 4 for root, and the
        #     last 12 not for the daemon's own user. connections-per-user: 16, but for root and that user.
        #   message-size: 65536 bytes. message-depth: 32. message-time: 10 s from the first byte to the last.
        #   calls: 32 on one connection, or 131072 bytes of them, behind the one that is being answered.
        #   idle-time: 5 minutes without a call, a watch or an answer that is waited for.
        # Who does not take a reply within 10 s is disconnected. A watcher may have 256 changes waiting; then it
        # misses some, and is told how many. No reply has more than 4 MiB.
        interface org.jailhoused.Manager

        # A cell that exists, is defined, or both.
        # id: the hypervisor's number; absent while the cell does not exist. Numbers are used again.
        # state: the hypervisor's word ("running", "running/locked", "shut down", "failed", "Comm ABI mismatch",
        #   "invalid"); absent while the cell does not exist.
        # condition: the daemon's word: absent, created, starting, running, degraded (some CPUs failed), stopping,
        #   stopped, failed, backing-off, gave-up, foreign (exists without a definition).
        # cpus, failedCpus: numbers of CPUs, ascending. restarts: how often it was started again by the daemon.
        # since, sinceMonotonic: when condition changed last. defined: whether a definition exists.
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

        # What was kept of a failure before the cell was repaired.
        # reason: one line. state, failedCpus: as seen then. console: what the hypervisor printed, line by line.
        # vmExits, managementExits: how often its CPUs had left the cell for the hypervisor, in all and for the
        #   hypervisor's own business; absent if that could not be read.
        type Failure (
          at: int,
          reason: string,
          state: ?string,
          failedCpus: []int,
          console: []string,
          vmExits: ?int,
          managementExits: ?int
        )

        # Something that the rules say of a file, or a mistake that keeps it from being understood.
        # rule: JH and four digits (jailhouse-ctl explain has its page); absent for such a mistake. severity: error,
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

        # What became of the last request to shut down.
        # outcome: approved, denied, timed-out, or not-asked. at: when; absent if there was none.
        # stalled: how long Linux was stalled because it was not answered, in microseconds.
        type ShutdownRequest (outcome: string, at: ?int, stalled: ?int)

        # How a cell is looked after. Durations in microseconds.
        # desired: what the daemon works towards: running or stopped. restart: never, on-failure or always.
        # delay: the next wait before a restart; it doubles up to maximumDelay. attempts: restarts that count
        #   against attemptLimit within limitWithin. nextRestart: when, while backing off.
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

        # definition: path of the definition; absent for a foreign cell. problem: why the definition cannot be used.
        # images: paths of the programs. console: the hypervisor's last lines about this cell.
        # vmExits: how often its CPUs left the cell for the hypervisor; absent while it does not exist.
        # lastShutdown: absent if the inmate has not been asked.
        # accepted: errors of check that the definition accepts, each with its reason ("JH0901: ..."); absent: none.
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
          accepted: ?[]string
        )

        # enabled: whether the hypervisor runs. system: path of the configured system. driver: whether the kernel
        # has the driver. version: the daemon's. The pools of hypervisor memory are counted in pages; poolsAge: how long
        # ago they were read, in microseconds, absent if they never were (reading them waits for the driver's lock).
        # enabling: the daemon is enabling the hypervisor, or will as soon as it can.
        # lostCpus: CPUs of Linux that the hypervisor parked after a violation; absent: none.
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
          lostCpus: ?[]int
        )

        # The page through which hypervisor and inmate talk.
        # address: where the inmate sees it; absent when its configuration has none. state, stateNumber: as the
        #   hypervisor tells them; absent while the cell does not exist. passive: the inmate is never asked.
        # messageReplyTimeout: how long the hypervisor waits for an answer, in loops; 0: without end, with Linux
        #   standing still. flags: debug-putc-permitted, debug-putc-active.
        # pciMmconfigBase and what follows: what the hypervisor puts there, as far as it is known from outside.
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
        #   condition before); "failure", "cpus-failed", "restarting", "gave-up", "shutdown", "adopted", "replaced",
        #   "lost-start", "recreating". More may come.
        # message: the same as a line for people, without the cell's name and the time.
        # missed: changes that this watcher was too slow for.
        type Change (
          at: int,
          kind: string,
          cell: Cell,
          previous: ?string,
          message: string,
          missed: int
        )

        # A cell that was not stopped, and why.
        type LeftCell (cell: string, message: string)

        # name: as in sysfs: "vmexits_total", or of one CPU "cpu3/vmexits_mmio".
        type Statistic (name: string, value: int)

        # The machine and all cells, by name.
        method List() -> (machine: Machine, cells: []Cell)

        # All that is known about one cell.
        method Describe(cell: string) -> (details: Details)

        # Starts the hypervisor. configuration: path of a system configuration as the daemon sees it; absent: the
        # configured system.
        method Enable(configuration: ?string) -> ()

        # Destroys all cells and ends the hypervisor. ForeignCell: a cell without a definition
        # would be asked, and may never answer; or would be destroyed, unless others is true.
        method Disable(others: ?bool) -> ()

        # In the replies of the next five, message says what did not go as it should although it is done: the inmate did
        # not answer its shutdown request, and Linux was stalled meanwhile.

        # Makes the cell from its definition, without starting it.
        method Create(cell: string) -> (cell: Cell, message: ?string)

        # Loads the images and starts the cell; makes it first if it does not exist. The reply comes when it runs.
        method Start(cell: string) -> (cell: Cell, message: ?string)

        # Asks the cell to shut down. The reply comes when it is stopped.
        method Stop(cell: string) -> (cell: Cell, message: ?string)

        # Stops the cell, loads its images again and starts it.
        method Restart(cell: string) -> (cell: Cell, message: ?string)

        # Stops the cell and gives its CPUs and memory back to Linux.
        method Destroy(cell: string) -> (cell: Cell, message: ?string)

        # Forgets failures and restarts, of one cell or of all: one that was given up may be started again.
        method ResetFailed(cell: ?string) -> ()

        # Reads the definitions again. Names of cells; problems: a sentence for each definition that was refused.
        method Reload() -> (added: []string, removed: []string, changed: []string, problems: []string)

        # For the end of the machine: stops all cells in the reverse order of their start, each by asking it, and none
        # that could freeze Linux when asked; then disables the hypervisor, unless that would ask such a cell. No cell is
        # started meanwhile, and none that is left is restarted afterwards. timeout: for all of that, in microseconds;
        # absent: 20 seconds. The reply comes within it. stopped: in this order. disabled: whether the hypervisor is;
        # message: why it is not. endOfMachine: a daemon that starts afterwards in the same boot (after a soft-reboot)
        # begins as after a boot.
        method ShutDownAll(timeout: ?int, endOfMachine: ?bool) -> (stopped: []string, left: []LeftCell, disabled: bool, message: ?string)

        method CommunicationRegion(cell: string) -> (region: Region)

        method Statistics(cell: string) -> (statistics: []Statistic)

        # With "more": first each cell as it is, then each change, of one cell or of all, without end.
        method Watch(cell: ?string) -> (change: Change)

        # With "more": what the hypervisor prints, as it comes.
        method Console() -> (text: string)

        # The failures that are kept, eight at the most, the last one at the end.
        method Failures(cell: string) -> (failures: []Failure)

        # Checks the definitions, or one file, without touching anything.
        # findings: one sentence each. details: the same and notes, in their parts; absent from daemons of before 2026-12.
        method Check(path: ?string) -> (findings: []string, details: ?[]Finding)

        # In all errors message is a whole sentence: what happened and what to do.

        error CellNotFound(cell: string, nearest: ?string, message: string)
        error NoDriver(message: string)
        error NotEnabled(message: string)
        error AlreadyEnabled(message: string)
        # The cell exists but has no definition: it may be looked at only.
        error ForeignCell(cell: string, message: string)
        error DefinitionInvalid(cell: ?string, path: ?string, message: string)
        # The driver refused. command: enable, disable, create, load, start or destroy; errno, errnoName: why.
        error CommandFailed(cell: ?string, command: string, errno: int, errnoName: string, message: string)
        error ShutdownDenied(cell: string, message: string)
        error StartFailed(cell: string, message: string)
        # A later request for this cell took the place of this one.
        error Superseded(cell: string, message: string)
        error PermissionDenied(method: string, message: string)
        # limit: its name as above; the connection is closed after this.
        error LimitExceeded(limit: string, message: string)

        """
}
